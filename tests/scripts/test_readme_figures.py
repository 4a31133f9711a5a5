"""The script that makes the README's pictures works, with a small detector."""

import runpy
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SCRIPT = Path(__file__).parents[2] / "scripts" / "readme_figures.py"


def test_the_script_draws_a_prediction_and_an_audit(detector, tmp_path, monkeypatch, capsys):
    script = runpy.run_path(str(SCRIPT))
    main = script["main"]
    main.__globals__["train_detector"] = lambda folder: detector
    main.__globals__["CANDIDATES"] = 2
    monkeypatch.setattr(sys, "argv", ["readme_figures.py", "--out", str(tmp_path / "images")])
    main()
    printed = capsys.readouterr().out.splitlines()
    assert [Path(line.split()[0]).name for line in printed] == ["audit.webp", "prediction.webp"]
    for name in ("audit.webp", "prediction.webp"):
        with Image.open(tmp_path / "images" / name) as picture:
            pixels = np.asarray(picture)
        assert pixels.shape[1] >= 1200
        assert pixels.std() > 10  # something is drawn


def test_the_spoiled_folder_has_the_faults_that_the_audit_shows(tmp_path):
    import melanoma_detect as md

    spoil_folder = runpy.run_path(str(SCRIPT))["spoil_folder"]
    audit = md.audit(spoil_folder(tmp_path / "clinic"), progress=False)
    assert {"two labels", "image in two splits", "same image, other bytes", "poor images"} <= {
        finding.kind for finding in audit.findings
    }
