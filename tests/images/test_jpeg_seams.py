"""Torn JPEG images."""

import io
import random
import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageDraw

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images.jpeg_seams import check_seams
from melanoma_detect.images.reader import load_rgb, read_pixels

LESION = Image.fromarray(md.draw_lesion("nevus", seed=3, size=320).pixels)


def as_jpeg(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def torn(image, row, column, change, block=16):
    """Return an image whose blocks are another by `change` from one of them on."""
    pixels = np.array(image).astype(int)
    pixels[row * block : (row + 1) * block, column * block :] += change
    pixels[(row + 1) * block :] += change
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


WAYS = [
    {},
    {"quality": 30},
    {"subsampling": 0},
    {"subsampling": 1},
    {"progressive": True},
    {"restart_marker_rows": 2},
]


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (16, 64), (33, 33), (320, 320), (500, 260)], ids=str)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_whole_images_pass(way, mode, size):
    content = as_jpeg(LESION.convert(mode).resize(size), **way)
    assert read_pixels(content).shape == (*size[::-1], 3)


@pytest.mark.parametrize("place", [(2, 4), (5, 1), (5, 7), (16, 10), (17, 3)], ids=str)
@pytest.mark.parametrize("change", [30, -25, (0, 15, -24)], ids=str)
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_torn_image_is_refused_at_any_scale(change, place, scale):
    content = as_jpeg(torn(LESION, *place, change), quality=95)
    with pytest.raises(ImageError, match="its colours jump along a row of its blocks: bytes were changed on the way"):
        load_rgb(content, (320 // scale, 320 // scale))


@pytest.mark.parametrize(("subsampling", "block"), [(0, 8), (2, 16)])
def test_blocks_are_as_large_as_the_file_says(subsampling, block):
    content = as_jpeg(torn(LESION, 7, 5, 20, block), quality=95, subsampling=subsampling)
    with pytest.raises(ImageError, match="its colours jump"):
        read_pixels(content)


def test_a_torn_grey_image_is_refused():
    with pytest.raises(ImageError, match="its colours jump"):
        read_pixels(as_jpeg(torn(LESION.convert("L"), 7, 5, 20, 8), quality=95))


@pytest.mark.parametrize("subsampling", [0, 2])
def test_of_a_large_image_the_test_takes_little_memory(subsampling):
    large = LESION.resize((6400, 4800))
    content = as_jpeg(torn(large, 100, 30, 20, 8 if subsampling == 0 else 16), quality=90, subsampling=subsampling)
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        tracemalloc.start()
        with pytest.raises(ValueError, match="its colours jump"):
            check_seams(image)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 6400 * 4800 * 2  # half of what is decoded


def test_a_jump_elsewhere_passes():
    pixels = np.array(LESION).astype(int)
    pixels[101:] += 30
    read_pixels(as_jpeg(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), quality=95))


def test_images_above_each_other_and_captions_pass():
    others = [md.draw_lesion(name, seed=seed, size=224).pixels for name in ("nevus", "melanoma") for seed in range(6)]
    for first, second in zip(others[::2], others[1::2], strict=True):
        assert read_pixels(as_jpeg(Image.fromarray(np.concatenate([first, second])), quality=90)).shape == (448, 224, 3)
    darker = np.array(LESION)
    darker[-96:] //= 2
    read_pixels(as_jpeg(Image.fromarray(darker), quality=90))


@pytest.mark.parametrize("colour", ["white", "black"])
def test_bars_and_frames_pass(colour):
    for box in ((0, 0, 320, 31), (0, 288, 320, 320), (0, 160, 320, 191)):
        framed = LESION.copy()
        ImageDraw.Draw(framed).rectangle(box, fill=colour)
        read_pixels(as_jpeg(framed, quality=90))
    framed = LESION.crop((0, 0, 320, 290))
    ImageDraw.Draw(framed).line((0, 288, 320, 288), fill=colour, width=3)
    read_pixels(as_jpeg(framed, quality=90))


def test_most_images_that_changed_bits_have_torn_are_refused():
    content = as_jpeg(LESION.resize((128, 128)))
    whole = read_pixels(content).astype(float)
    start, chance, kept, refused = content.index(b"\xff\xda") + 14, random.Random(1), 0, 0
    for _ in range(600):
        damaged = bytearray(content)
        damaged[chance.randrange(start, len(content) - 2)] ^= 1 << chance.randrange(8)
        try:
            kept += abs(read_pixels(bytes(damaged)) - whole).mean() > 6
        except ImageError as error:
            refused += "its colours jump" in str(error)
    assert refused > 2 * kept


def test_the_message_names_the_file_and_says_what_to_do(tmp_path):
    path = tmp_path / "photo.jpg"
    torn(LESION, 7, 5, 20).save(path, quality=95)
    with pytest.raises(ImageError) as raised:
        md.Detector.load().predict(path)
    assert str(raised.value) == (
        f"{path}: cannot be decoded (its colours jump along a row of its blocks: bytes were changed on the way); copy it "
        "again or remove it"
    )


def test_an_image_that_is_not_decoded_to_blocks_of_pixels_passes():
    with Image.open(io.BytesIO(as_jpeg(torn(LESION, 7, 5, 20, 8), subsampling=0))) as image:
        image.draft(None, (40, 40))
        image.load()
        check_seams(image)
