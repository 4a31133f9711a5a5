"""The reader of pixels."""

import io

import numpy as np
import pytest
from PIL import Image

from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import read_batch, read_pixels, read_size, source_name


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "tif"])
def test_every_format_gives_rgb_at_the_size_asked_for(image, tmp_path, suffix):
    path = tmp_path / f"lesion.{suffix}"
    Image.fromarray(image).save(path)
    pixels = read_pixels(path, (40, 30))
    assert pixels.shape == (40, 30, 3)
    assert pixels.dtype == np.uint8
    reference = np.asarray(Image.fromarray(image).resize((30, 40), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(pixels - reference).mean() < 6


def test_every_type_of_source_gives_the_same_pixels(image, tmp_path):
    path = tmp_path / "lesion.png"
    Image.fromarray(image).save(path)
    with path.open("rb") as file:
        sources = [path, str(path), path.read_bytes(), file, Image.open(path), image]
        for source in sources:
            np.testing.assert_array_equal(read_pixels(source), image)


def test_the_size_is_height_then_width(image):
    assert read_pixels(image, (20, 50)).shape == (20, 50, 3)


def test_the_exif_orientation_is_applied(image):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be rotated by 90 degrees
    file = io.BytesIO()
    Image.fromarray(image[:32]).save(file, "PNG", exif=exif)
    np.testing.assert_array_equal(read_pixels(file.getvalue()), np.rot90(image[:32], -1))


def _write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.jpg", b"", "empty"),
        ("text.jpg", b"this is no image at all", "not an image"),
        ("gif.jpg", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "cannot be decoded"),
    ],
)
def test_files_that_are_not_images_are_named(tmp_path, name, content, message):
    path = _write(tmp_path / name, content)
    with pytest.raises(ImageError, match=message) as caught:
        read_pixels(path)
    assert name in str(caught.value)
    with pytest.raises(ImageError, match=name):
        read_size(path)


def test_a_truncated_image_is_named(image, tmp_path):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG")
    path = _write(tmp_path / "half.jpg", file.getvalue()[: len(file.getvalue()) // 2])
    with pytest.raises(ImageError, match=r"half\.jpg: cannot be decoded"):
        read_pixels(path)


def test_missing_files_and_folders_have_messages_of_their_own(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        read_pixels(tmp_path / "nowhere.jpg")
    with pytest.raises(ImageError, match="is a folder"):
        read_pixels(tmp_path)


def test_read_size(image, tmp_path):
    Image.fromarray(image[:20]).save(tmp_path / "lesion.jpg")
    assert read_size(tmp_path / "lesion.jpg") == (20, 64)


def test_read_batch(image):
    batch = read_batch([image, Image.fromarray(image)], (64, 64))
    np.testing.assert_array_equal(batch[0], batch[1])


def test_source_name(image, tmp_path):
    assert source_name("a/b.jpg") == "a/b.jpg"
    assert source_name(tmp_path / "x.png") == str(tmp_path / "x.png")
    assert source_name(image) == "array (64, 64, 3)"
    assert source_name(b"...") == "bytes"
