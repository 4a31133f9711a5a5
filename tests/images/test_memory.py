"""What one image may take is checked before it is decoded, and what it takes at its peak is what was estimated."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from melanoma_detect.errors import ImageError
from melanoma_detect.images import colour
from melanoma_detect.images.memory import BYTES_VARIABLE, check_bytes, check_memory, check_size, image_bytes
from melanoma_detect.images.reader import load_rgb, read_pixels, read_size

PEAK = """
import sys
from melanoma_detect.images.reader import read_pixels
import numpy, PIL.ImageCms
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
before = peak()
try:
    read_pixels(sys.argv[1], (180, 180))
    print("read", peak() - before)
except Exception as error:
    print(type(error).__name__, peak() - before)
"""


def png(width, height, *, depth=8, kind=2, channels=3):
    """Return a PNG file of zeros, made without holding its pixels."""

    def chunk(name, content):
        return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)

    packer = zlib.compressobj(1)
    row = bytes(1 + width * channels * depth // 8)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([depth, kind, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def measured(path):
    """Return what reading a file in a process of its own came to, and how much memory it took at its peak."""
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    what, peak = done.stdout.split()
    return what, int(peak)


def test_the_variable_sets_the_limit(monkeypatch):
    assert image_bytes() == 2**30
    monkeypatch.setenv(BYTES_VARIABLE, "5000")
    assert image_bytes() == 5000
    for wrong in ("1 GiB", "-1", "0", "1e9", "²"):
        monkeypatch.setenv(BYTES_VARIABLE, wrong)
        with pytest.raises(ImageError, match=BYTES_VARIABLE):
            image_bytes()


def test_pixels_and_sides_have_a_limit():
    check_size((65_535, 3000), "a.png")
    with pytest.raises(ImageError, match="200 million"):
        check_size((20_000, 10_001), "a.png")
    with pytest.raises(ImageError, match=r"65,535 on a side"):
        check_size((65_536, 1), "a.png")
    content = io.BytesIO(png(70_000, 1))
    with pytest.raises(ImageError, match=r"65,535 on a side"):
        read_pixels(content)


def test_the_message_says_what_it_would_take_and_what_to_do():
    with pytest.raises(ImageError, match=rf"a\.png: 9×9 pixels would take 2\.0 GiB .* at most 1 GiB.*{BYTES_VARIABLE}"):
        check_bytes(2**31, (9, 9), "a.png")


@pytest.mark.parametrize(
    ("mode", "info", "use", "expected"),
    [
        ("RGB", {}, "", 4),
        ("RGB", {}, "turned", 8),
        ("RGB", {}, "at full size", 7),
        ("L", {}, "", 5),
        ("LA", {}, "", 8),
        ("RGB", {"icc_profile": b""}, "", 8),
        ("I;16", {}, "", 6),
    ],
)
def test_bytes_a_pixel(mode, info, use, expected, monkeypatch):
    image = Image.new(mode, (100, 100))
    image.info = info
    given = {"turned": use == "turned", "at_full_size": use == "at full size"}
    monkeypatch.setenv(BYTES_VARIABLE, str(expected * 10_000))
    check_memory(image, "a", **given)
    monkeypatch.setenv(BYTES_VARIABLE, str(expected * 10_000 - 1))
    with pytest.raises(ImageError, match="of memory"):
        check_memory(image, "a", **given)


@pytest.mark.parametrize(
    ("name", "options"),
    [("grey and alpha", {"kind": 4, "channels": 2}), ("16 bits", {"depth": 16, "kind": 0, "channels": 1})],
)
def test_a_small_file_of_200_million_pixels_is_refused_before_it_is_decoded(name, options, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(14_142, 14_142, **options))
    assert read_size(path) == (14_142, 14_142)
    what, peak = measured(path)
    assert what == "ImageError"
    assert peak < 2**26


def test_a_tile_of_a_tiff_file_counts(tmp_path):
    path = tmp_path / "a.tif"
    entries = [(256, 3, 64), (257, 3, 64), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1), (322, 4, 60_000)]
    entries += [(323, 4, 60_000), (324, 4, 0), (325, 4, 99)]
    tags = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(entries)) + tags + bytes(4))
    with pytest.raises(ImageError, match="of memory"):
        read_pixels(path)


MODES = {
    "LA": (8, 8, 8),
    "RGBA": (9, 9, 9),
    "P": (3,),
    "L": (3,),
    "I;16": (3,),
    "I": (3,),
    "F": (3,),
    "CMYK": (4,),
    "1": (),
}


@pytest.mark.parametrize("mode", MODES)
def test_strips_change_no_pixel(mode, monkeypatch):
    random = np.random.default_rng(0).integers(0, 256, (57, 41, 4), np.uint8)
    image = Image.fromarray(random)
    if mode in ("I;16", "I"):
        image = Image.fromarray(random[..., 0].astype(np.uint16 if mode == "I;16" else np.int32) * 255)
    elif mode == "F":
        image = Image.fromarray(random[..., 0].astype(np.float32) / 255)
    elif mode == "P":
        image = image.convert("RGB").quantize(17)
        image.info["transparency"] = 3
    else:
        image = (image if mode in ("RGBA", "LA") else image.convert("RGB")).convert(mode)
    whole = np.asarray(load_rgb(image))
    monkeypatch.setattr(colour, "STRIP_PIXELS", 100)
    assert (np.asarray(load_rgb(image)) == whole).all()
    assert (read_pixels(image) == whole).all()


def test_the_range_of_a_large_image_is_that_of_all_its_strips(monkeypatch):
    monkeypatch.setattr(colour, "STRIP_PIXELS", 4)
    values = np.zeros((4, 4), np.float32)
    values[3, 3] = 200
    assert read_pixels(Image.fromarray(values)).max() == 200
    values[1, 1] = np.nan
    with pytest.raises(ImageError, match="nan"):
        read_pixels(Image.fromarray(values))
