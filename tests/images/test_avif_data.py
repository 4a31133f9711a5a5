"""Damage to the data of AVIF images."""

import contextlib
import io
import random

import pytest
from PIL import AvifImagePlugin, Image

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images import memory
from melanoma_detect.images.avif_data import _find_data, check_avif_data
from melanoma_detect.images.reader import read_pixels

LESION = Image.fromarray(md.draw_lesion("melanoma", seed=3, size=160).pixels)
ONE_TILE = {"autotiling": False}
TAGS = Image.Exif()
TAGS[0x010F] = "a camera"
EXIF = TAGS.tobytes()


def lesion_as_avif(mode="RGB", size=(160, 160), **options):
    file = io.BytesIO()
    LESION.convert(mode).resize(size).save(file, "AVIF", **options)
    return file.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 3), (160, 160), (400, 300)], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        *({"quality": quality, "speed": speed} for quality in (0, 50, 100) for speed in (6, 10)),
        {"mode": "RGBA"},
        {"mode": "L"},
        {"subsampling": "4:4:4", **ONE_TILE, "tile_rows": 1, "tile_cols": 1},
        {"exif": EXIF},
    ],
    ids=str,
)
def test_whole_images_pass(size, options):
    content = lesion_as_avif(size=size, **options)
    check_avif_data(io.BytesIO(content))
    assert read_pixels(content).shape == (*size[::-1], 3)


def test_images_of_one_colour_and_animations_pass():
    for colour in ("black", "white", "#c08060"):
        file = io.BytesIO()
        Image.new("RGB", (300, 200), colour).save(file, "AVIF")
        check_avif_data(file)
    frames = [LESION.rotate(10 * number) for number in range(3)]
    frames[0].save(file := io.BytesIO(), "AVIF", save_all=True, append_images=frames[1:])
    check_avif_data(file)


def test_a_last_unit_without_a_length_of_its_own_is_looked_at_too():
    content = bytearray(lesion_as_avif())
    item, unit = _find_data(bytes(content))
    head = unit.place - 1
    # The unit's length goes, which the specification allows for the last one, and the item becomes shorter by as much.
    content[head] &= ~2
    del content[unit.place : unit.place + unit.width]
    length = item.length - unit.width
    content[item.place : item.place + item.width] = length.to_bytes(item.width, "big")
    found = _find_data(bytes(content) + bytes(unit.width))
    assert found[1].width == 0
    assert found[1].length == unit.length
    check_avif_data(io.BytesIO(bytes(content) + bytes(unit.width)))


@pytest.mark.parametrize(
    "options", [{}, {"quality": 95}, {"exif": EXIF}, {"subsampling": "4:4:4", **ONE_TILE}], ids=str
)
def test_an_image_with_a_changed_bit_is_refused_or_looks_the_same(options):
    content = lesion_as_avif(**options)
    whole = read_pixels(content).astype(float)
    _, unit = _find_data(content)
    chance, torn = random.Random(1), 0
    for _ in range(100):
        damaged = bytearray(content)
        # Behind the head of the frame, which says how strong all colours are: no arithmetic is out of step by that.
        damaged[chance.randrange(unit.start + 40, unit.start + unit.length)] ^= 1 << chance.randrange(8)
        with contextlib.suppress(ImageError):
            torn += abs(read_pixels(bytes(damaged)) - whole).mean() > 4
    # Of 100, 49 to 84 would be torn if the data behind the end were not looked at. Of a few the end is hit by chance.
    assert torn <= 6


def test_an_image_that_is_too_large_is_not_decoded(monkeypatch):
    decoded = []
    monkeypatch.setattr(AvifImagePlugin.AvifImageFile, "load", decoded.append)
    monkeypatch.setattr(memory, "MAX_PIXELS", 100)
    with pytest.raises(ImageError, match="pixels"):
        read_pixels(lesion_as_avif())
    monkeypatch.undo()
    monkeypatch.setattr(AvifImagePlugin.AvifImageFile, "load", decoded.append)
    monkeypatch.setenv("MELANOMA_DETECT_IMAGE_BYTES", "1000")
    with pytest.raises(ImageError, match="memory"):
        read_pixels(lesion_as_avif())
    assert decoded == []


def test_damaged_boxes_are_left_to_the_decoder():
    content = lesion_as_avif(size=(64, 64))
    _, unit = _find_data(content)
    for place in range(unit.start):
        for damaged in (content[:place], content[:place] + b"\xff" + content[place + 1 :]):
            with contextlib.suppress(ValueError):
                check_avif_data(io.BytesIO(damaged))


def test_the_message_names_the_file_and_says_what_to_do(tmp_path):
    content, chance, messages = lesion_as_avif(), random.Random(2), []
    _, unit = _find_data(content)
    for _ in range(30):
        damaged = bytearray(content)
        damaged[chance.randrange(unit.start + 40, unit.start + unit.length)] ^= 255
        (tmp_path / "photo.avif").write_bytes(damaged)
        try:
            read_pixels(tmp_path / "photo.avif")
        except ImageError as error:
            messages.append(str(error))
    assert (
        f"{tmp_path / 'photo.avif'}: cannot be decoded (its data go on behind the end of the image: bytes were changed on the "
        "way); copy it again or remove it"
    ) in messages
