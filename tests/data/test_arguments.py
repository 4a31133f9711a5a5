"""Arguments of this package's functions: their limits."""

import pytest

from melanoma_detect.data.arguments import check_batch_size, check_image_size
from melanoma_detect.errors import DatasetError


@pytest.mark.parametrize("size", [(8193, 32), (32, 10**9), (10**4400, 32)], ids=["8193", "a billion", "4400 digits"])
def test_an_image_size_has_a_limit(size):
    with pytest.raises(DatasetError, match="expected at most 8,192 pixels"):
        check_image_size(size)


def test_a_batch_has_a_limit():
    assert check_batch_size(65_536) == 65_536
    for size in (65_537, 10**4400):
        with pytest.raises(DatasetError, match=r"batch_size=.*expected a whole number, from 1 to 65536"):
            check_batch_size(size)
