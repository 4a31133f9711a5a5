"""Tests of the search among vectors."""

import numpy as np
import pytest

from melanoma_detect.similar import nearest
from melanoma_detect.similar.nearest import reduce_features


@pytest.fixture
def features():
    """Return features as a model gives them: never negative, and alike within ten groups."""
    rng = np.random.default_rng(3)
    centres = rng.gamma(0.3, size=(10, 400))
    return (centres[rng.integers(0, 10, 2500)] + 0.2 * rng.gamma(0.3, size=(2500, 400))).astype(np.float32)


def exact(features, query):
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    return 1 - units.astype(np.float64) @ (query / np.linalg.norm(query))


def test_few_vectors_are_compared_in_every_direction(features):
    vectors = reduce_features(features[:300])
    assert vectors.directions is None
    np.testing.assert_allclose(vectors.distances(features[0]), exact(features[:300], features[0]), atol=1e-5)


def test_many_vectors_are_compared_in_the_directions_that_matter(features):
    vectors = reduce_features(features)
    assert vectors.values.shape == (2500, 256)
    assert vectors.width == 400
    close = vectors.distances(features[5])
    assert close[5] == pytest.approx(0, abs=1e-6)
    assert np.abs(close - exact(features, features[5])).max() < 0.05
    assert set(np.argsort(close)[:8]) & set(np.argsort(exact(features, features[5]))[:8]) >= {5}


def test_the_length_of_a_vector_does_not_matter(features):
    vectors = reduce_features(features[:50])
    np.testing.assert_allclose(vectors.distances(features[0] * 7), vectors.distances(features[0]), atol=1e-6)


def test_a_vector_of_zeros_is_no_error():
    vectors = reduce_features(np.zeros((3, 4), np.float32))
    assert np.isfinite(vectors.distances(np.zeros(4, np.float32))).all()


def test_equal_distances_keep_their_order():
    assert nearest.in_order(np.array([0.2, 0.1, 0.2, 0.1])).tolist() == [1, 3, 0, 2]
