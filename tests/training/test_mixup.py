"""MixUp and CutMix."""

import numpy as np
import pytest

from melanoma_detect.training.mixup import MixImages

FLAT = np.repeat(np.arange(8, dtype=np.float32)[:, None, None, None], 16, axis=1).repeat(16, axis=2).repeat(3, axis=3)


def test_images_are_mixed_in_training_only():
    images, terms = MixImages(0.5, 0.5, 0.1, seed=1)(FLAT, training=False)
    np.testing.assert_array_equal(np.asarray(images), FLAT)
    assert np.asarray(terms).tolist() == [[1.0, 0.0]] * 8


def test_label_smoothing_alone_changes_no_image():
    images, terms = MixImages(0, 0, 0.1, seed=1)(FLAT, training=True)
    np.testing.assert_array_equal(np.asarray(images), FLAT)
    np.testing.assert_allclose(np.asarray(terms), [[1.0, 0.1]] * 8)


@pytest.mark.parametrize(("mixup", "cutmix"), [(1.0, 0.0), (0.0, 1.0)])
def test_own_share_matches_the_mixed_pixels(mixup, cutmix):
    images, terms = (np.asarray(output) for output in MixImages(mixup, cutmix, 0, seed=1)(FLAT, training=True))
    own, other = np.arange(8), np.roll(np.arange(8), 1)
    np.testing.assert_allclose(
        images.mean(axis=(1, 2, 3)), terms[:, 0] * own + (1 - terms[:, 0]) * other, rtol=1e-4, atol=1e-4
    )
    assert (terms[:, 0] >= 0.45).all()
    assert (terms[:, 0] < 1).any()
    assert (np.ptp(images, axis=(1, 2, 3)) > 0).any() == bool(cutmix)


def test_share_of_mixed_images():
    many = np.random.default_rng(1).uniform(0, 255, (400, 8, 8, 3)).astype(np.float32)
    images, _ = MixImages(0.25, 0.25, 0, seed=1)(many, training=True)
    untouched = (np.asarray(images) == many).all(axis=(1, 2, 3)).mean()
    assert 0.4 < untouched < 0.62
