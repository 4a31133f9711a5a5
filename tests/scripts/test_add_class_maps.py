"""The script that gives the file of an earlier version class maps."""

import importlib.util
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

import melanoma_detect as md
from melanoma_detect.export.class_maps import remove_class_maps
from melanoma_detect.export.onnx import onnx_bytes
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import OnnxRuntime

SCRIPT = Path(__file__).parents[2] / "scripts" / "add_class_maps.py"
SPEC = importlib.util.spec_from_file_location("add_class_maps", SCRIPT)
script = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(script)


@pytest.fixture
def old(detector, tmp_path):
    """A detector's file as earlier versions wrote it, of a network that could have class maps."""
    model = onnx.load_from_string(onnx_bytes(md.build_model("lesion_net", num_classes=9, input_shape=(64, 64, 3))))
    remove_class_maps(model)
    content = model.SerializeToString()
    config = replace(detector.predictor.config, image_size=(64, 64))
    files = replace(detector.predictor.files, onnx=content, keras=None, feature_space=None)
    Predictor(config, OnnxRuntime(content), files).save(tmp_path / "old.detector")
    return tmp_path / "old.detector"


def test_only_the_model_changes_and_it_explains(old, tmp_path, monkeypatch, capsys):
    new = tmp_path / "new.detector"
    monkeypatch.setattr(sys, "argv", ["add_class_maps.py", str(old), "--out", str(new)])
    script.main()
    assert "new.detector: " in capsys.readouterr().out
    with zipfile.ZipFile(old) as before, zipfile.ZipFile(new) as after:
        assert sorted(before.namelist()) == sorted(after.namelist())
        changed = [name for name in before.namelist() if before.read(name) != after.read(name)]
    assert sorted(changed) == ["digests.json", "model.onnx"]
    assert md.Detector.load(new).explain(md.draw_lesion("nevus", seed=1).pixels).method == "cam"


def test_a_model_with_other_outputs_is_refused(old):
    content = md.Detector.load(old).predictor.files.onnx
    other = onnx_bytes(md.build_model("lesion_net", num_classes=9, input_shape=(64, 64, 3), seed=7))
    with pytest.raises(SystemExit, match="the outputs differ: not written"):
        script.check_outputs(content, other, (64, 64))


def test_a_network_that_flattens_its_maps_is_refused(detector, tmp_path):
    detector.save(tmp_path / "cnn.detector")
    with pytest.raises(SystemExit, match="does not end in linear layers over averaged feature maps"):
        script.copy_with_class_maps(tmp_path / "cnn.detector", tmp_path / "new.detector")
