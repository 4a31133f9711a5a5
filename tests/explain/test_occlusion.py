"""Occlusion: the windows that hide parts of an image, and the evidence that they find."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.explain.occlusion import _windows, hide_hottest, occlude, skin_colour


@pytest.mark.parametrize("scale", [4, 10])
def test_the_windows_sum_to_one_everywhere(scale):
    np.testing.assert_allclose(_windows((45, 60), scale).sum(axis=0), 1)


def test_occlusion_finds_the_decisive_part():
    """A model that counts dark pixels in one corner: the evidence must lie there."""

    def answer(pixels):
        dark = (pixels[:, 4:12, 4:12].mean(axis=(1, 2, 3)) < 128).astype(float) * 0.8 + 0.1
        return np.stack([dark, 1 - dark], axis=1)

    pixels = np.full((64, 64, 3), 220, np.uint8)
    pixels[:20, :20] = 60
    found = occlude(answer, pixels, [0])
    assert found.probability == pytest.approx(0.9)
    assert found.hidden == pytest.approx(0.1)
    assert found.evidence[:20, :20].sum() > 0.7 * found.evidence.sum()


def test_the_hottest_part_is_hidden_under_the_colour_of_the_skin():
    lesion = md.draw_lesion("melanoma", seed=1, size=64)
    heat = np.zeros((64, 64))
    heat[:, :16] = np.linspace(2, 1, 16)
    heat[:, 16:] = np.linspace(1, 0, 48)
    hidden = hide_hottest(lesion.pixels, heat, 0.25)
    assert np.abs(hidden[:, :10].astype(int) - skin_colour(lesion.pixels).round()).max() <= 1
    assert np.array_equal(hidden[:, 24:], lesion.pixels[:, 24:])


def test_even_heat_hides_no_more_than_asked():
    white = np.full((50, 50, 3), 255, np.uint8)
    black = np.zeros_like(white)
    black[:6] = 200  # skin
    hidden = hide_hottest(black, np.ones((50, 50)), 0.2)
    assert (hidden != black).any(axis=2).mean() < 0.35
