"""The test for shortcuts: positive for a detector that recognises a frame, negative for one that recognises the lesion."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.shortcuts import Shortcuts, background_only, blurred, colours_only, measure_shortcuts

CLASSES = ("melanoma", "nevus")


def write(folder, *, framed):
    """Write melanomas and nevi; if framed, every melanoma has a dark frame, as from another dermatoscope."""
    from PIL import Image

    for split, count in (("Train", 60), ("Test", 30)):
        for position, label in enumerate(CLASSES):
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                seed = 1000 * position + number + 500 * (split == "Test")
                drawn = md.draw_lesion(label, seed=seed, size=48)
                pixels = drawn.pixels.astype(np.int64)
                if framed and label == "melanoma":
                    pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:] = 40, 40, 40, 40
                file = folder / split / label / f"{label}_{number:03d}.png"
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file)
    return folder


def train(folder, epochs):
    data = md.load_dataset(folder, image_size=(32, 32))
    model = md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3), seed=1)
    recipe = md.Recipe(learning_rate=2e-3, patience=30)
    return md.Detector.fit(model, data, epochs=epochs, recipe=recipe, sensitivity=0.6, progress=False), data


@pytest.fixture(scope="module")
def framed(tmp_path_factory):
    detector, data = train(write(tmp_path_factory.mktemp("framed"), framed=True), 8)
    return detector.evaluate(data, shortcuts=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    detector, data = train(write(tmp_path_factory.mktemp("plain"), framed=False), 8)
    return detector.evaluate(data, shortcuts=True)


def test_a_frame_that_reveals_the_class_is_detected(framed):
    assert framed.figures["melanoma_auc"].value > 0.9
    assert framed.shortcuts.detected
    assert framed.shortcuts.background.low > 0.7
    assert "SHORTCUT DETECTED: with the lesion covered, the melanoma ROC AUC is still" in str(framed)
    assert framed.to_dict()["shortcuts"]["background"]["low"] > 0.7


def test_a_detector_that_recognises_the_lesion_passes(plain):
    assert plain.figures["melanoma_auc"].value > 0.8
    assert not plain.shortcuts.detected
    assert plain.shortcuts.original == plain.figures["melanoma_auc"]
    assert "No shortcut detected" in str(plain)


def test_shortcuts_are_tested_on_request_only(detector, data):
    assert detector.evaluate(data).shortcuts is None
    assert detector.evaluate(data).to_dict()["shortcuts"] is None


def test_background_only_covers_the_lesion_and_keeps_the_rim():
    drawn = md.draw_lesion("nevus", seed=3, size=90)
    covered = background_only(drawn.pixels[None])[0]
    changed = (covered != drawn.pixels).any(axis=-1)
    assert drawn.mask[~changed].mean() < 0.02
    assert changed.mean() == pytest.approx(0.7, abs=0.03)
    rim = drawn.pixels[:6].reshape(-1, 3)
    assert np.abs(covered[45, 45].astype(int) - np.median(rim, axis=0)).max() < 25


def test_shuffling_keeps_the_colours_and_nothing_else(image):
    order = np.random.default_rng(1).permutation(64 * 64)
    shuffled = colours_only(image[None], order)[0]
    assert not np.array_equal(shuffled, image)
    np.testing.assert_array_equal(np.sort(shuffled.reshape(-1, 3), axis=0), np.sort(image.reshape(-1, 3), axis=0))


def test_blurring_keeps_the_layout(image):
    result = blurred(image[None])[0].astype(float)
    assert np.abs(np.diff(result, axis=0)).mean() < np.abs(np.diff(image.astype(float), axis=0)).mean() / 2
    assert result.mean() == pytest.approx(image.mean(), abs=2)


def test_the_summary_names_small_numbers():
    few, enough = Figure(0.9, 0.8, 1.0, 5), Figure(0.5, 0.3, 0.7, 30)
    assert "on 5 lesions of the rarer side only" in Shortcuts(enough, few, enough, enough).summary
    undefined = Figure(np.nan, np.nan, np.nan, 0)
    assert Shortcuts(enough, undefined, enough, enough).summary.startswith(
        "No test for shortcuts: it needs images of melanomas"
    )


def test_old_names_of_attributes_warn():
    auc = Figure(0.9, 0.8, 1.0, 30)
    shortcuts = Shortcuts(auc, auc, auc, auc)
    with pytest.warns(DeprecationWarning, match="use Shortcuts.detected"):
        assert shortcuts.taken
    with pytest.warns(DeprecationWarning, match="use Shortcuts.summary"):
        assert shortcuts.verdict == shortcuts.summary


def test_sources_with_coarse_labels_are_tested_on_what_their_labels_tell(detector, tree):
    data = md.load_dataset(tree({"melanoma": 3, "benign": 5, "malignant": 4}), validation=0, test=1)
    found = detector.evaluate(data, shortcuts=True)
    assert found.shortcuts.original.lesions == 3  # "malignant" may be melanoma or not, and takes no part
    assert found.shortcuts.original.value == pytest.approx(found.figures["melanoma_auc"].value)
    assert np.isfinite(found.shortcuts.background.value)


def test_a_covered_image_keeps_the_type_of_its_original(two_types, plain_image):
    # A bright middle makes a photograph of each; its dark rim, which is what is left, makes dermoscopy of a half of them. The
    # scores of the two calibrations, of which one flattens, are not one ranking.
    pixels = np.stack([plain_image("clinical", blue) for blue in (132, 134, 136, 138, 140, 142, 144, 146)])
    rim = np.ones((8, 8), np.bool_)
    rim[1:-1, 1:-1] = False
    pixels[::2, rim, 0] = 30
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    detector = two_types()
    assert set(detector.predictor.predict_batch(pixels).image_types) == {"clinical"}
    assert set(detector.predictor.predict_batch(background_only(pixels)).image_types) == {"clinical", "dermoscopy"}
    shortcuts = measure_shortcuts(detector.predictor, pixels, labels, [str(number) for number in range(8)])
    assert shortcuts.original.value == shortcuts.background.value == 1.0
    assert shortcuts.original.lesions == 4


def test_without_melanomas_there_is_no_test(detector, tree):
    data = md.load_dataset(tree({"nevus": 4, "benign": 3}), validation=0, test=1)
    found = detector.evaluate({"benign": data}, shortcuts=True).evaluations["benign"]
    assert found.shortcuts.summary.startswith("No test for shortcuts")
    assert not found.shortcuts.detected
