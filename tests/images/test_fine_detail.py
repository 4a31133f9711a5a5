"""Tests of the fine detail of images: SciPy's Gaussian filter, and what it tells of lesions."""

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.images.fine_detail import MIN_CORRELATION, correlate, fine_detail, grey_levels


def drawn(seed, size=128):
    return Image.fromarray(md.draw_lesion("nevus", seed=seed, size=size).pixels)


def test_coarse_shapes_are_those_of_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    grey = grey_levels(drawn(1))
    detail = (grey - ndimage.gaussian_filter(grey, 2.5)) * np.outer(np.hanning(128), np.hanning(128))
    detail -= detail.mean()
    np.testing.assert_allclose(fine_detail(grey), detail / np.linalg.norm(detail), atol=1e-6)


def test_a_lesion_is_itself_however_it_is_turned_and_shifted():
    large = drawn(1, 220)
    first, shifted = (fine_detail(grey_levels(large.crop((x, x, x + 200, x + 200)))) for x in (8, 14))
    for turned in (shifted, shifted[::-1], shifted.T, np.rot90(shifted)):
        assert correlate(first, turned) > MIN_CORRELATION
    assert correlate(first, fine_detail(grey_levels(drawn(2)))) < 0.5


@pytest.mark.parametrize("level", [0.0, 99.3, 255.0])
def test_an_even_colour_has_no_detail(level):
    assert not fine_detail(np.full((128, 128), level, np.float32)).any()
