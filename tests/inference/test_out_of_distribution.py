"""What is unlike the training images."""

import numpy as np
import pytest

from melanoma_detect.inference.out_of_distribution import FeatureSpace


@pytest.fixture
def seen():
    rng = np.random.default_rng(1)
    return (rng.normal(size=(600, 5)) @ rng.normal(size=(5, 40)) + 3).astype(np.float32)


def test_training_images_lie_near_and_strangers_far(seen):
    space = FeatureSpace.of(seen)
    assert 0.8 < space.distance(seen).mean() < 1.2
    off = seen + np.random.default_rng(2).normal(size=seen.shape).astype(np.float32)
    assert np.quantile(space.distance(off), 0.05) > np.quantile(space.distance(seen), 0.95)


def test_a_direction_that_was_never_seen_counts(seen):
    flat = seen.copy()
    flat[:, 20:] = 0
    stranger = flat[:1].copy()
    stranger[0, 30] = np.abs(flat).max()
    space = FeatureSpace.of(flat)
    assert space.distance(stranger)[0] > 1.5 * space.distance(flat).max()


def test_the_length_of_features_does_not_matter(seen):
    space = FeatureSpace.of(seen)
    np.testing.assert_allclose(space.distance(seen * 7), space.distance(seen), rtol=1e-3)


def test_few_images_and_even_ones_do_not_break_it():
    few = np.ones((3, 6), np.float32)
    found = FeatureSpace.of(few).distance(np.concatenate([few, np.zeros((1, 6), np.float32)]))
    assert np.isfinite(found).all()
    assert found[3] > found[0]
