"""Explanations: heat maps by class activation maps, Grad-CAM and occlusion, and which method a detector allows."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
from PIL import Image
from scipy.stats import spearmanr

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, ImageError
from melanoma_detect.explain.cam import class_maps
from melanoma_detect.explain.explain import class_indices, explain_many
from melanoma_detect.explain.grad_cam import grad_cam
from melanoma_detect.export.class_maps import remove_class_maps
from melanoma_detect.export.onnx import onnx_bytes
from melanoma_detect.inference.keras_runtime import model_to_bytes
from melanoma_detect.inference.runtime import OnnxRuntime
from melanoma_detect.utils.progress import progress_bar

METHODS = ["cam", "grad-cam", "occlusion"]
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


@pytest.mark.parametrize("method", ["cam", "occlusion", pytest.param("grad-cam", marks=pytest.mark.slow)])
def test_with_randomised_weights_the_map_changes(sharp, drawn, method):
    """The sanity check of Adebayo et al. 2018 (arXiv:1810.03292): a map of the image alone would stay."""
    other = md.build_model("lesion_net", num_classes=4, input_shape=(64, 64, 3), widths=(16, 32), seed=5)
    files = replace(sharp.predictor.files, onnx=onnx_bytes(other), keras=lambda: model_to_bytes(other))
    random = md.Detector(sharp.predictor.config, OnnxRuntime(files.onnx), files)
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


def test_auto_is_the_first_method_that_the_detector_allows(sharp, detector, image, drawn):
    assert sharp.explain(drawn[0].pixels).method == "cam"
    assert detector.explain(image).method == "grad-cam"  # a cnn flattens its feature maps
    bare = md.Detector(detector.predictor.config, OnnxRuntime(detector.predictor.files.onnx))
    assert bare.explain(image).method == "occlusion"
    with pytest.raises(DetectorError, match="method='grad-cam': cnn: 9 classes at 32×32 has no Keras model"):
        bare.explain(image, method="grad-cam")
    with pytest.raises(
        DetectorError,
        match=r"method='cam': the detector \(cnn: 9 classes .*\) has no class maps: .* use method='occlusion'",
    ):
        bare.explain(image, method="cam")
    with pytest.raises(DetectorError, match="use method='grad-cam' or 'occlusion'"):  # it has a Keras model
        detector.explain(image, method="cam")


def test_a_file_keeps_its_class_maps_and_one_without_them_still_explains(sharp, drawn, tmp_path):
    sharp.save(tmp_path / "new.detector")
    loaded = md.Detector.load(tmp_path / "new.detector")
    pixels = drawn[0].pixels
    assert np.array_equal(loaded.explain(pixels, method="cam").heat, sharp.explain(pixels, method="cam").heat)
    model = onnx.load_from_string(sharp.predictor.files.onnx)
    remove_class_maps(model)  # as earlier versions wrote it
    files = replace(sharp.predictor.files, onnx=model.SerializeToString(), keras=None)
    md.Detector(sharp.predictor.config, OnnxRuntime(files.onnx), files).save(tmp_path / "old.detector")
    old = md.Detector.load(tmp_path / "old.detector")
    assert old.explain(pixels).method == "occlusion"
    before, now = (one.predictor.probabilities(pixels[None]) for one in (old, sharp))
    np.testing.assert_allclose(before, now, atol=1e-6)


def test_the_class_map_is_what_grad_cam_approximates(sharp, drawn):
    """The gradient of a logit over an averaged map is its weight divided by the number of cells."""
    pixels = drawn[0].pixels
    maps = class_maps(sharp.predictor, pixels[None])[0]
    gradients = grad_cam(sharp.predictor.keras_model(), pixels, [2])
    np.testing.assert_allclose(maps[..., 2], gradients * gradients.size, atol=1e-4 * np.abs(maps).max())


@pytest.mark.parametrize("method", ["cam", "grad-cam"])
def test_the_map_follows_the_views(sharp, drawn, method):
    """Averaged over four views, the map of a mirrored image is the mirrored map."""
    four = sharp.at(views=4)
    pixels = drawn[0].pixels
    heat, mirrored = (
        four.explain(image, diagnosis="melanoma", method=method).heat for image in (pixels, pixels[:, ::-1])
    )
    np.testing.assert_allclose(mirrored[:, ::-1], heat, atol=0.01)


def test_several_images_get_the_explanations_that_each_gets_alone(sharp, drawn):
    images = [lesion.pixels for lesion in drawn[:3]]
    for one, image in zip(explain_many(sharp.predictor, iter(images)), images, strict=True):
        alone = sharp.explain(image)
        np.testing.assert_allclose(one.heat, alone.heat, atol=1e-4)
        assert (one.diagnosis, one.method) == (alone.diagnosis, alone.method)
    assert explain_many(sharp.predictor, []) == []


def test_the_default_detector_explains_without_keras(tmp_path):
    code = (
        "import sys, melanoma_detect as md\n"
        "lesion = md.draw_lesion('melanoma', seed=1, size=240).pixels\n"
        "for diagnosis in (None, 'malignant'):\n"
        "    explanation = md.Detector.load().explain(lesion, diagnosis=diagnosis)\n"
        "    assert explanation.method == 'cam', explanation\n"
        f"explanation.save({str(tmp_path / 'sheet.png')!r})\n"
        "heavy = {'keras', 'tensorflow', 'onnx', 'scipy', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_hidden_part_is_that_with_the_most_heat(sharp, drawn):
    """Most maps pass their own check on lesions: the probability falls when their hottest fifth is hidden."""
    found = [sharp.explain(lesion.pixels, method="cam") for lesion in drawn]
    assert np.mean([one.hidden < one.probability for one in found]) >= 0.8


def test_what_is_explained_is_told_from_what_is_predicted(sharp, drawn):
    predicted = sharp.explain(drawn[0].pixels)
    other = next(name for name in SHOWN if name != predicted.diagnosis)
    explained = sharp.explain(drawn[0].pixels, diagnosis=other)
    assert (explained.predicted, explained.covers_predicted) == (predicted.diagnosis, False)
    assert predicted.covers_predicted
    assert predicted.cells == explained.cells == (8, 8)
    assert 0 <= explained.share_for <= 1


def test_the_overlay_has_the_images_own_shape(detector):
    pixels = np.asarray(Image.fromarray(md.draw_lesion("nevus", seed=3, size=240).pixels).resize((320, 240)))
    explanation = detector.explain(pixels)
    assert explanation.overlay().size == (420, 315)
    assert explanation.heat.shape == (32, 32)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"diagnosis": "wart"}, "diagnosis='wart': the detector has no such class; expected"),
        ({"diagnosis": "melanom4"}, "diagnosis='melanom4': the detector has no such class; did you mean 'melanoma'"),
        ({"diagnosis": "mol"}, "diagnosis='mol': the detector has no such class; did you mean 'mole'"),
        ({"method": "lime"}, "method='lime'; expected one of 'auto', 'cam', 'grad-cam', 'occlusion'"),
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


def test_a_likely_cancer_without_an_alert_is_referred(detector, data):
    predictions = detector.predict(data.test)
    found = next(one for one in predictions if one.decision == "refer" and not one.abstained)
    explained = detector.explain(found.source, method="occlusion")
    assert explained.reason == found.reason
    assert not explained.abstained
    assert str(explained).startswith(f"REFER: {found.reason}. ")
    assert "abstains" not in str(explained)


def test_a_cropped_image_says_what_the_model_saw(detector):
    cropping = md.Detector(replace(detector.predictor.config, resize="crop"), detector.predictor.runtime)
    pixels = np.asarray(Image.fromarray(md.draw_lesion("nevus", seed=3, size=120).pixels).resize((160, 120)))
    explanation = cropping.explain(pixels, method="occlusion")
    assert explanation.seen == pytest.approx(0.75)
    assert explanation.image.shape == (420, 420, 3)
    assert "The model saw the middle 75% of the image, which is shown here." in str(explanation)
    assert detector.explain(pixels, method="occlusion").seen == 1


def test_a_synonym_is_explained_under_the_name_of_the_class(detector, image):
    for asked, name in (("mole", "nevus"), ("MEL", "melanoma"), ("malignant", "malignant"), ("nevus", "nevus")):
        made = detector.explain(image, diagnosis=asked, method="occlusion")
        assert made.diagnosis == name
        assert asked == name or asked not in str(made).split()


def test_a_slow_method_counts_on_a_progress_bar(detector, image):
    with progress_bar("explaining", shown=False) as bar:
        detector.explain(image, method="occlusion")
    assert (bar.description, bar.completed, bar.total) == ("predicting", 157, 157)
