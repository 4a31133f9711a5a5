"""Image augmentation: geometry, colours, artefacts, and reproducibility by seed."""

import keras
import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.training.artefacts import add_hairs, add_ruler_marks
from melanoma_detect.training.augmentation import (
    Augment,
    BatchRandom,
    augment_image,
    augmentation_layers,
    blur,
    change_colours,
    transform_affine,
)

STILL = {"flip": None, "rotation": 0, "zoom": 0}


class Fixed(BatchRandom):
    """Returns given numbers instead of random ones: shares of the way from the lower to the upper end."""

    def __init__(self, count, *shares):
        super().__init__(keras.random.SeedGenerator(1), count)
        self.shares = list(shares)

    def uniform(self, low, high, *shape):
        share = self.shares.pop(0)
        return np.full((self.count, *shape), low + share * (high - low), np.float32)


@pytest.fixture
def images():
    return np.random.default_rng(1).uniform(0, 255, (3, 16, 16, 3)).astype(np.float32)


def test_no_changes_need_no_layer():
    assert augmentation_layers(None) == []
    assert augmentation_layers(md.Augmentation(**STILL)) == []


def test_images_change_in_training_only(images):
    (layer,) = augmentation_layers(md.Augmentation(), seed=1)
    np.testing.assert_array_equal(np.asarray(layer(images, training=False)), images)
    assert not np.array_equal(np.asarray(layer(images, training=True)), images)


def test_same_seed_gives_the_same_images_and_each_batch_differs(images):
    first, again, other = (Augment(md.Recipe.named("strong").augmentation, seed=seed) for seed in (1, 1, 2))
    one = np.asarray(first(images, training=True))
    np.testing.assert_array_equal(one, np.asarray(again(images, training=True)))
    assert not np.array_equal(one, np.asarray(other(images, training=True)))
    assert not np.array_equal(one, np.asarray(first(images, training=True)))


# transform_affine draws: angle, zoom, stretch, horizontal flip, vertical flip, shift in x, shift in y; 0.5 is no change.
def test_flip_is_exact(images):
    changed = transform_affine(images, md.Augmentation("horizontal", 0, 0), Fixed(3, 0.5, 0.5, 0.5, 0.0, 0.5, 0.5))
    np.testing.assert_allclose(np.asarray(changed), images[:, :, ::-1], atol=1e-3)
    changed = transform_affine(images, md.Augmentation("vertical", 0, 0), Fixed(3, 0.5, 0.5, 0.5, 0.0, 0.5, 0.5))
    np.testing.assert_allclose(np.asarray(changed), images[:, ::-1], atol=1e-3)


def test_quarter_rotation_is_exact(images):
    changed = transform_affine(images, md.Augmentation(None, 0.25, 0), Fixed(3, 1.0, 0.5, 0.5, 0.5, 0.5))
    np.testing.assert_allclose(np.asarray(changed), np.rot90(images, 1, axes=(1, 2)), atol=1e-2)


def test_shift_is_a_share_of_the_image(images):
    changed = np.asarray(
        transform_affine(images, md.Augmentation(**STILL, shift=0.25), Fixed(3, 0.5, 0.5, 0.5, 1.0, 0.5))
    )
    np.testing.assert_allclose(changed[:, :, :12], images[:, :, 4:], atol=1e-3)
    np.testing.assert_allclose(changed[:, :, 12:], images[:, :, :11:-1], atol=1e-3)  # reflected


def test_zoom_matches_keras(images):
    ramp = np.tile(np.arange(16, dtype=np.float32)[:, None, None], (1, 1, 16, 3))
    ours = np.asarray(transform_affine(ramp, md.Augmentation(None, 0, 0.5), Fixed(1, 0.5, 0.0, 0.5, 0.5, 0.5)))
    theirs = np.asarray(keras.layers.RandomZoom((-0.5, -0.5))(ramp, training=True))
    np.testing.assert_allclose(ours, theirs, atol=0.3)


def test_half_of_the_images_are_flipped():
    ramp = np.tile(np.arange(16, dtype=np.float32)[None, None, :, None], (400, 16, 1, 3))
    random = BatchRandom(keras.random.SeedGenerator(3), 400)
    changed = np.asarray(transform_affine(ramp, md.Augmentation(rotation=0, zoom=0), random))
    assert 150 < (changed[:, 8, 0, 0] > 8).sum() < 250


# change_colours draws: saturation, contrast, brightness, white balance.
@pytest.mark.parametrize(
    ("change", "shares", "expected"),
    [
        ("brightness", (0.5, 0.5, 1.0, 0.5), lambda x: 1.2 * x),
        ("contrast", (0.5, 0.0, 0.5, 0.5), lambda x: 0.2 * x.mean((1, 2, 3), keepdims=True) + 0.8 * x),
        ("saturation", (0.0, 0.5, 0.5, 0.5), lambda x: 0.8 * x + 0.2 * (x @ [0.299, 0.587, 0.114])[..., None]),
    ],
)  # fmt: skip
def test_colour_changes_match_their_formulas(images, change, shares, expected):
    dim = images * 0.8
    changed = change_colours(dim, md.Augmentation(**STILL, **{change: 0.2}), Fixed(3, *shares))
    np.testing.assert_allclose(np.asarray(changed), expected(dim), atol=0.02)


def test_white_balance_changes_channels_separately():
    grey = np.full((64, 4, 4, 3), 100, np.float32)
    changed = np.asarray(
        change_colours(
            grey, md.Augmentation(**STILL, white_balance=0.2), BatchRandom(keras.random.SeedGenerator(1), 64)
        )
    )
    means = changed.mean(axis=(1, 2))
    assert np.ptp(means, axis=1).max() > 15
    assert means.min() >= 80 - 0.1
    assert means.max() <= 120 + 0.1


def test_shading_is_a_slope_within_range():
    grey = np.full((8, 16, 16, 3), 200, np.float32)
    changed = np.asarray(
        change_colours(grey, md.Augmentation(**STILL, shading=0.9), BatchRandom(keras.random.SeedGenerator(1), 8))
    )
    assert np.ptp(changed[0]) > 20
    assert changed.max() <= 255
    assert abs(changed.mean() - 200) < 10


def test_blur_reduces_detail(images):
    changed = np.asarray(blur(images, 1.0, BatchRandom(keras.random.SeedGenerator(1), 3)))
    assert changed.std() < 0.8 * images.std()
    np.testing.assert_allclose(np.asarray(blur(images, 0.0, BatchRandom(keras.random.SeedGenerator(1), 3))), images)


@pytest.mark.parametrize("paint", [add_hairs, add_ruler_marks])
def test_artefacts_are_dark_narrow_and_on_a_share_of_the_images(paint):
    white = np.full((40, 64, 64, 3), 255, np.float32)
    changed = np.asarray(paint(white, 0.5, BatchRandom(keras.random.SeedGenerator(2), 40)))
    covered = (changed < 200).any(axis=-1).mean(axis=(1, 2))
    assert 10 < (covered > 0).sum() < 30
    assert 0.002 < covered[covered > 0].mean() < 0.2


def test_augment_layer_can_be_saved(tmp_path):
    pixels = keras.Input((8, 8, 3))
    keras.Model(pixels, Augment(md.Augmentation(rotation=0.3), seed=4)(pixels)).save(tmp_path / "model.keras")
    layer = keras.saving.load_model(tmp_path / "model.keras").get_layer("augment")
    assert (layer.augmentation, layer.seed) == (md.Augmentation(rotation=0.3), 4)


def test_augmented_copies_differ_and_repeat_with_the_seed(image):
    first, again = (augment_image(image, md.Augmentation(), 4, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (4, 64, 64, 3)
    assert not np.array_equal(first[0], first[1])
