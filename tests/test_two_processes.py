"""Two processes that write one output or one cache at the same time: one of them waits or is told, and nothing is damaged."""

import subprocess
import sys
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import OutputError
from melanoma_detect.pipeline import checkpoint_folder
from melanoma_detect.scoring.storage import LocalStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")

PREPARE = "import sys\nimport melanoma_detect as md\ndata = md.load_dataset(sys.argv[1], image_size=(48, 48), progress=False)\n"
BALANCE = PREPARE + "md.balance(data, to=40, workers=1, cache='copies', progress=False)\nprint('done')"
DECODE = (
    PREPARE
    + "from dataclasses import replace\nfrom melanoma_detect.images.pixel_cache import PixelCache\n"
    + "print(replace(data, decoded=PixelCache(memory=10)).train.pixels((64, 64)).sum())"
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Write a small folder of drawings."""
    return md.write_samples(
        tmp_path_factory.mktemp("small") / "s", train=6, test=2, size=48, classes=("nevus", "melanoma")
    )


def run_both(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    return [out for out, _ in answers]


def test_copies_are_made_once(small):
    assert run_both(BALANCE, small) == ["done\n"] * 2
    assert len(list(Path("copies").iterdir())) == 1
    assert len(list(Path("copies").rglob("*.jpg"))) == 2 * 40 - len(list((small / "Train").rglob("*.jpg"))) + 2 * 1
    assert not list(Path("copies").rglob(".*"))


def test_decoded_images_are_the_same_for_both(small, monkeypatch, tmp_path):
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / "cache"))
    first, second = run_both(DECODE, small)
    assert first == second
    assert len(list((tmp_path / "cache" / "decoded").iterdir())) == 1
    assert len(list((tmp_path / "cache" / "scans").glob("*.sqlite"))) == 1


def test_a_second_training_into_a_run_folder_is_refused():
    with (
        checkpoint_folder(Path("run"), overwrite=False, resume=False),
        pytest.raises(OutputError, match="run: another process is training into it"),
        checkpoint_folder(Path("run"), overwrite=True, resume=True),
    ):
        pass
    assert list(Path().iterdir()) == []


def test_a_second_scoring_of_a_table_is_refused():
    with (
        LocalStore("scores.csv").lock(),
        pytest.raises(OutputError, match=r"scores\.csv: another run is writing it"),
        LocalStore("scores.csv").lock(),
    ):
        pass
