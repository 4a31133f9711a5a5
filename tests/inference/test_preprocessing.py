"""What the model sees, and what is not worth a look."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

import melanoma_detect as md
from melanoma_detect.inference.preprocessing import Limits, Look, complaints, limits_of, look, measure, smallest_side


@pytest.fixture(scope="module")
def lesions_in_pixels():
    return np.stack([md.draw_lesion("nevus", seed=seed, size=96).pixels for seed in range(12)])


def test_decoded_pictures_are_taken_as_they_are(picture):
    seen = look(picture, (64, 64), "squash")
    assert seen.pixels is picture
    assert seen == Look(picture, 64, 64)


def test_a_picture_remembers_its_own_size(tmp_path, picture):
    Image.fromarray(picture).resize((90, 50)).save(tmp_path / "photo.png")
    seen = look(tmp_path / "photo.png", (32, 32), "crop")
    assert (seen.pixels.shape, seen.height, seen.width) == ((32, 32, 3), 50, 90)


def test_training_pictures_are_good_enough(lesions_in_pixels):
    limits = limits_of(lesions_in_pixels)
    assert complaints(lesions_in_pixels, np.full(12, 96), limits) == [""] * 12


def test_each_complaint(lesions_in_pixels):
    limits = limits_of(lesions_in_pixels)
    one = Image.fromarray(lesions_in_pixels[0])
    bad = [
        (one.filter(ImageFilter.GaussianBlur(12)), 96, "too blurred"),
        (one.point(lambda value: value * 0.1), 96, "too dark"),
        (one.point(lambda value: 245 + value * 0.04), 96, "too bright"),
        (one, 20, "too small"),
    ]
    for image, side, expected in bad:
        assert complaints(np.asarray(image)[None], np.array([side]), limits) == [expected]
    assert complaints(lesions_in_pixels[:1], None, limits) == [""]


def test_without_limits_nothing_is_wrong():
    assert complaints(np.zeros((2, 8, 8, 3), np.uint8), np.array([1, 1]), Limits()) == ["", ""]


def test_turning_does_not_change_what_is_measured(lesions_in_pixels):
    turned = np.ascontiguousarray(lesions_in_pixels.swapaxes(1, 2)[:, ::-1])
    np.testing.assert_allclose(measure(turned), measure(lesions_in_pixels), rtol=0.05)


@pytest.mark.parametrize(("size", "side"), [((180, 180), 54), ((224, 300), 64), ((600, 600), 64)])
def test_the_smallest_side(size, side):
    assert smallest_side(size) == side
