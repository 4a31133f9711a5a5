"""Division that is not defined for nothing."""

import numpy as np

from melanoma_detect.evaluation.ratio import ratio


def test_what_is_divided_by_zero_is_nan():
    np.testing.assert_array_equal(ratio(np.array([1, 0]), np.array([4, 0])), [0.25, np.nan])


def test_shapes_are_broadcast():
    np.testing.assert_array_equal(ratio(np.ones((2, 3)), np.array([[2], [0]]))[:, 0], [0.5, np.nan])
