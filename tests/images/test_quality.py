"""Image quality: limits from training images, limits of the audit, and the reason for each rejection."""

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

import melanoma_detect as md
from melanoma_detect.images.quality import (
    AUDIT_LIMITS,
    COLOURLESS,
    InputLimits,
    colourfulness,
    describe_violations,
    input_limits,
    laplacian_sharpness,
    min_side,
    rejection_reasons,
    sharpness_and_brightness,
)
from melanoma_detect.images.reader import load_rgb


@pytest.fixture(scope="module")
def nevi():
    """Twelve procedural nevi, uint8 (12, 96, 96, 3)."""
    return np.stack([md.draw_lesion("nevus", seed=seed, size=96).pixels for seed in range(12)])


def test_training_images_are_within_their_own_limits(nevi):
    limits = input_limits(nevi)
    assert rejection_reasons(nevi, np.full(12, 96), limits) == [""] * 12


def test_each_rejection_reason(nevi):
    limits = input_limits(nevi)
    good = Image.fromarray(nevi[0])
    bad = [
        (good.filter(ImageFilter.GaussianBlur(12)), 96, "too blurred"),
        (good.point(lambda value: value * 0.1), 96, "too dark"),
        (good.point(lambda value: 245 + value * 0.04), 96, "too bright"),
        (good, 20, "too small"),
        (good.convert("L").convert("RGB"), 96, "without colour"),
        (good.convert("L").convert("RGB"), 20, "too small"),
    ]
    for image, side, expected in bad:
        assert rejection_reasons(np.asarray(image)[None], np.array([side]), limits) == [expected]
    assert rejection_reasons(nevi[:1], None, limits) == [""]


def test_a_detector_of_grey_images_accepts_them(nevi):
    grey = np.stack([np.asarray(Image.fromarray(image).convert("L").convert("RGB")) for image in nevi])
    limits = input_limits(grey)
    assert limits.colour == 0
    assert rejection_reasons(grey, np.full(12, 96), limits) == [""] * 12


def test_a_grey_jpeg_and_one_channel_have_no_colour(nevi, tmp_path):
    Image.fromarray(nevi[0]).convert("L").convert("RGB").save(tmp_path / "grey.jpg", quality=60)
    grey = load_rgb(tmp_path / "grey.jpg")
    assert float(colourfulness(np.asarray(grey)[None])[0]) < COLOURLESS
    assert float(colourfulness(np.repeat(nevi[:1, ..., :1], 3, axis=3))[0]) == 0
    assert colourfulness(nevi).min() > 10 * COLOURLESS


def test_the_default_limits_accept_every_image():
    assert rejection_reasons(np.zeros((2, 8, 8, 3), np.uint8), np.array([1, 1]), InputLimits()) == ["", ""]


def test_rotation_hardly_changes_sharpness_and_brightness(nevi):
    rotated = np.ascontiguousarray(nevi.swapaxes(1, 2)[:, ::-1])
    np.testing.assert_allclose(sharpness_and_brightness(rotated), sharpness_and_brightness(nevi), rtol=0.05)


@pytest.mark.parametrize(("size", "side"), [((180, 180), 54), ((224, 300), 64), ((600, 600), 64)])
def test_min_side(size, side):
    assert min_side(size) == side


def test_the_laplacian_is_that_of_scipy(nevi):
    grey = nevi[0].mean(axis=-1).astype(np.float32)
    assert laplacian_sharpness(grey) == pytest.approx(float(ndimage.laplace(grey).std()), rel=1e-5)


def test_the_audit_finds_a_blurred_image_whatever_its_contrast(nevi):
    for image in map(Image.fromarray, nevi):
        grey = np.asarray(image.convert("L").resize((128, 128)), np.float32)
        soft = np.asarray(image.resize((128, 128)).filter(ImageFilter.GaussianBlur(4)).convert("L"), np.float32)
        assert laplacian_sharpness(soft) < AUDIT_LIMITS.sharpness < laplacian_sharpness(grey)


def test_the_first_reason_is_returned():
    small_and_dark = describe_violations(np.array([10]), np.array([0.0]), np.array([0.0]), AUDIT_LIMITS)
    assert small_and_dark == ["too small"]
