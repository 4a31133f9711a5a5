"""What augmentation makes of an image."""

import numpy as np

import melanoma_detect as md
from melanoma_detect.training.preview import augmented


def test_views_differ_and_the_seed_decides(image):
    first, again = (augmented(image, md.Augmentation(), 4, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (4, 64, 64, 3)
    assert not np.array_equal(first[0], first[1])
