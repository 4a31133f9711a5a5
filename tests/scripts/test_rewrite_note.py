"""The script that rewrites a note of a detector's model card."""

import importlib.util
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from detector_members import rewrite

import melanoma_detect as md
from melanoma_detect.inference.predictor import Predictor

SCRIPT = Path(__file__).parents[2] / "scripts" / "rewrite_note.py"
SPEC = importlib.util.spec_from_file_location("rewrite_note", SCRIPT)
script = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(script)


@pytest.fixture
def old(detector, tmp_path):
    predictor = detector.predictor
    config = replace(predictor.config, notes={"Images": "drawn.", "Skin tone": "unknown."})
    Predictor(config, predictor.runtime, predictor.files).save(tmp_path / "old.detector")
    return tmp_path / "old.detector"


def test_only_the_note_and_the_card_change(old, tmp_path, monkeypatch, capsys):
    new = tmp_path / "new.detector"
    monkeypatch.setattr(sys, "argv", ["rewrite_note.py", str(old), "Skin tone", "light.", "--out", str(new)])
    script.main()
    assert "Skin tone: light." in capsys.readouterr().out
    with zipfile.ZipFile(old) as before, zipfile.ZipFile(new) as after:
        assert before.namelist() == after.namelist()
        changed = [name for name in before.namelist() if before.read(name) != after.read(name)]
    assert set(changed) == {"detector.json", "MODEL_CARD.md", "digests.json"}
    first, second = md.Detector.load(old), md.Detector.load(new)
    assert second.predictor.config.notes == {"Images": "drawn.", "Skin tone": "light."}
    assert "- Skin tone: light." in second.model_card
    image = md.draw_lesion("nevus", seed=1).pixels
    np.testing.assert_array_equal(first.predict(image).probabilities, second.predict(image).probabilities)


def test_a_note_that_is_not_there_is_refused(old, tmp_path):
    with pytest.raises(SystemExit, match="has no note 'Skin'; expected one of 'Images', 'Skin tone'"):
        script.copy_with_note(old, tmp_path / "new.detector", "Skin", "light.")


def test_another_model_is_refused(old, detector, tmp_path):
    drawn = tmp_path / "drawn.detector"
    rewrite(old, drawn, {"model.onnx": None})
    with pytest.raises(SystemExit, match="has no ONNX model"):
        script.check_same_answers(old, drawn)
