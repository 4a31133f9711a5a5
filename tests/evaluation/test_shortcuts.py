"""A detector that reads the frame is caught; one that reads the lesion is not."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.shortcuts import Shortcuts, background_only, blurred, colours_only

CLASSES = ("melanoma", "nevus")


def write(folder, *, framed):
    """Write melanomas and nevi; where they are framed, every melanoma's rim is a little bluer, as another camera's is."""
    from PIL import Image

    for split, count in (("Train", 60), ("Test", 30)):
        for at, label in enumerate(CLASSES):
            place = folder / split / label
            place.mkdir(parents=True)
            for number in range(count):
                drawn = md.draw_lesion(label, seed=1000 * at + number + 500 * (split == "Test"), size=48)
                pixels = drawn.pixels.astype(np.int64)
                if framed and label == "melanoma":
                    pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:] = 40, 40, 40, 40
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(place / f"{label}_{number:03d}.png")
    return folder


def trained(folder, epochs):
    data = md.load_dataset(folder, image_size=(32, 32))
    model = md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3), seed=1)
    recipe = md.Recipe(learning_rate=2e-3, patience=30)
    return md.Detector.fit(model, data, epochs=epochs, recipe=recipe, sensitivity=0.6, progress=False), data


@pytest.fixture(scope="module")
def framed(tmp_path_factory):
    detector, data = trained(write(tmp_path_factory.mktemp("framed"), framed=True), 8)
    return detector.evaluate(data, shortcuts=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    detector, data = trained(write(tmp_path_factory.mktemp("plain"), framed=False), 8)
    return detector.evaluate(data, shortcuts=True)


def test_a_frame_that_gives_the_class_away_is_named(framed):
    assert framed.figures["melanoma_auc"].value > 0.9
    assert framed.shortcuts.taken
    assert framed.shortcuts.background.low > 0.7
    assert "IT TAKES A SHORTCUT: with the lesion covered it still tells melanomas from the rest" in str(framed)
    assert framed.to_dict()["shortcuts"]["background"]["low"] > 0.7


def test_a_detector_that_reads_the_lesion_is_not_accused(plain):
    assert plain.figures["melanoma_auc"].value > 0.8
    assert not plain.shortcuts.taken
    assert plain.shortcuts.original == plain.figures["melanoma_auc"]
    assert "No shortcut through the background is shown" in str(plain)


def test_it_is_asked_only_when_asked_for(detector, data):
    assert detector.evaluate(data).shortcuts is None
    assert detector.evaluate(data).to_dict()["shortcuts"] is None


def test_the_cover_hides_the_lesion_and_leaves_the_rim():
    drawn = md.draw_lesion("nevus", seed=3, size=90)
    covered = background_only(drawn.pixels[None])[0]
    changed = (covered != drawn.pixels).any(axis=-1)
    assert drawn.mask[~changed].mean() < 0.02
    assert changed.mean() == pytest.approx(0.7, abs=0.03)
    rim = drawn.pixels[:6].reshape(-1, 3)
    assert np.abs(covered[45, 45].astype(int) - np.median(rim, axis=0)).max() < 25


def test_shuffling_keeps_the_colours_and_nothing_else(image):
    shuffle = np.random.default_rng(1).permutation(64 * 64)
    found = colours_only(image[None], shuffle)[0]
    assert not np.array_equal(found, image)
    np.testing.assert_array_equal(np.sort(found.reshape(-1, 3), axis=0), np.sort(image.reshape(-1, 3), axis=0))


def test_blurring_keeps_the_layout(image):
    found = blurred(image[None])[0].astype(float)
    assert np.abs(np.diff(found, axis=0)).mean() < np.abs(np.diff(image.astype(float), axis=0)).mean() / 2
    assert found.mean() == pytest.approx(image.mean(), abs=2)


def test_few_melanomas_are_said():
    sure, one = Figure(0.9, 0.8, 1.0, 5), Figure(0.5, 0.3, 0.7, 30)
    assert "on 5 lesions of the rarer side only" in Shortcuts(one, sure, one, one).verdict
    assert "cannot be told" in Shortcuts(one, Figure(np.nan, np.nan, np.nan, 0), one, one).verdict
