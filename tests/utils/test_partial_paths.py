"""Leftovers of killed processes: found by their names, and deleted by the next process that writes the same."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from melanoma_detect.utils.files import atomic_file, atomic_folder, is_hidden
from melanoma_detect.utils.partial_paths import partial_path, remove_leftovers

pytestmark = pytest.mark.skipif(os.name != "posix", reason="other systems do not say which processes live")


def run_and_kill(code, folder):
    """Run code that ends by killing itself."""
    program = f"import os, signal\nfrom pathlib import Path\n{code}\nos.kill(os.getpid(), signal.SIGKILL)\n"
    process = subprocess.run([sys.executable, "-c", program], cwd=folder, check=False)
    assert process.returncode == -signal.SIGKILL


WRITE = "from melanoma_detect.utils.files import atomic_file, atomic_folder\n"
FILE = WRITE + "block = atomic_file(Path('a.csv'))\npartial = block.__enter__()\npartial.write_text('half')"
FOLDER = WRITE + "block = atomic_folder(Path('run'))\npartial = block.__enter__()\n(partial / 'a').write_text('half')"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_name_is_hidden_and_keeps_the_suffix_also_of_a_very_long_name(tmp_path):
    for name in ("a.detector", f"{'n' * 245}.detector", "ä" * 120 + ".csv"):
        found = partial_path(tmp_path / name)
        assert is_hidden(found.name)
        assert found.suffix == Path(name).suffix
        found.write_text("it can be made")


def test_a_killed_process_leaves_no_file_after_the_next_one(tmp_path):
    run_and_kill(FILE, tmp_path)
    assert len(names(tmp_path)) == 1
    with atomic_file(tmp_path / "b.csv") as partial:
        partial.touch()
    assert len(names(tmp_path)) == 2, "another file's leftovers are that file's business"
    with atomic_file(tmp_path / "a.csv") as partial:
        partial.touch()
    assert names(tmp_path) == ["a.csv", "b.csv"]


def test_a_killed_process_leaves_no_folder_after_the_next_one(tmp_path):
    run_and_kill(FOLDER, tmp_path)
    assert len(names(tmp_path)) == 1
    with atomic_folder(tmp_path / "run") as partial:
        (partial / "b").touch()
    assert names(tmp_path) == ["run"]


def test_what_a_living_process_writes_stays(tmp_path):
    code = FILE + "\nprint('written', flush=True)\ninput()"
    program = ["-c", f"from pathlib import Path\n{code}"]
    with subprocess.Popen(
        [sys.executable, *program], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        with atomic_file(tmp_path / "a.csv") as partial:
            partial.write_text("ours")
        assert len(names(tmp_path)) == 2
        process.kill()
        process.wait()
    remove_leftovers(tmp_path, "a.csv")
    assert names(tmp_path) == ["a.csv"]


def test_what_another_machine_or_a_user_has_left_stays(tmp_path):
    mine = partial_path(tmp_path / "a.csv").name
    of_another_host = re.sub(r"-[0-9a-f]{8}-", "-00000000-", mine, count=1).replace(f"-{os.getpid()}-", "-999999999-")
    others = [of_another_host, ".partial-notes.csv", ".a.csv-12345678.csv", mine]
    for name in others:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == sorted(others)


def test_a_number_that_the_system_has_given_to_another_process_is_no_living_writer(tmp_path):
    path = partial_path(tmp_path / "a.csv")
    before = re.sub(rf"-{os.getpid()}-\d+-", f"-{os.getpid()}-1-", path.name)
    (tmp_path / before).touch()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(("replaced", "left"), [(False, "old"), (True, "new")])
def test_a_folder_that_was_moved_away_is_moved_back_if_no_new_one_took_its_place(tmp_path, replaced, left):
    code = "from melanoma_detect.utils.partial_paths import partial_path\npartial_path(Path('run'), 'replaced').mkdir()"
    run_and_kill(code, tmp_path)
    (next(tmp_path.iterdir()) / "old").touch()
    if replaced:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "new").touch()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["run"]
    assert names(tmp_path / "run") == [left]


def test_a_folder_that_cannot_be_listed_has_no_leftovers(tmp_path):
    remove_leftovers(tmp_path / "nowhere")
