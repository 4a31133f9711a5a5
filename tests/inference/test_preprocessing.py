"""What the model sees, and what is not worth a look."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

import melanoma_detect as md
from melanoma_detect.inference.preprocessing import (
    InputLimits,
    ModelInput,
    input_limits,
    measure,
    min_side,
    preprocess,
    rejection_reasons,
)


@pytest.fixture(scope="module")
def lesions_in_pixels():
    return np.stack([md.draw_lesion("nevus", seed=seed, size=96).pixels for seed in range(12)])


def test_decoded_images_are_taken_as_they_are(image):
    seen = preprocess(image, (64, 64), "squash")
    assert seen.pixels is image
    assert seen == ModelInput(image, 64, 64)


def test_a_image_remembers_its_own_size(tmp_path, image):
    Image.fromarray(image).resize((90, 50)).save(tmp_path / "photo.png")
    seen = preprocess(tmp_path / "photo.png", (32, 32), "crop")
    assert (seen.pixels.shape, seen.height, seen.width) == ((32, 32, 3), 50, 90)


def test_training_images_are_good_enough(lesions_in_pixels):
    limits = input_limits(lesions_in_pixels)
    assert rejection_reasons(lesions_in_pixels, np.full(12, 96), limits) == [""] * 12


def test_each_complaint(lesions_in_pixels):
    limits = input_limits(lesions_in_pixels)
    one = Image.fromarray(lesions_in_pixels[0])
    bad = [
        (one.filter(ImageFilter.GaussianBlur(12)), 96, "too blurred"),
        (one.point(lambda value: value * 0.1), 96, "too dark"),
        (one.point(lambda value: 245 + value * 0.04), 96, "too bright"),
        (one, 20, "too small"),
    ]
    for image, side, expected in bad:
        assert rejection_reasons(np.asarray(image)[None], np.array([side]), limits) == [expected]
    assert rejection_reasons(lesions_in_pixels[:1], None, limits) == [""]


def test_without_limits_nothing_is_wrong():
    assert rejection_reasons(np.zeros((2, 8, 8, 3), np.uint8), np.array([1, 1]), InputLimits()) == ["", ""]


def test_turning_does_not_change_what_is_measured(lesions_in_pixels):
    turned = np.ascontiguousarray(lesions_in_pixels.swapaxes(1, 2)[:, ::-1])
    np.testing.assert_allclose(measure(turned), measure(lesions_in_pixels), rtol=0.05)


@pytest.mark.parametrize(("size", "side"), [((180, 180), 54), ((224, 300), 64), ((600, 600), 64)])
def test_the_smallest_side(size, side):
    assert min_side(size) == side
