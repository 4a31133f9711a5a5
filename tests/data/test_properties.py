"""Properties of image files, and the audit's limits for them."""

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data.properties import (
    describe_header,
    measure_pixels,
    measure_squares,
    read_all_properties,
    read_properties,
)
from melanoma_detect.errors import ImageError
from melanoma_detect.images.formats import open_image
from melanoma_detect.images.reader import read_pixels


def save(pixels, path, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def test_properties_of_a_jpeg(tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS"
    path = save(md.draw_lesion("nevus", seed=1, size=96).pixels[:80], tmp_path / "a.jpg", exif=exif, quality=50)
    properties = read_properties(path)
    assert (properties.height, properties.width, properties.format) == (80, 96, "JPEG")
    assert (properties.camera, properties.rejection_reason) == ("Canon EOS", "")
    compressed = read_properties(save(np.asarray(Image.open(path)), tmp_path / "b.jpg", quality=20))
    assert compressed.quantisation > properties.quantisation > 0
    assert compressed.camera == ""


@pytest.mark.parametrize(("size", "factor", "reason"), [(40, 1.0, "too small"), (64, 0.1, "too dark"), (64, 1.0, "")])
def test_rejection_reasons(tmp_path, size, factor, reason):
    pixels = (md.draw_lesion("nevus", seed=98, size=size).pixels * factor).astype(np.uint8)
    assert read_properties(save(pixels, tmp_path / "image.png")).rejection_reason == reason


def test_a_uniform_image_is_too_blurred(tmp_path):
    properties = read_properties(save(np.full((80, 80, 3), 200, np.uint8), tmp_path / "even.png"))
    assert properties.rejection_reason == "too blurred"
    assert properties.pixels == (pytest.approx(200), 0, pytest.approx(1))


def test_dark_corners():
    pixels = np.full((128, 128, 3), 180, np.uint8)
    for rows in (slice(20), slice(-20, None)):
        pixels[rows, :20] = pixels[rows, -20:] = 0
    assert measure_pixels(Image.fromarray(pixels)).corner == pytest.approx(0, abs=0.01)


def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ImageError, match=r"empty\.jpg: the file is empty"):
        read_properties(tmp_path / "empty.jpg")


@pytest.mark.parametrize("side", [100, 180, 300])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_cached_pixels_change_no_property(tmp_path, side, suffix):
    path = tmp_path / f"image{suffix}"
    Image.fromarray(md.draw_lesion("nevus", seed=3, size=side).pixels).save(path)
    for size in ((side, side), (64, 64)):
        assert read_properties(path, read_pixels(path, size)) == read_properties(path)


@pytest.mark.parametrize("side", [128, 129, 180, 224, 255])
def test_images_that_are_measured_together_give_what_each_gives_by_itself(side):
    noise = np.random.default_rng(side).integers(0, 256, (3, side, side, 3), np.uint8)
    drawn = np.stack([md.draw_lesion("melanoma", seed=seed, size=side).pixels for seed in range(2)])
    pixels = np.concatenate([noise, drawn, np.zeros((1, side, side, 3), np.uint8)])
    assert measure_squares(pixels) == [measure_pixels(Image.fromarray(image)) for image in pixels]


def test_properties_of_several_files_are_those_of_each(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "Canon"
    paths, headers, cached = [], [], []
    for number, (height, width) in enumerate([(150, 150), (150, 150), (90, 150), (300, 300), (100, 100)]):
        pixels = md.draw_lesion("nevus", seed=number, size=max(height, width)).pixels[:height, :width]
        paths.append(save(pixels, tmp_path / f"{number}.jpg", exif=exif))
        with open_image(paths[-1]) as image:
            headers.append(describe_header(image))
        cached.append(read_pixels(paths[-1], (150, 150)))
    paths.append(tmp_path / "gone.jpg")
    *several, error = read_all_properties(paths, [*cached, None], [*headers, None])
    assert several == [read_properties(path) for path in paths[:-1]]
    assert several[0].camera == "Canon"
    assert isinstance(error, ImageError)
