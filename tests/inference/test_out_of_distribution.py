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


def test_no_example_of_an_outlier_leaves_the_distance_alone(features):
    space = FeatureSpace.fit(features, features[:0])
    assert space.outliers is None
    np.testing.assert_array_equal(space.distance(features), FeatureSpace.fit(features).distance(features))


@pytest.fixture
def noisy(features):
    return features + np.random.default_rng(4).normal(0, 0.3, features.shape).astype(np.float32)


@pytest.fixture
def outliers(features):
    """Return images that resemble the training images, but are shifted along an axis on which those hardly vary."""
    quiet = np.linalg.svd(features - features.mean(axis=0))[2][-1]
    noise = np.random.default_rng(3).normal(0, 0.3, (80, 40))
    return (features[:80] + 1.6 * quiet + noise).astype(np.float32)


def test_examples_of_outliers_find_others_that_the_distance_misses(noisy, outliers):
    training, unseen = noisy[:400], noisy[400:]

    def found(space):
        return (space.distance(outliers[40:]) > np.quantile(space.distance(unseen), 0.95)).mean()

    assert found(FeatureSpace.fit(training, outliers[:40])) > 0.95
    assert found(FeatureSpace.fit(training)) < 0.8


def test_outliers_of_no_kind_that_was_shown_still_score_by_their_distance(noisy, outliers):
    off = noisy + 3 * np.random.default_rng(2).normal(size=noisy.shape).astype(np.float32)
    alone, both = FeatureSpace.fit(noisy), FeatureSpace.fit(noisy, outliers)
    assert (both.distance(off) >= alone.distance(off)).all()
    assert alone.distance(off).min() > 2


def test_the_direction_is_at_0_for_training_images_and_at_5_for_outliers(noisy, outliers):
    direction = FeatureSpace.fit(noisy, outliers).outliers
    assert direction.position(noisy).mean() == pytest.approx(0, abs=1e-3)
    assert direction.position(outliers).mean() == pytest.approx(5, abs=1e-3)


def test_more_features_than_images_and_outliers_like_the_training_images():
    wide = np.random.default_rng(1).normal(size=(30, 100)).astype(np.float32)
    for space in (
        FeatureSpace.fit(wide[:20], wide[20:]),
        FeatureSpace.fit(wide, wide[:1]),
        FeatureSpace.fit(wide, wide),
    ):
        assert np.isfinite(space.distance(wide)).all()
        assert (space.distance(wide) >= 0).all()


def test_arrays_give_the_same_scores_and_those_without_a_direction_load(noisy, outliers):
    for space in (FeatureSpace.fit(noisy), FeatureSpace.fit(noisy, outliers)):
        again = FeatureSpace.from_arrays(space.to_arrays())
        np.testing.assert_array_equal(again.distance(noisy), space.distance(noisy))
        assert (again.outliers is None) == (space.outliers is None)
