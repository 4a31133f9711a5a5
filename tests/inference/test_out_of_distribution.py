"""Out-of-distribution scores."""

import numpy as np
import pytest

from melanoma_detect.inference.out_of_distribution import FeatureSpace


@pytest.fixture
def features():
    rng = np.random.default_rng(1)
    return (rng.normal(size=(600, 5)) @ rng.normal(size=(5, 40)) + 3).astype(np.float32)


def test_training_images_score_low_and_others_high(features):
    space = FeatureSpace.fit(features)
    assert 0.8 < space.distance(features).mean() < 1.2
    off = features + np.random.default_rng(2).normal(size=features.shape).astype(np.float32)
    assert np.quantile(space.distance(off), 0.05) > np.quantile(space.distance(features), 0.95)


def test_a_component_absent_from_training_raises_the_score(features):
    flat = features.copy()
    flat[:, 20:] = 0
    stranger = flat[:1].copy()
    stranger[0, 30] = np.abs(flat).max()
    space = FeatureSpace.fit(flat)
    assert space.distance(stranger)[0] > 1.5 * space.distance(flat).max()


def test_the_length_of_features_does_not_matter(features):
    space = FeatureSpace.fit(features)
    np.testing.assert_allclose(space.distance(features * 7), space.distance(features), rtol=1e-3)


def test_few_images_and_even_ones_do_not_break_it():
    few = np.ones((3, 6), np.float32)
    found = FeatureSpace.fit(few).distance(np.concatenate([few, np.zeros((1, 6), np.float32)]))
    assert np.isfinite(found).all()
    assert found[3] > found[0]
