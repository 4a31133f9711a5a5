"""Disks that are full, folders that cannot be written, and systems without a place for caches: an error or a way round."""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import OutputError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
COMMAND = [sys.executable, "-m", "melanoma_detect"]
NO_SPACE = "File too large"  # what a limit of a file's size says, as a full disk says that it has no space


def limited(size):
    """Return what lets a process write no file that is larger: a full disk, for which no one needs to be root."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def run(arguments, *, size=None, **environment):
    return subprocess.run(
        [*arguments],
        env=os.environ | environment,
        preexec_fn=limited(size) if size else None,
        capture_output=True,
        text=True,
        check=False,
    )


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Write a small folder of drawings."""
    return md.write_samples(
        tmp_path_factory.mktemp("small") / "s", train=3, test=2, size=48, classes=("nevus", "melanoma")
    )


@pytest.mark.parametrize("before", ["", "of an earlier run"])
@pytest.mark.parametrize(
    ("arguments", "out", "size"),
    [
        (["score", "{images}", "--out", "{out}"], "scores.csv", 1000),
        pytest.param(["audit", "{images}", "--html", "{out}"], "page.html", 4000, marks=pytest.mark.slow),
        (["explain", "{image}", "--out", "{out}"], "map.png", 1000),
        pytest.param(["export", "--out", "{out}"], "model.onnx", 100_000, marks=pytest.mark.slow),
        (["balance", "{images}", "--to", "9", "--image-size", "48", "--out", "{out}"], "set", 300),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_full_disk_is_one_line_and_the_old_result_stays(arguments, out, size, before, small):
    place = Path("results").absolute()
    place.mkdir()
    if before and out != "set":
        (place / out).write_text(before)
        arguments = [*arguments, "--overwrite"]
    image = next((small / "Test" / "nevus").iterdir())
    filled = [part.format(images=small, image=image, out=place / out) for part in arguments]
    done = run([*COMMAND, *filled], size=size, MELANOMA_DETECT_CACHE=str(place.with_name("cache")))
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert (done.returncode, len(errors)) == (1, 1), done.stderr
    assert NO_SPACE in errors[0]
    assert "Traceback" not in done.stderr
    kept = [name for name in names(place) if not name.endswith("-partial")]  # the shards of a score that can go on
    assert kept == ([out] if before and out != "set" else [])
    if kept:
        assert (place / out).read_text() == before


def test_a_detector_that_cannot_be_written_leaves_the_old_one(tmp_path):
    code = """
    import melanoma_detect as md
    detector = md.Detector.load()
    try:
        detector.save("mine.detector", overwrite=True)
    except md.errors.OutputError as error:
        print(error)
    """
    Path("mine.detector").write_text("old")
    done = run([sys.executable, "-c", textwrap.dedent(code)], size=10_000)
    assert done.stdout.startswith("mine.detector: cannot be written (File too large)"), done.stderr
    assert names(".") == ["mine.detector"]
    assert Path("mine.detector").read_text() == "old"


@pytest.mark.slow
@pytest.mark.parametrize("size", [20_000, 300_000])
def test_a_disk_that_fills_during_a_training_is_one_line(size, small, tmp_path):
    arguments = [
        "train",
        small,
        "--out",
        tmp_path / "run",
        "--epochs",
        "1",
        "--image-size",
        "32",
        "--sensitivity",
        "0.5",
    ]
    done = run([*COMMAND, *map(str, arguments)], size=size, MELANOMA_DETECT_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert not (tmp_path / "run").exists()


MAPPED = """
import sys
import melanoma_detect as md
from dataclasses import replace
from melanoma_detect.images.pixel_cache import PixelCache
data = md.load_dataset(sys.argv[1], image_size=(96, 96), progress=False)
print(replace(data, decoded=PixelCache(memory=10)).train.pixels((128, 128)).shape)
"""


def test_a_cache_without_room_falls_back_on_the_memory(small, tmp_path):
    done = run([sys.executable, "-c", MAPPED, str(small)], size=50_000, MELANOMA_DETECT_CACHE=str(tmp_path / "cache"))
    assert (done.returncode, done.stdout) == (0, "(4, 128, 128, 3)\n"), done.stderr
    assert "decoded: cannot hold 0 MiB of decoded images (File too large)" in done.stderr
    assert names(tmp_path / "cache" / "decoded") == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_of_the_cache_does_not_kill_the_process(small, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "none", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this container may not mount a disk")
    try:
        done = run([sys.executable, "-c", MAPPED, str(small)], MELANOMA_DETECT_CACHE=str(disk))
        assert (done.returncode, done.stdout) == (0, "(4, 128, 128, 3)\n"), done.stderr
        assert "(No space left on device)" in done.stderr
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("cache", ["file", "missing home", "temporary files"])
def test_a_cache_that_cannot_be_there_stops_no_loading_and_no_prediction(cache, small, tmp_path):
    (tmp_path / "file").touch()
    environment = {
        "file": {"MELANOMA_DETECT_CACHE": str(tmp_path / "file")},
        "missing home": {"MELANOMA_DETECT_CACHE": "", "HOME": str(tmp_path / "file" / "x"), "XDG_CACHE_HOME": ""},
        "temporary files": {"TMPDIR": str(tmp_path / "nowhere")},
    }[cache]
    image = str(next((small / "Test" / "nevus").iterdir()))
    code = """
    import sys
    import melanoma_detect as md
    md.load_dataset(sys.argv[1])
    print(md.Detector.load().predict(sys.argv[2]).decision)
    """
    done = run([sys.executable, "-c", textwrap.dedent(code), str(small), image], **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("alert", "clear", "refer")
    assert names(".") == ["file"], "nothing is written to the folder that the program runs in"


def test_a_home_that_is_missing_has_its_cache_among_the_temporary_files(tmp_path, monkeypatch, small):
    (tmp_path / "file").touch()
    monkeypatch.delenv("MELANOMA_DETECT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    data = md.load_dataset(small, image_size=(32, 32), progress=False)
    balanced = md.balance(data, add=1, progress=False, cache=None)
    assert len(balanced) == len(data) + 2
    assert {
        record.path.relative_to(tempfile.gettempdir()).parts[0][:16] for record in balanced.records if record.parent
    } == {"melanoma-detect-"}


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to a device", "file in a file"])
def test_a_detector_is_saved_to_files_only(kind, tmp_path):
    detector, path = md.Detector.load(), tmp_path / "place"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to a device":
        path.symlink_to("/dev/full")
    else:
        path.touch()
        path = path / "mine.detector"
    before = names(tmp_path)
    if kind == "link to a device":
        with pytest.raises(OutputError, match="already exists"):
            detector.save(path)
        detector.save(path, overwrite=True)  # the link is replaced: what it leads to is not touched
        assert path.is_file()
        assert not path.is_symlink()
        return
    with pytest.raises(OutputError, match="place"):
        detector.save(path, overwrite=True)
    assert names(tmp_path) == before
