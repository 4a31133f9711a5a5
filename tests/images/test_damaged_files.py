"""Damaged files: thousands of ways to break one, and each gives an image or an ImageError."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import read_pixels, read_size

PIXELS = md.draw_lesion("melanoma", seed=5, size=32).pixels
FORMATS = {
    "JPEG": {"exif": Image.Exif()},
    "progressive": {"format": "JPEG", "progressive": True},
    "PNG": {},
    "GIF": {},
    "BMP": {},
    "WEBP": {},
    "lossless": {"format": "WEBP", "lossless": True},
    "AVIF": {},
    "TIFF": {},
    "LZW": {"format": "TIFF", "compression": "tiff_lzw"},
    "deflate": {"format": "TIFF", "compression": "tiff_deflate"},
}


def encoded(options, kind="PNG", image=None):
    file = io.BytesIO()
    (image or Image.fromarray(PIXELS)).save(file, **({"format": kind} | options))
    return file.getvalue()


def damaged(content, rng):
    """Return a file cut short, with some bits flipped, or with bytes of its header replaced."""
    broken = bytearray(content)
    way = rng.integers(3)
    if way == 0:
        return bytes(broken[: rng.integers(1, len(broken))])
    for place in rng.integers(0, len(broken) if way == 1 else min(len(broken), 300), rng.integers(1, 6)):
        broken[place] = broken[place] ^ (1 << rng.integers(8)) if way == 1 else rng.integers(256)
    return bytes(broken)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_file_gives_an_image_or_an_image_error(kind):
    content, rng = encoded(FORMATS[kind], kind), np.random.default_rng(7)
    for _ in range(150):
        try:
            pixels = read_pixels(damaged(content, rng), (16, 16))
        except ImageError:
            continue
        assert pixels.shape == (16, 16, 3)


def test_a_damaged_avif_file_is_named(tmp_path):
    content = bytearray(encoded({}, "AVIF"))
    middle = content.index(b"mdat") + 12
    content[middle : middle + 100] = bytes(100)
    (tmp_path / "bad.avif").write_bytes(content)
    with pytest.raises(ImageError, match=r"bad\.avif: cannot be decoded"):
        read_pixels(tmp_path / "bad.avif")


def exif(*entries):
    """Return EXIF data of entries (tag, type, count, value of 4 bytes)."""
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries
    )
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + directory + bytes(4)


ORIENTATION_6 = (0x112, 3, 1, b"\6\0\0\0")


@pytest.mark.parametrize(
    "odd",
    [
        (0x128, 2, 4, b"abc\0"),  # a unit as text
        (0x11A, 5, 1, b"\xff\xff\0\0"),  # a fraction beyond the end
        (0x10F, 99, 1, bytes(4)),  # a type that does not exist
        (0x8769, 4, 1, b"\xff\xff\xff\x7f"),  # a directory beyond the end
        (0x132, 2, 2**31, bytes(4)),  # a text of two gigabytes
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_odd_tag_does_not_hide_the_orientation(odd, kind):
    pixels = PIXELS.copy()
    pixels[:8] = 0
    options = {"exif": exif(ORIENTATION_6, odd)} | ({"quality": 95} if kind != "PNG" else {})
    read = read_pixels(encoded(options, kind, Image.fromarray(pixels)))
    assert np.abs(read.astype(int) - np.rot90(pixels, -1)).mean() < 8


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(value):
    file = encoded({"exif": exif((0x112, 3, 1, struct.pack("<I", value)))})
    np.testing.assert_array_equal(read_pixels(file), PIXELS)


def test_a_closed_image_says_so(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as left:
        pass
    with (tmp_path / "a.png").open("rb") as file:
        lost = Image.open(file)
    closed = Image.new("RGB", (9, 9))
    closed.close()
    for image in (left, lost, closed):
        with pytest.raises(ImageError, match="closed"):
            read_pixels(image)
    with pytest.raises(ImageError, match="closed"):
        read_pixels(file)


def test_a_warning_of_pillow_is_no_error():
    file = encoded({"exif": b"Exif\0\0II*\0\x08\0\0\0\x05\0" + bytes(9)}, "JPEG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_pixels(file).shape == PIXELS.shape


def test_the_size_of_a_closed_or_missing_file(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        read_size(tmp_path / "nowhere.png")


def png(values, bits, colour_type, *chunks):
    """Return a PNG file of packed rows."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width = values.shape[0], values.shape[1]
    depth_bytes = values.astype(">u2") if bits == 16 else values.astype(np.uint8)
    if bits < 8:
        shifts = np.arange(8 - bits, -1, -bits)
        depth_bytes = (values.reshape(height, -1, 8 // bits) << shifts).sum(axis=-1).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in depth_bytes)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    middle = b"".join(chunk(name, content) for name, content in chunks)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + middle
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_transparent_grey_of_a_png_becomes_white(bits):
    grey = PIXELS[..., 1].astype(int)
    levels = grey >> (8 - bits) if bits <= 8 else grey * 257
    transparent = int(np.bincount(levels.ravel()).argmax())
    expected = np.where(levels == transparent, 255, np.rint(levels * (255 / (2**bits - 1))))
    read = read_pixels(png(levels, bits, 0, (b"tRNS", struct.pack(">H", transparent))))
    np.testing.assert_array_equal(read, np.repeat(expected[..., None], 3, axis=2))


def test_sixteen_bit_colour_and_its_alpha():
    wide = PIXELS.astype(int) * 257
    np.testing.assert_array_equal(read_pixels(png(wide, 16, 2)), PIXELS)
    clear = np.dstack([wide, np.zeros_like(wide[..., 0])])
    assert (read_pixels(png(clear, 16, 6)) == 255).all()
    with pytest.raises(ImageError, match="one transparent colour"):
        read_pixels(png(wide, 16, 2, (b"tRNS", bytes(6))))
