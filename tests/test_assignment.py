"""The assignment's script runs and prints both numbers."""

import runpy
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "examples" / "assignment.py"


def test_it_prints_what_was_reported_beside_what_it_is_worth(lesions, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["assignment.py", str(lesions), "--epochs", "1", "--add", "2"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    shown = capsys.readouterr().out.splitlines()
    lines = [line.split() for line in shown if line.strip() and line.split()[0].endswith("_accuracy")]
    assert [line[0] for line in lines] == ["training_accuracy", "validation_accuracy", "test_accuracy"]
    assert [line[2] for line in lines[:2]] == ["0.80", "0.76"]
