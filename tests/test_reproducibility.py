"""What `docs/explanation/reproducibility.md` says is equal is equal, in other processes, languages and numbers of threads."""

import json
import locale
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.data.sources.table_reader import read_table

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / "scripts" / "reproducible.py"
# Languages that sort, write numbers and change the case of letters in other ways; those that the machine has are tried.
LANGUAGES = ("tr_TR.UTF-8", "de_DE.UTF-8", "C.UTF-8", "C")
THREAD_TOLERANCE = 1e-5  # in probability; see the page


def languages():
    """Return the locales of this machine among those that are tried."""
    there = []
    before = locale.setlocale(locale.LC_ALL)
    for name in LANGUAGES:
        try:
            locale.setlocale(locale.LC_ALL, name)
            there.append(name)
        except locale.Error:
            continue
        finally:
            locale.setlocale(locale.LC_ALL, before)
    return there


def run_program(folder, *arguments, **settings):
    """Return the digests that a process of its own gives in a folder, and with settings of its environment."""
    folder.mkdir(parents=True)
    environment = (
        os.environ | {"MELANOMA_DETECT_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT / "src")} | settings
    )
    command = [sys.executable, str(PROGRAM), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def check_equal(results):
    first, *others = results
    assert len(first) >= 9
    for other in others:
        assert {name for name in first if other[name] != first[name]} == set()
    assert first["table of scores, 1 workers"] == first["table of scores, 4 workers"]


def test_other_processes_give_the_same_files(tmp_path):
    first = {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kathmandu", "PYTHONUTF8": "0"}
    second = {"PYTHONHASHSEED": "2", "LC_ALL": languages()[0], "TZ": "America/St_Johns", "OMP_NUM_THREADS": "1"}
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run_program, tmp_path / f"{number}", **each) for number, each in enumerate((first, second))]
        check_equal([run.result() for run in runs])


@pytest.mark.slow
def test_trainings_and_exports_are_the_same_files_in_every_language(tmp_path):
    results = [
        run_program(tmp_path / f"{number}", "train", PYTHONHASHSEED=str(number), LC_ALL=language)
        for number, language in enumerate([*languages(), "C"])
    ]
    assert "ONNX model" in results[0]
    check_equal(results)


def test_the_number_of_threads_changes_the_last_digits_at_most():
    pixels = np.stack([md.draw_lesion("melanoma", seed=seed, size=224).pixels for seed in range(4)])
    rows = [md.Detector.load(threads=threads).predictor.probabilities(pixels) for threads in (1, 2, 4)]
    assert max(np.abs(row - rows[0]).max() for row in rows) < THREAD_TOLERANCE


def test_line_endings_of_other_systems_change_nothing(tmp_path):
    lines = ["image,dx,lesion", 'a.jpg,mel,"L1, left"', "b.jpg,nv,L2", ""]
    found = set()
    for name, ending in (("unix", "\n"), ("windows", "\r\n"), ("old", "\r")):
        path = tmp_path / f"{name}.csv"
        path.write_bytes(ending.join(lines).encode())
        table = read_table(path)
        found.add(str([(row.name, table.label(row), table.group_keys(row)) for row in table.rows]))
    assert len(found) == 1


def test_a_table_of_scores_has_the_same_line_endings_everywhere(tmp_path):
    from PIL import Image

    Image.fromarray(md.draw_lesion("nevus", seed=1, size=64).pixels).save("a.png")
    md.score("a.png", out="scores.csv", progress=False)
    content = Path("scores.csv").read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r") == 2  # RFC 4180, on every system
