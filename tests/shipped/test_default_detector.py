"""The detector that comes with the library: there without a name, within its size, and as good as its card says."""

import hashlib
import json
import subprocess
import sys
import warnings
import zipfile
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.export.class_maps import remove_class_maps
from melanoma_detect.inference import bundle
from melanoma_detect.inference.bundle import SHIPPED, find_file
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.runtime import OnnxRuntime
from melanoma_detect.utils.disclaimer import TERMS

DIAGNOSES = {
    "actinic keratosis",
    "basal cell carcinoma",
    "dermatofibroma",
    "melanoma",
    "nevus",
    "pigmented benign keratosis",
    "seborrheic keratosis",
    "squamous cell carcinoma",
    "vascular lesion",
}


HELD = ("ham10000 dermoscopy", "isic2017_2019 dermoscopy", "isic9 dermoscopy", "milk10k dermoscopy", "milk10k clinical")


@pytest.fixture(scope="module")
def default():
    return md.Detector.load()


@pytest.fixture
def photo():
    """A drawn lesion, shaped as a camera's image is."""
    drawn = Image.fromarray(md.draw_lesion("melanoma", seed=3, size=400).pixels)
    drawn.resize((600, 400)).save("photo.png")
    return "photo.png"


def run(*command):
    return subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, check=True, encoding="utf-8"
    )


def test_it_offers_all_nine_diagnoses(default):
    assert set(default.classes) == DIAGNOSES
    assert default.image_size == (224, 224)
    assert default.predictor.config.title in repr(default)


@pytest.mark.parametrize("views", [1, 4, 8])
@pytest.mark.parametrize("target", ["melanoma", "malignant"])
@pytest.mark.parametrize(
    ("image_type", "sensitivity"),
    [("dermoscopy", 0.9), ("dermoscopy", 0.95), ("dermoscopy", 0.99), ("clinical", 0.9), ("clinical", 0.95)],
)
def test_every_operating_point_is_supported(default, image_type, sensitivity, target, views):
    point = default.at(sensitivity=sensitivity, target=target, views=views, image_type=image_type).operating_point
    assert point.sensitivity >= sensitivity - 0.01
    assert point.sensitivity_interval[1] > sensitivity
    assert point.specificity > (0.1 if sensitivity < 0.99 else 0.01)


def test_clinical_photographs_showed_too_few_melanomas_for_more(default):
    with pytest.raises(DetectorError, match="cannot be set: validation has 41 lesions of the target"):
        default.at(sensitivity=0.99, image_type="clinical")


def test_it_says_what_is_known_about_it(default):
    config = default.model_card
    for told in (
        "CC BY-NC 4.0",
        "HAM10000",
        "dark skin",
        "not a medical device",
        "Seborrheic keratosis was learnt from MILK10k",
    ):
        assert told in config
    assert {"validation", *(f"held: {name}" for name in HELD)} <= set(default.predictor.config.metrics)
    assert set(default.predictor.config.recipe["average of"]) <= set(default.predictor.config.recipe["runs"])
    assert "/" not in json.dumps(default.predictor.config.architecture)  # no path of whoever trained it


def test_it_is_small_and_holds_no_image_of_anybody():
    assert SHIPPED.stat().st_size < 11.5e6
    with zipfile.ZipFile(SHIPPED) as archive:
        images = [name for name in archive.namelist() if name.endswith((".png", ".jpg"))]
        for name in images:
            Image.open(archive.open(name)).verify()
    assert images == ["golden/1.png", "golden/2.png"]  # drawn ones, as every detector has


def test_its_class_maps_change_no_prediction(default):
    """The file was given the output after it was trained: without it, every logit and feature is the same, bit for bit."""
    model = onnx.load_from_string(default.predictor.files.onnx)
    assert [output.name for output in model.graph.output] == ["features", "logits", "class_maps"]
    remove_class_maps(model)
    before = OnnxRuntime(model.SerializeToString())
    pixels = np.stack([md.draw_lesion("melanoma", seed=seed, size=224).pixels for seed in range(3)])
    for one, other in zip(default.predictor.runtime.run(pixels), before.run(pixels), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_cameras_image_is_cut_to_its_centre(default, photo):
    image = Image.open(photo)
    whole, square = default.predictor.preprocess(image), default.predictor.preprocess(image.crop((100, 0, 500, 400)))
    # Within rounding: one is cut and shrunk in one step.
    assert np.abs(whole.pixels.astype(int) - square.pixels).max() <= 2


def test_it_can_be_trained_on(default):
    model = default.predictor.keras_model()
    pixels = np.stack([md.draw_lesion(name, seed=1, size=224).pixels for name in ("nevus", "melanoma")])
    answers = np.asarray(model.predict_on_batch(pixels.astype(np.float32)))
    np.testing.assert_allclose(answers.argmax(axis=1), default.predictor.probabilities(pixels).argmax(axis=1))


def test_what_is_exported_says_how_to_get_its_probabilities(default):
    used = default.at(image_type="dermoscopy")
    used.export("onnx", "default.onnx")
    config = json.loads(onnx.load("default.onnx").metadata_props[0].value)
    pixels = np.stack([md.draw_lesion(name, seed=1, size=224).pixels for name in ("nevus", "melanoma")])
    session = onnxruntime.InferenceSession("default.onnx")
    (logits,) = session.run(["logits"], {session.get_inputs()[0].name: pixels})
    told = Calibration(temperature=config["temperature"], bias=tuple(config["bias"]))
    again = told.probabilities(logits, tuple(config["classes"]))
    np.testing.assert_allclose(again, used.predictor.probabilities(pixels), atol=1e-5)


def test_the_terms_are_named_once_a_machine_and_not_as_a_warning(monkeypatch, tmp_path):
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / "new machine"))
    done = run("-W", "error", "-c", "import melanoma_detect as md; md.Detector.load(); md.Detector.load()")
    assert done.stderr.count(TERMS) == 1
    assert not done.stdout
    assert not run("-c", "import melanoma_detect as md; md.Detector.load()").stderr


def test_the_command_line_uses_it(photo, monkeypatch, tmp_path):
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / "new machine"))
    done = run("-m", "melanoma_detect", "predict", photo)
    assert done.stdout.startswith("photo.png: ")
    assert done.stderr.count(TERMS) == 1
    assert "# Model card: default detector" in run("-m", "melanoma_detect", "card").stdout
    scored = run("-m", "melanoma_detect", "score", photo, "--out", "scores.csv")
    assert "1 image in" in scored.stdout


def test_where_it_is_missing_the_message_says_so(monkeypatch, tmp_path):
    assert find_file(None) == SHIPPED
    monkeypatch.setattr(bundle, "SHIPPED", tmp_path / "nothing.detector")
    with pytest.raises(DetectorError, match="the default detector is missing"):
        md.Detector.load()


def test_loading_needs_no_tensorflow(photo):
    program = "import sys, melanoma_detect as md; md.Detector.load().predict(sys.argv[1]); print(*sys.modules)"
    assert not {"tensorflow", "keras", "pandas"}.intersection(run("-c", program, photo).stdout.split())


@pytest.fixture(scope="module")
def ham10000(real_folder):
    """Load HAM10000, and tell which of its images are held out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = md.load_dataset([real_folder / "ham10000_224", real_folder / "ham10000_rest"], validation=0, test=1)
    lesions = [record.metadata["lesion_id"] for record in data.test]
    # A few lesions have names of the archive in place of HAM10000's; the rule is for the latter.
    held = [int(hashlib.sha256(name.encode()).hexdigest(), 16) % 5 == 0 and name.startswith("HAM_") for name in lesions]
    return data.test, np.array(held)


@pytest.mark.real_data
def test_what_it_was_trained_on_is_set_aside(default, ham10000):
    images, held = ham10000
    seen = default.predictor.files.fingerprint().contains(images.records)
    assert not seen[held].any()
    assert seen[~held].mean() > 0.98  # the others stand in a group with a held-out lesion


@pytest.mark.real_data
def test_everyday_images_are_declined(default, real_folder):
    found = default.predict(sorted((real_folder / "not_skin").glob("*.*")))
    assert np.mean([one.abstained for one in found]) >= 0.98
    assert not any(one.decision == "clear" for one in found if one.abstained)


def test_an_explanation_says_that_the_image_is_not_judged(default):
    noise = np.random.default_rng(1).integers(0, 256, (224, 224, 3), np.uint8)
    explained = default.explain(noise, method="occlusion")
    assert explained.reason == default.predict(noise).reason != ""
    assert str(explained).startswith("REFER: the detector abstains from this image: ")
    assert "REFER" not in str(replace(explained, reason=""))


@pytest.mark.slow
@pytest.mark.real_data
def test_the_cards_held_out_figures_are_true(default, ham10000):
    images, held = ham10000
    found = default.evaluate(replace(images, records=tuple(images.records[row] for row in np.flatnonzero(held))))
    assert found.set_aside == 0  # not one of them was trained on
    told = default.predictor.config.metrics["held: ham10000 dermoscopy"]["figures"]
    for name in ("melanoma_auc", "sensitivity", "specificity", "coverage", "ece"):
        assert found.figures[name].value == pytest.approx(told[name]["value"], abs=0.01)
    # One folder names a few squamous cell carcinomas, which the other calls akiec.
    seven = found.balanced_accuracy_over(["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"])
    assert seven.value == pytest.approx(told["balanced_accuracy"]["value"], abs=0.01)


def test_its_own_malignant_threshold_decides_what_is_not_cleared(default):
    for views in (1, 4, 8):
        for sensitivity in (0.9, 0.95, 0.99):
            used = default.at(sensitivity=sensitivity, views=views, image_type="dermoscopy")
            own = used.at(target="malignant").operating_point
            assert used.operating_point.malignant_threshold == own.threshold == own.malignant_threshold < 0.5
    lesions = [md.draw_lesion(name, seed=seed, size=224).pixels for name in sorted(DIAGNOSES) for seed in range(4)]
    for target in ("melanoma", "malignant"):
        for prediction in default.at(target=target).predict(lesions):
            likely = prediction.malignant >= prediction.operating_point.malignant_threshold
            assert not (likely and prediction.decision == "clear")
