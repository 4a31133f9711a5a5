"""Opening image files: extras, the size limit, decoding of JPEGs at a reduced scale."""

import sys

import numpy as np
import pytest
from PIL import Image

from melanoma_detect.errors import ImageError
from melanoma_detect.images import memory
from melanoma_detect.images.reader import load_rgb, min_decode_size, read_pixels


@pytest.mark.parametrize(
    ("package", "start", "extra"),
    [
        ("pillow_heif", b"\0\0\0\x18ftypheic", "melanoma-detect[heic]"),
        ("pydicom", b"\0" * 128 + b"DICM", "melanoma-detect[dicom]"),
    ],
)
def test_a_format_that_needs_an_extra_names_it(monkeypatch, tmp_path, package, start, extra):
    monkeypatch.setitem(sys.modules, package, None)  # as where the package is not installed
    monkeypatch.delitem(sys.modules, "melanoma_detect.images.dicom", raising=False)
    (tmp_path / "photo.jpg").write_bytes(start + bytes(200))
    with pytest.raises(ImageError, match=r"photo\.jpg") as caught:
        read_pixels(tmp_path / "photo.jpg")
    assert f"pip install '{extra}'" in str(caught.value)


def test_the_size_limit_does_not_depend_on_that_of_pillow(monkeypatch, tmp_path):
    before = Image.MAX_IMAGE_PIXELS
    Image.new("L", (300, 200)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert read_pixels(tmp_path / "large.png").shape == (200, 300, 3), "Pillow's own limit is not asked"
    monkeypatch.setattr(memory, "MAX_PIXELS", 59_999)
    with pytest.raises(ImageError, match=r"large\.png: 300×200 pixels"):
        read_pixels(tmp_path / "large.png")
    monkeypatch.undo()
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("resize", ["squash", "crop", "pad"])
def test_a_jpeg_decoded_at_a_reduced_scale_hardly_differs(tmp_path, image, resize):
    large = Image.fromarray(image).resize((1600, 1100), Image.Resampling.BICUBIC)
    large.save(tmp_path / "photo.jpg", quality=95)
    large.save(tmp_path / "photo.png")
    small, whole = (read_pixels(tmp_path / f"photo.{kind}", (90, 120), resize).astype(int) for kind in ("jpg", "png"))
    assert abs(small - whole).mean() < 1.5
    assert min_decode_size((90, 120), resize)[1] == 240


def test_pad_and_crop_keep_the_aspect_ratio(image):
    wide = image[:32]
    assert (read_pixels(wide, (64, 64), "pad")[:10] == 0).all()
    assert abs(read_pixels(wide, (32, 32), "crop").astype(int) - wide[:, 16:48]).max() == 0
    with pytest.raises(ImageError, match="expected one of 'squash', 'crop', 'pad'"):
        read_pixels(wide, (32, 32), "stretch")


def test_every_shape_can_be_cropped():
    for width in range(30, 90):  # for some shapes the box of the crop is outside the image by a rounding error
        assert read_pixels(np.zeros((42, width, 3), np.uint8), (150, 200), "crop").shape == (150, 200, 3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.jpg", "gone.jpg: no such file; check the path"),
        ("https://example.org/a.jpg", r"is an address; download the image .*score reads addresses"),
        (".", r"is a folder; expected an image: give a list of images, or score\(folder"),
    ],
)
def test_a_path_that_is_no_file_is_answered_at_once(name, message):
    with pytest.raises(ImageError, match=message) as caught:
        load_rgb(name)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert len(caught.traceback) <= 3


def test_a_cause_that_says_nothing_more_is_left_out(tmp_path):
    (tmp_path / "a.jpg").write_text("no image")
    with pytest.raises(ImageError, match="not an image") as caught:
        load_rgb(tmp_path / "a.jpg")
    assert caught.value.__suppress_context__
