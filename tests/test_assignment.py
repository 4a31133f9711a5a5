"""The assignment's example script runs and prints the reported and the measured accuracies."""

import runpy
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "examples" / "assignment.py"


def test_the_script_prints_reported_and_measured_accuracies(lesions, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["assignment.py", str(lesions), "--epochs", "1", "--add", "2"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    printed = capsys.readouterr().out.splitlines()
    lines = [line.split() for line in printed if line.strip() and line.split()[0].endswith("_accuracy")]
    assert [line[0] for line in lines] == ["training_accuracy", "validation_accuracy", "test_accuracy"]
    assert [line[2] for line in lines[:2]] == ["0.80", "0.76"]
