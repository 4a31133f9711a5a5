"""Drawn images that show no skin."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.data.outliers import draw_outliers
from melanoma_detect.errors import DatasetError


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, (8, 8)), "count=-1"),
        ((1.0, (8, 8)), "count=1.0"),
        ((10**9, (8, 8)), "count=1000000000"),
        ((1, (0, 8)), "image_size="),
        ((1, (8,)), "image_size="),
        ((1, (10**6, 8)), "a side of 1000000"),
        ((1, 8), "image_size="),
    ],
    ids=repr,
)
def test_numbers_are_checked(arguments, message):
    with pytest.raises(DatasetError, match=message):
        draw_outliers(*arguments)


def test_none_are_none():
    assert draw_outliers(0, (8, 8)).shape == (0, 8, 8, 3)
    assert draw_outliers(np.int64(2), [8, 8], seed=np.int64(1)).shape == (2, 8, 8, 3)


def test_the_seed_is_checked():
    with pytest.raises(DatasetError, match="seed=-1"):
        draw_outliers(1, (8, 8), seed=-1)
