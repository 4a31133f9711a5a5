"""The command localize."""

import pytest
from typer.testing import CliRunner

import melanoma_detect as md
from melanoma_detect.cli import app
from melanoma_detect.errors import DetectorError, OutputError

CLASSES = ("melanoma", "basal cell carcinoma", "nevus", "dermatofibroma")


def invoke(*arguments):
    """Run a command; errors are the library's own, which `main` shows as one line."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("localize") / "clinic"
    return md.write_samples(folder, train=14, test=2, size=32, seed=9, classes=CLASSES)


@pytest.fixture
def saved(detector, tmp_path):
    detector.save(tmp_path / "cnn.detector")
    return tmp_path / "cnn.detector"


def test_detector_is_written_and_described(clinic, saved):
    shown = invoke("localize", clinic, "--detector", saved, "--out", "here.detector")
    assert shown.exit_code == 0
    assert "Calibrated on 56 images of" in shown.output
    assert "For which the images are too few" in shown.output
    assert "Written:\n  here.detector" in shown.output
    localized = md.Detector.load("here.detector")
    assert localized.predictor.config.localizations[0]["data"] == "clinic"
    assert localized.predictor.settings.sensitivity == 0.6


def test_sensitivity_is_for_the_local_images_to_support(clinic, saved):
    invoke("localize", clinic, "-d", saved, "--out", "here.detector", "--sensitivity", 0.8)
    point = md.Detector.load("here.detector").operating_point
    assert (point.goal, point.local) == (0.8, True)
    invoke("localize", clinic, "-d", saved, "--out", "any.detector", "--target", "malignant", "--sensitivity", 0.7)
    point = md.Detector.load("any.detector").operating_point
    assert (point.target, point.goal, point.local) == ("malignant", 0.7, True)


def test_outputs_are_guarded(clinic, saved):
    for out in (saved, "here.onnx"):
        with pytest.raises(OutputError):
            invoke("localize", clinic, "-d", saved, "--out", out, "--overwrite")
    (saved.parent / "there.detector").touch()
    with pytest.raises(OutputError, match=r"overwrite it \(overwrite=True\)"):
        invoke("localize", clinic, "-d", saved, "--out", saved.parent / "there.detector")


def test_too_few_images_leave_no_file(saved, tmp_path):
    folder = md.write_samples(tmp_path / "few", train=3, test=1, size=32, seed=9, classes=CLASSES)
    with pytest.raises(DetectorError, match="12 of 12 images are left"):
        invoke("localize", folder, "-d", saved, "--out", "here.detector")
    assert not (tmp_path / "here.detector").exists()
