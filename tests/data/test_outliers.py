"""Drawn images that show no skin."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.data.outliers import draw_outliers


@pytest.mark.parametrize("size", [(32, 32), (20, 48), (300, 280)])
def test_they_have_the_asked_size(size):
    drawn = draw_outliers(6, size)
    assert drawn.shape == (6, *size, 3)
    assert drawn.dtype == np.uint8


@pytest.mark.parametrize("side", range(5, 13))
def test_small_images_can_be_drawn(side):
    assert draw_outliers(30, (side, side)).shape == (30, side, side, 3)


def test_a_seed_draws_the_same_again_and_more_are_a_continuation():
    few, many, others = (
        draw_outliers(7, (32, 32), seed=1),
        draw_outliers(9, (32, 32), seed=1),
        draw_outliers(7, (32, 32)),
    )
    np.testing.assert_array_equal(few, many[:7])
    assert (few != others).any(axis=(1, 2, 3)).all()


def test_all_differ_and_few_have_the_colours_of_skin():
    drawn = draw_outliers(60, (32, 32))
    assert len({image.tobytes() for image in drawn}) == 60
    skin = np.stack([md.draw_lesion("nevus", seed=seed, size=32).pixels for seed in range(20)])

    def reddish(pixels):
        red, green, blue = np.moveaxis(pixels.astype(float).mean(axis=(1, 2)), -1, 0)
        return ((red > green) & (green > blue)).mean()

    assert reddish(skin) == 1
    assert reddish(drawn) < 0.4


def test_none_are_drawn_for_zero():
    assert draw_outliers(0, (32, 32)).shape == (0, 32, 32, 3)
