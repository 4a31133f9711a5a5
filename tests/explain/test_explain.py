"""Explanations: heat maps by occlusion and Grad-CAM, their text and their overlay."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, ImageError, OutputError
from melanoma_detect.explain.explain import CAVEAT, class_indices, normalize_heat
from melanoma_detect.explain.occlusion import _windows, occlude
from melanoma_detect.explain.overlay import draw_overlay
from melanoma_detect.inference.keras_runtime import KerasRuntime
from melanoma_detect.inference.runtime import OnnxRuntime

METHODS = ["occlusion", "grad-cam"]
SHOWN = ("melanoma", "nevus", "basal cell carcinoma", "vascular lesion")


@pytest.fixture(scope="module")
def sharp(tmp_path_factory):
    """A detector of small lesions, in whose maps a lesion is several cells wide."""
    folder = md.write_samples(tmp_path_factory.mktemp("four") / "four", train=40, test=4, size=64, classes=SHOWN)
    data = md.load_dataset(folder, image_size=(64, 64))
    model = md.build_model("lesion_net", num_classes=4, input_shape=(64, 64, 3), widths=(16, 32), seed=1)
    return md.Detector.fit(model, data, epochs=8, recipe=md.Recipe(learning_rate=3e-3, patience=30), progress=False)


@pytest.fixture(scope="module")
def drawn():
    return [md.draw_lesion(name, seed=seed, size=64) for name in SHOWN for seed in range(9000, 9004)]


@pytest.mark.parametrize("method", METHODS)
def test_the_evidence_lies_on_the_lesion(sharp, drawn, method):
    found = [sharp.explain(lesion.pixels, method=method) for lesion in drawn]
    shares = np.array([one.share(lesion.mask) for one, lesion in zip(found, drawn, strict=True)])
    areas = np.array([lesion.mask.mean() for lesion in drawn])
    assert shares.mean() > 1.8 * areas.mean()
    assert (shares > areas).mean() >= 0.8


@pytest.mark.parametrize("method", ["occlusion", pytest.param("grad-cam", marks=pytest.mark.slow)])
def test_with_randomised_weights_the_map_changes(sharp, drawn, method):
    """The sanity check of Adebayo et al. 2018 (arXiv:1810.03292): a map of the image alone would stay."""
    other = md.build_model("lesion_net", num_classes=4, input_shape=(64, 64, 3), widths=(16, 32), seed=5)
    random = md.Detector(sharp.predictor.config, KerasRuntime(other))
    asked = [lesion.pixels for lesion in drawn]
    pairs = [
        [one.explain(pixels, diagnosis="melanoma", method=method).heat.ravel() for one in (sharp, random)]
        for pixels in asked
    ]
    correlations = [spearmanr(*pair).statistic if pair[1].any() and pair[0].any() else 0.0 for pair in pairs]
    assert np.mean(correlations) < 0.5
    again = [sharp.explain(pixels, diagnosis="melanoma", method=method).heat.ravel() for pixels in asked]
    assert all(np.array_equal(one, pair[0]) for one, pair in zip(again, pairs, strict=True))


def test_the_most_probable_class_is_explained_by_default(detector, image):
    prediction = detector.predict(image)
    assert detector.explain(image, method="occlusion").diagnosis == prediction.diagnosis
    explained = detector.explain(image, diagnosis="MEL", method="occlusion")
    assert explained.probability == pytest.approx(prediction.melanoma)
    assert detector.explain(image, diagnosis="malignant").probability == pytest.approx(prediction.malignant)


def test_auto_is_grad_cam_with_a_keras_model_and_occlusion_without(detector, image):
    assert detector.explain(image).method == "grad-cam"
    bare = md.Detector(detector.predictor.config, OnnxRuntime(detector.predictor.files.onnx))
    assert bare.explain(image).method == "occlusion"
    with pytest.raises(DetectorError, match="method='grad-cam': cnn: 9 classes at 32×32 has no Keras model"):
        bare.explain(image, method="grad-cam")


def test_the_text_describes_the_map_and_its_limits(detector, image):
    said = str(detector.explain(image, method="occlusion"))
    assert "Half of the evidence lies on" in said
    assert "Hiding the part that matters most" in said
    assert said.endswith(CAVEAT)


def test_without_evidence_the_map_is_empty(detector, image):
    explanation = replace(detector.explain(image), heat=normalize_heat(-np.ones((4, 4), np.float32), (64, 64)))
    assert not explanation.heat.any()
    assert "No part of the image is evidence for it" in str(explanation)
    assert explanation.share(np.ones((64, 64), bool)) == 0


def test_the_overlay_has_the_images_own_shape(detector):
    pixels = np.asarray(Image.fromarray(md.draw_lesion("nevus", seed=3, size=240).pixels).resize((320, 240)))
    explanation = detector.explain(pixels)
    assert explanation.overlay().size == (420, 315)
    assert explanation.heat.shape == (32, 32)


def test_the_most_evidence_is_yellow_and_none_is_grey():
    heat = np.zeros((3, 3), np.float32)
    heat[1, 1] = 1
    shown = np.asarray(draw_overlay(np.full((90, 90, 3), (200, 150, 120), np.uint8), heat)).astype(int)
    assert np.ptp(shown[2, 2]) == 0
    assert shown[45, 45, 0] > shown[45, 45, 2] + 80


def test_the_saved_picture_is_complete_or_absent(detector, image, tmp_path):
    explanation = detector.explain(image)
    explanation.save(tmp_path / "new" / "overlay.png")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["overlay.png"]
    with Image.open(tmp_path / "new" / "overlay.png") as sheet:
        assert sheet.width == 2 * 420 + 36
    with pytest.raises(OutputError, match=r"no image format has the suffix '\.doc'"):
        explanation.save(tmp_path / "overlay.doc")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        explanation.save(tmp_path / "file" / "overlay.png")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"diagnosis": "wart"}, "diagnosis='wart': the detector has no such class"),
        ({"method": "lime"}, "method='lime'; expected one of 'auto', 'occlusion', 'grad-cam'"),
    ],
)
def test_invalid_arguments_are_rejected(detector, image, asked, message):
    with pytest.raises(DetectorError, match=message):
        detector.explain(image, **asked)


def test_an_image_that_cannot_be_read_is_named(detector, tmp_path):
    with pytest.raises(ImageError, match=r"nothing\.jpg"):
        detector.explain(tmp_path / "nothing.jpg")


def test_a_diagnosis_that_covers_every_class_is_rejected():
    with pytest.raises(DetectorError, match="covers every class of the detector"):
        class_indices("malignant", ("melanoma", "BCC"))


@pytest.mark.parametrize("scale", [4, 10])
def test_the_windows_sum_to_one_everywhere(scale):
    np.testing.assert_allclose(_windows((45, 60), scale).sum(axis=0), 1)


def test_occlusion_finds_the_decisive_part():
    """A model that counts dark pixels in one corner: the evidence must lie there."""

    def answer(pixels):
        dark = (pixels[:, 4:12, 4:12].mean(axis=(1, 2, 3)) < 128).astype(float) * 0.8 + 0.1
        return np.stack([dark, 1 - dark], axis=1)

    pixels = np.full((64, 64, 3), 220, np.uint8)
    pixels[:20, :20] = 60
    found = occlude(answer, pixels, [0])
    assert found.probability == pytest.approx(0.9)
    assert found.hidden == pytest.approx(0.1)
    assert found.evidence[:20, :20].sum() > 0.7 * found.evidence.sum()


def test_saving_replaces_a_file_only_if_told_and_never_the_photo(detector, image, tmp_path):
    photo, sheet = tmp_path / "photo.png", tmp_path / "sheet.png"
    Image.fromarray(image).save(photo)
    taken = photo.read_bytes()
    explanation = detector.explain(photo, method="occlusion")
    sheet.write_text("of the user")
    with pytest.raises(OutputError, match=r"sheet\.png: already exists"):
        explanation.save(sheet)
    assert sheet.read_text() == "of the user"
    explanation.save(sheet, overwrite=True)
    assert sheet.stat().st_size > 10_000
    with pytest.raises(OutputError, match=r"photo\.png: is an input"):
        explanation.save(photo, overwrite=True)
    assert photo.read_bytes() == taken


def test_a_likely_cancer_without_an_alert_is_referred(detector, data):
    predictions = detector.predict(data.test)
    found = next(one for one in predictions if one.decision == "refer" and not one.abstained)
    explained = detector.explain(found.source, method="occlusion")
    assert explained.reason == found.reason
    assert not explained.abstained
    assert str(explained).startswith(f"REFER: {found.reason}. ")
    assert "abstains" not in str(explained)
