"""Damage that libjpeg passes over is refused; whole images of all kinds are not."""

import contextlib
import io
import random

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images.jpeg_data import check_while_decoding
from melanoma_detect.images.reader import load_rgb, read_pixels

LESION = Image.fromarray(md.draw_lesion("melanoma", seed=3, size=101).pixels)


def jpeg(image=LESION, **options):
    file = io.BytesIO()
    image.save(file, options.pop("format", "JPEG"), **options)
    return file.getvalue()


@pytest.mark.parametrize("min_size", [None, (20, 20)], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        *({"quality": quality, "subsampling": subsampling} for quality in (1, 50, 100) for subsampling in (0, 1, 2)),
        {"restart_marker_blocks": 2},
        {"restart_marker_rows": 1},
        {"optimize": True},
        {"progressive": True},
        {"exif": b"Exif\0\0MM"},
        {"format": "MPO", "save_all": True, "append_images": [LESION.rotate(90)]},
    ],
    ids=lambda options: "-".join(options) + str(options.get("quality", "")),
)
def test_whole_images_pass(options, min_size):
    for image in (LESION, LESION.convert("L"), LESION.convert("CMYK"), LESION.resize((1, 1)), LESION.resize((401, 33))):
        if not (options.get("format") == "MPO" and image.mode == "CMYK"):
            content = jpeg(image, **dict(options))
            assert load_rgb(content, min_size).size == image.size or min_size


@pytest.mark.parametrize("colour", ["black", "white", "#c08060"])
def test_images_of_one_colour_pass(colour):
    for size in ((1, 1), (300, 200), (2000, 8)):
        load_rgb(jpeg(Image.new("RGB", size, colour)))


@pytest.mark.parametrize("extra", [b"\0", b"abc", bytes(500), b"\xff" * 500])
def test_some_bytes_too_many_pass(extra):
    """Some encoders write a few bytes too many, or fill the data up."""
    content = jpeg()
    assert np.array_equal(read_pixels(content[:-2] + extra + content[-2:]), read_pixels(content))


def test_bytes_behind_the_image_pass():
    content = jpeg()
    assert np.array_equal(read_pixels(content + b"a preview" * 9), read_pixels(content))


def test_data_that_go_on_are_refused(tmp_path):
    content = jpeg()
    (tmp_path / "photo.jpg").write_bytes(content[:-2] + b"the decoder needs none of this" + content[-2:])
    with pytest.raises(
        ImageError, match=r"photo\.jpg: .*go on behind the end of the image.*copy it again or remove it"
    ):
        read_pixels(tmp_path / "photo.jpg")


def test_data_that_end_early_are_refused(tmp_path):
    """Cut, and ended as if it were whole: the rest of the picture is made up by the decoder."""
    content = jpeg()
    (tmp_path / "photo.jpg").write_bytes(content[:-300] + content[-2:])
    with pytest.raises(ImageError, match=r"photo\.jpg: .*end before the image does.*copy it again or remove it"):
        read_pixels(tmp_path / "photo.jpg")


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_file_whose_rest_is_zeros_is_refused(tmp_path, kept, progressive):
    """A download that broke off in a file of the full length: zeros decode to some flat picture."""
    content = jpeg(quality=95, progressive=progressive)
    whole = round(len(content) * kept)
    for length in (len(content), 9 * len(content)):
        (tmp_path / "photo.jpg").write_bytes(content[:whole] + bytes(length - whole))
        with pytest.raises(ImageError, match=r"photo\.jpg: .*copy it again or remove it"):
            read_pixels(tmp_path / "photo.jpg")


def test_zeros_behind_the_end_pass():
    content = jpeg()
    assert np.array_equal(read_pixels(content + bytes(5000)), read_pixels(content))


def test_what_lies_in_front_of_a_marker_is_passed_over():
    content = jpeg()
    place = content.index(b"\xff\xc0")
    with Image.open(io.BytesIO(content[:place] + b"abcd" + content[place:]), formats=["JPEG"]) as image:
        checked = check_while_decoding(image)
        image.load()
        checked.check()


def test_torn_pictures_are_refused_where_it_can_be_told():
    """The codes of JPEG may fall into step again; then the decoder ends where it should, and the picture stays torn."""
    content = jpeg(quality=90)
    whole, chance = read_pixels(content).astype(float), random.Random(1)
    start = content.index(b"\xff\xda") + 14
    torn = refused = 0
    for _ in range(400):
        changed = bytearray(content)
        changed[chance.randrange(start, len(content) - 2)] ^= 1 << chance.randrange(8)
        with Image.open(io.BytesIO(changed), formats=["JPEG"]) as image, contextlib.suppress(OSError):
            if abs(np.asarray(image.convert("RGB"), float) - whole).mean() <= 4:
                continue
        torn += 1
        try:
            read_pixels(bytes(changed))
        except ImageError:
            refused += 1
    assert torn > 80
    assert refused / torn > 0.4
