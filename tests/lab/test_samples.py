import numpy as np
import pytest

from melanoma_detect.lab.drawn import draw_world
from melanoma_detect.lab.samples import divide, join


@pytest.fixture(scope="module")
def images():
    return draw_world(3, 10).development


def test_divide_by_lesion_keeps_lesions_together(images):
    parts = divide(images, images.lesions, (0.5, 0.3, 0.2), np.random.default_rng(1))
    assert [len(part) for part in parts] == [135, 81, 54]
    found = [set(part.lesions) for part in parts]
    assert set.union(*found) == set(images.lesions)
    assert sum(map(len, found)) == 90
    assert all(np.bincount(part.labels).tolist() == [len(part) // 9] * 9 for part in parts)


def test_divide_by_image_tears_lesions_apart(images):
    train, test = divide(images, np.arange(len(images)), (0.7, 0.3), np.random.default_rng(1))
    assert len(train) + len(test) == len(images)
    assert len(set(train.lesions) & set(test.lesions)) > 40


def test_first_views_and_join(images):
    first = images.first_views()
    assert len(first) == 90
    assert np.array_equal(first.pixels[1], images.pixels[3])
    assert len(join(first, images)) == 360
