"""Random changes to images: one map, one matrix, the seed decides."""

import keras
import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.training.artefacts import with_hairs, with_ruler
from melanoma_detect.training.augmentation import Augment, Draw, augmentation_layers, blurred, coloured, moved

STILL = {"flip": None, "rotation": 0, "zoom": 0}


class Fixed(Draw):
    """Draws what a test names: a share of the way from the lower to the upper end."""

    def __init__(self, count, *shares):
        super().__init__(keras.random.SeedGenerator(1), count)
        self.shares = list(shares)

    def uniform(self, low, high, *shape):
        share = self.shares.pop(0)
        return np.full((self.count, *shape), low + share * (high - low), np.float32)


@pytest.fixture
def images():
    return np.random.default_rng(1).uniform(0, 255, (3, 16, 16, 3)).astype(np.float32)


def test_nothing_to_change_is_no_layer():
    assert augmentation_layers(None) == []
    assert augmentation_layers(md.Augmentation(**STILL)) == []


def test_only_training_changes_images(images):
    (layer,) = augmentation_layers(md.Augmentation(), seed=1)
    np.testing.assert_array_equal(np.asarray(layer(images, training=False)), images)
    assert not np.array_equal(np.asarray(layer(images, training=True)), images)


def test_the_seed_decides_and_each_batch_is_new(images):
    first, again, other = (Augment(md.Recipe.named("strong").augmentation, seed=seed) for seed in (1, 1, 2))
    one = np.asarray(first(images, training=True))
    np.testing.assert_array_equal(one, np.asarray(again(images, training=True)))
    assert not np.array_equal(one, np.asarray(other(images, training=True)))
    assert not np.array_equal(one, np.asarray(first(images, training=True)))


# moved draws: angle, zoom, stretch, horizontal side, vertical side, shift across, shift down; a half is no change.
def test_a_flip_is_exact(images):
    found = moved(images, md.Augmentation("horizontal", 0, 0), Fixed(3, 0.5, 0.5, 0.5, 0.0, 0.5, 0.5))
    np.testing.assert_allclose(np.asarray(found), images[:, :, ::-1], atol=1e-3)
    found = moved(images, md.Augmentation("vertical", 0, 0), Fixed(3, 0.5, 0.5, 0.5, 0.0, 0.5, 0.5))
    np.testing.assert_allclose(np.asarray(found), images[:, ::-1], atol=1e-3)


def test_a_quarter_turn_is_exact(images):
    found = moved(images, md.Augmentation(None, 0.25, 0), Fixed(3, 1.0, 0.5, 0.5, 0.5, 0.5))
    np.testing.assert_allclose(np.asarray(found), np.rot90(images, 1, axes=(1, 2)), atol=1e-2)


def test_a_shift_is_a_share_of_the_image(images):
    found = np.asarray(moved(images, md.Augmentation(**STILL, shift=0.25), Fixed(3, 0.5, 0.5, 0.5, 1.0, 0.5)))
    np.testing.assert_allclose(found[:, :, :12], images[:, :, 4:], atol=1e-3)
    np.testing.assert_allclose(found[:, :, 12:], images[:, :, :11:-1], atol=1e-3)  # reflected


def test_zoom_is_what_keras_has(images):
    ramp = np.tile(np.arange(16, dtype=np.float32)[:, None, None], (1, 1, 16, 3))
    ours = np.asarray(moved(ramp, md.Augmentation(None, 0, 0.5), Fixed(1, 0.5, 0.0, 0.5, 0.5, 0.5)))
    theirs = np.asarray(keras.layers.RandomZoom((-0.5, -0.5))(ramp, training=True))
    np.testing.assert_allclose(ours, theirs, atol=0.3)


def test_the_assignments_turns_and_flips_come_as_often_as_keras_has_them():
    ramp = np.tile(np.arange(16, dtype=np.float32)[None, None, :, None], (400, 16, 1, 3))
    draw = Draw(keras.random.SeedGenerator(3), 400)
    found = np.asarray(moved(ramp, md.Augmentation(rotation=0, zoom=0), draw))
    assert 150 < (found[:, 8, 0, 0] > 8).sum() < 250


# coloured draws: saturation, contrast, brightness, white balance.
@pytest.mark.parametrize(
    ("change", "shares", "expected"),
    [
        ("brightness", (0.5, 0.5, 1.0, 0.5), lambda x: 1.2 * x),
        ("contrast", (0.5, 0.0, 0.5, 0.5), lambda x: 0.2 * x.mean((1, 2, 3), keepdims=True) + 0.8 * x),
        ("saturation", (0.0, 0.5, 0.5, 0.5), lambda x: 0.8 * x + 0.2 * (x @ [0.299, 0.587, 0.114])[..., None]),
    ],
)  # fmt: skip
def test_colours(images, change, shares, expected):
    dim = images * 0.8
    found = coloured(dim, md.Augmentation(**STILL, **{change: 0.2}), Fixed(3, *shares))
    np.testing.assert_allclose(np.asarray(found), expected(dim), atol=0.02)


def test_white_balance_moves_channels_apart():
    grey = np.full((64, 4, 4, 3), 100, np.float32)
    found = np.asarray(
        coloured(grey, md.Augmentation(**STILL, white_balance=0.2), Draw(keras.random.SeedGenerator(1), 64))
    )
    means = found.mean(axis=(1, 2))
    assert np.ptp(means, axis=1).max() > 15
    assert means.min() >= 80 - 0.1
    assert means.max() <= 120 + 0.1


def test_shading_slopes_and_stays_in_range():
    grey = np.full((8, 16, 16, 3), 200, np.float32)
    found = np.asarray(coloured(grey, md.Augmentation(**STILL, shading=0.9), Draw(keras.random.SeedGenerator(1), 8)))
    assert np.ptp(found[0]) > 20
    assert found.max() <= 255
    assert abs(found.mean() - 200) < 10


def test_blur_takes_detail(images):
    found = np.asarray(blurred(images, 1.0, Draw(keras.random.SeedGenerator(1), 3)))
    assert found.std() < 0.8 * images.std()
    np.testing.assert_allclose(np.asarray(blurred(images, 0.0, Draw(keras.random.SeedGenerator(1), 3))), images)


@pytest.mark.parametrize("paint", [with_hairs, with_ruler])
def test_occlusion_is_dark_narrow_and_only_on_its_share(paint):
    white = np.full((40, 64, 64, 3), 255, np.float32)
    found = np.asarray(paint(white, 0.5, Draw(keras.random.SeedGenerator(2), 40)))
    covered = (found < 200).any(axis=-1).mean(axis=(1, 2))
    assert 10 < (covered > 0).sum() < 30
    assert 0.002 < covered[covered > 0].mean() < 0.2


def test_it_can_be_saved(tmp_path):
    pixels = keras.Input((8, 8, 3))
    keras.Model(pixels, Augment(md.Augmentation(rotation=0.3), seed=4)(pixels)).save(tmp_path / "model.keras")
    layer = keras.saving.load_model(tmp_path / "model.keras").get_layer("augment")
    assert (layer.augmentation, layer.seed) == (md.Augmentation(rotation=0.3), 4)
