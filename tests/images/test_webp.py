"""The size in the header of a WebP file is that of its image."""

import contextlib
import io
import random

import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import read_pixels
from melanoma_detect.images.webp import check_webp_data, webp_size


def saved(size, mode="RGB", **options):
    file = io.BytesIO()
    Image.new(mode, size, "red").save(file, "WEBP", **options)
    return file.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (300, 20), (20, 300), (16_383, 1)])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"mode": "RGBA"}, {"exif": b"Exif\0\0MM"}], ids=str)
def test_the_size(size, options):
    content = saved(size, **options)
    assert webp_size(content[:132]) == size


def test_damaged_headers():
    content = saved((9, 9))
    assert [webp_size(content[:length]) for length in range(30)] == [None] * 30
    assert webp_size(content[:12] + b"ALPH" + content[16:]) is None


def test_a_canvas_that_is_too_large_is_refused_before_it_is_made():
    content = bytearray(saved((9, 9), exif=b"Exif\0\0MM"))
    content[24:30] = b"\xfe\x3f\0\xff\x1f\0"
    with pytest.raises(ImageError, match="16383×8192 pixels would take"):
        read_pixels(bytes(content))


LESION = Image.fromarray(md.draw_lesion("melanoma", seed=3, size=101).pixels)


def lesion_as_webp(mode="RGB", size=(101, 101), **options):
    file = io.BytesIO()
    LESION.convert(mode).resize(size).save(file, "WEBP", **options)
    return file.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 3), (101, 101), (400, 300)], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        *({"quality": quality, "method": method} for quality in (0, 50, 100) for method in (0, 4, 6)),
        {"mode": "RGBA"},
        {"exif": b"Exif\0\0MM"},
        {"lossless": True},
    ],
    ids=str,
)
def test_whole_images_pass(size, options):
    content = lesion_as_webp(size=size, **options)
    check_webp_data(io.BytesIO(content))
    assert read_pixels(content).shape == (*size[::-1], 3)


def test_images_of_one_colour_pass():
    for colour in ("black", "white", "#c08060"):
        file = io.BytesIO()
        Image.new("RGB", (300, 200), colour).save(file, "WEBP")
        check_webp_data(file)


@pytest.mark.parametrize("options", [{}, {"quality": 100}, {"exif": b"Exif\0\0MM"}, {"mode": "RGBA"}], ids=str)
def test_an_image_with_a_changed_bit_is_refused_or_looks_the_same(options):
    content = lesion_as_webp(**options)
    whole = read_pixels(content).astype(float)
    start, chance, torn = content.index(b"VP8 ") + 8 + 10, random.Random(1), 0
    end = start - 10 + int.from_bytes(content[start - 14 : start - 10], "little")
    for _ in range(150):
        damaged = bytearray(content)
        # Behind the first bytes, which say how strong all colours are: no arithmetic is out of step by these.
        damaged[chance.randrange(start + 8, end)] ^= 1 << chance.randrange(8)
        with contextlib.suppress(ImageError):
            torn += abs(read_pixels(bytes(damaged)) - whole).mean() > 4
    # Two of three would be torn if the data behind the end were not looked at. Of a few the end is hit by chance.
    assert torn <= 8


def test_the_message_names_the_file_and_says_what_to_do(tmp_path):
    content = bytearray(lesion_as_webp())
    chance, messages = random.Random(2), []
    for _ in range(30):
        damaged = bytearray(content)
        damaged[chance.randrange(60, len(content))] ^= 255
        (tmp_path / "photo.webp").write_bytes(damaged)
        try:
            read_pixels(tmp_path / "photo.webp")
        except ImageError as error:
            messages.append(str(error))
    assert (
        f"{tmp_path / 'photo.webp'}: cannot be decoded (its data go on behind the end of the image: bytes were changed on the "
        "way); copy it again or remove it"
    ) in messages
