"""Sums of columns, which must not depend on the other rows."""

import numpy as np
import pytest

from melanoma_detect.utils.arrays import sum_columns


@pytest.mark.parametrize("columns", [1, 2, 5, 8, 9, 16, 17, 40])
def test_a_row_has_the_same_sum_alone_and_among_others(columns):
    array = np.random.default_rng(columns).random((40, columns + 3))
    chosen = np.arange(columns + 3) >= 3
    alone = np.array([sum_columns(row[None], chosen)[0] for row in array])
    for count in (2, 3, 7, 32, 40):
        assert np.array_equal(sum_columns(array[:count], chosen), alone[:count])
    assert alone == pytest.approx(array[:, 3:].sum(axis=1), rel=1e-12)


def test_no_columns_add_up_to_nothing():
    assert sum_columns(np.ones((3, 2)), np.zeros(2, bool)).tolist() == [0, 0, 0]
