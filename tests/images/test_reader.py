"""The one door for pixels."""

import io

import numpy as np
import pytest
from PIL import Image

from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import name_of, read, read_many, read_size


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "tif"])
def test_every_format_gives_rgb_at_the_size_asked_for(image, tmp_path, suffix):
    path = tmp_path / f"lesion.{suffix}"
    Image.fromarray(image).save(path)
    pixels = read(path, (40, 30))
    assert pixels.shape == (40, 30, 3)
    assert pixels.dtype == np.uint8
    reference = np.asarray(Image.fromarray(image).resize((30, 40), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(pixels - reference).mean() < 6


def test_every_kind_of_source_gives_the_same_pixels(image, tmp_path):
    path = tmp_path / "lesion.png"
    Image.fromarray(image).save(path)
    with path.open("rb") as file:
        sources = [path, str(path), path.read_bytes(), file, Image.open(path), image]
        for source in sources:
            np.testing.assert_array_equal(read(source), image)


def test_the_size_is_height_then_width(image):
    assert read(image, (20, 50)).shape == (20, 50, 3)


def test_orientation_of_the_camera_is_applied(image):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to look at it
    file = io.BytesIO()
    Image.fromarray(image[:32]).save(file, "PNG", exif=exif)
    np.testing.assert_array_equal(read(file.getvalue()), np.rot90(image[:32], -1))


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "YCbCr", "LA", "RGBA"])
def test_other_colour_modes_become_rgb(image, mode):
    converted = Image.fromarray(image).convert("RGB").convert(mode)
    pixels = read(converted)
    assert pixels.shape == image.shape
    reference = np.asarray(converted.convert("RGB")).astype(int)
    assert np.abs(pixels - reference).max() <= 1


def test_transparency_is_laid_over_white():
    pixels = read(Image.new("RGBA", (4, 4), (10, 20, 30, 0)))
    assert (pixels == 255).all()


def test_sixteen_bit_grey_keeps_its_shades(tmp_path):
    Image.fromarray(np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)).save(tmp_path / "grey.png")
    grey = read(tmp_path / "grey.png")[..., 0]
    assert grey.min() == 0
    assert grey.max() == 255
    assert len(np.unique(grey)) > 200


def test_grey_arrays_are_images(image):
    assert read(image[..., 0]).shape == (64, 64, 3)


@pytest.mark.parametrize(
    "array",
    [
        np.full((8, 8, 3), 1.5, np.float32),
        np.full((8, 8, 3), np.nan),
        np.zeros((8, 8, 3), np.int16),
        np.zeros((8, 8, 2), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros(8, np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_images_are_refused(array):
    with pytest.raises(ImageError, match="is not an image: expected"):
        read(array)


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
def test_files_that_are_no_images_are_named(tmp_path, name, content, message):
    path = _write(tmp_path / name, content)
    with pytest.raises(ImageError, match=message) as caught:
        read(path)
    assert name in str(caught.value)
    with pytest.raises(ImageError, match=name):
        read_size(path)


def test_a_truncated_image_is_named(image, tmp_path):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG")
    path = _write(tmp_path / "half.jpg", file.getvalue()[: len(file.getvalue()) // 2])
    with pytest.raises(ImageError, match=r"half\.jpg: cannot be decoded"):
        read(path)


def test_missing_files_and_folders_are_told_apart(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        read(tmp_path / "nowhere.jpg")
    with pytest.raises(ImageError, match="is a folder"):
        read(tmp_path)


def test_the_header_gives_the_size(image, tmp_path):
    Image.fromarray(image[:20]).save(tmp_path / "lesion.jpg")
    assert read_size(tmp_path / "lesion.jpg") == (20, 64)


def test_several_images_become_one_array(image):
    batch = read_many([image, Image.fromarray(image)], (64, 64))
    np.testing.assert_array_equal(batch[0], batch[1])


def test_names_for_messages(image, tmp_path):
    assert name_of("a/b.jpg") == "a/b.jpg"
    assert name_of(tmp_path / "x.png") == str(tmp_path / "x.png")
    assert name_of(image) == "array (64, 64, 3)"
    assert name_of(b"...") == "bytes"
