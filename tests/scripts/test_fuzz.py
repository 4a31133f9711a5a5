import json
import subprocess
import sys
from pathlib import Path

import pytest

import fuzz

ROOT = Path(__file__).parents[2]


def test_a_door_is_fuzzed_and_recorded(tmp_path):
    pytest.importorskip("atheris", reason="atheris has no wheel for this system")
    command = [sys.executable, str(ROOT / "scripts" / "fuzz.py"), "bmp", "--runs", "40", "--folder", str(tmp_path)]
    done = subprocess.run(
        [*command, "--record", str(tmp_path / "record.json")], capture_output=True, text=True, check=False
    )
    [record] = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
    assert (record["door"], record["executions"], done.returncode) == ("bmp", 40, int(bool(record["faults"])))
    assert "bmp 40 executions" in done.stdout


def test_an_unknown_door_is_named(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "fuzz.py"), "window"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no such door: window; expected jpeg, png" in done.stderr


def test_faults_of_one_kind_are_kept_once(tmp_path):
    tally = fuzz.Tally(tmp_path)
    for content in (b"first", b"second"):
        tally.add_fault(ValueError(f"{len(content)} bytes"), content)
    tally.save()
    assert [path.read_bytes() for path in (tmp_path / "faults").glob("*.bin")] == [b"first"]
    assert list(json.loads((tmp_path / "tally.json").read_text(encoding="utf-8"))["faults"].values()) == [2]
