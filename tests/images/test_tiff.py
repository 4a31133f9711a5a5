"""TIFF files of every layout, written by tifffile: the stored image, or an error that says why it is not read."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import read_pixels

IMAGE = md.draw_lesion("melanoma", seed=5, size=64).pixels[:48].copy()
IMAGE[:6] = 7  # no image that could be turned without being noticed
GREY, ALPHA = IMAGE[..., 1], np.full((48, 64, 1), 128, np.uint8)
RGBA, GREY_RGB = np.dstack([IMAGE, ALPHA]), np.repeat(GREY[..., None], 3, axis=2)
CMYK = np.dstack([255 - IMAGE, np.zeros_like(ALPHA)])
RAMP = np.arange(256, dtype=np.uint16)
COLOURS = np.stack([RAMP, RAMP[::-1], RAMP])


def over_white(image):
    return np.rint(image * (128 / 255) + 255 * (127 / 255)).astype(np.uint8)


def wide(values):
    return values.astype(np.uint16) * np.uint16(257)


def planes(values):
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def encoded(values, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, values, metadata=None, **options)
    return file.getvalue()


RGB, SEPARATE = {"photometric": "rgb"}, {"photometric": "rgb", "planarconfig": "separate"}
READ = {
    "grey": (GREY, {"photometric": "minisblack"}, GREY_RGB),
    "inverted grey": (255 - GREY, {"photometric": "miniswhite"}, GREY_RGB),
    "16-bit grey": (wide(GREY), {"photometric": "minisblack"}, GREY_RGB),
    "inverted 16-bit grey": (65535 - wide(GREY), {"photometric": "miniswhite"}, GREY_RGB),
    "float grey": (GREY / np.float32(255), {"photometric": "minisblack"}, GREY_RGB),
    "32-bit grey of 8 bits": (GREY.astype(np.uint32), {"photometric": "minisblack"}, GREY_RGB),
    "RGB": (IMAGE, RGB, IMAGE),
    "RGB in planes": (planes(IMAGE), SEPARATE, IMAGE),
    "16-bit RGB": (wide(IMAGE), RGB, IMAGE),
    "16-bit RGB in planes": (planes(wide(IMAGE)), SEPARATE, IMAGE),
    "alpha": (RGBA, RGB | {"extrasamples": ["unassalpha"]}, over_white(IMAGE)),
    "alpha in planes": (planes(RGBA), SEPARATE | {"extrasamples": ["unassalpha"]}, over_white(IMAGE)),
    "16-bit alpha in planes": (planes(wide(RGBA)), SEPARATE | {"extrasamples": ["unassalpha"]}, over_white(IMAGE)),
    "no alpha, a fourth channel": (RGBA, RGB | {"extrasamples": ["unspecified"]}, IMAGE),
    "premultiplied": (np.dstack([np.rint(IMAGE * (128 / 255)).astype(np.uint8), ALPHA]),
                      RGB | {"extrasamples": ["assocalpha"]}, over_white(IMAGE)),
    "premultiplied grey": (np.dstack([np.rint(GREY * (128 / 255)).astype(np.uint8), ALPHA]),
                           {"photometric": "minisblack", "extrasamples": ["assocalpha"], "planarconfig": "contig"},
                           over_white(GREY_RGB)),
    "CMYK": (CMYK, {"photometric": "separated"}, IMAGE),
    "16-bit CMYK in planes": (planes(wide(CMYK)), {"photometric": "separated", "planarconfig": "separate"}, IMAGE),
    "palette": (GREY, {"photometric": "palette", "colormap": COLOURS * 257}, COLOURS.T[GREY]),
    "palette of 8 bits": (GREY, {"photometric": "palette", "colormap": COLOURS}, COLOURS.T[GREY]),
    "two pages": (np.stack([IMAGE, 255 - IMAGE]), RGB, IMAGE),
    "tiles": (planes(wide(IMAGE)), SEPARATE | {"tile": (16, 16)}, IMAGE),
    "BigTIFF": (wide(IMAGE), RGB | {"bigtiff": True}, IMAGE),
    "compressed": (planes(wide(IMAGE)), SEPARATE | {"compression": "zlib"}, IMAGE),
}  # fmt: skip
REFUSED = {
    "inverted floats": (GREY / np.float32(255), {"photometric": "miniswhite"}, "WhiteIsZero"),
    "signed bytes": ((GREY // 2).astype(np.int8), {"photometric": "minisblack"}, "signed"),
    "signed 16 bits": (GREY.astype(np.int16), {"photometric": "minisblack"}, "signed"),
    "32 bits": (GREY.astype(np.uint32) * 65536, {"photometric": "minisblack"}, "expected 0 to 65535"),
    "grey and alpha in planes": (planes(np.dstack([GREY, ALPHA])), {"photometric": "minisblack", "planarconfig": "separate",
                                 "extrasamples": ["unassalpha"], "compression": "zlib"}, "separate colour planes"),
    "a thumbnail": (IMAGE, RGB | {"subfiletype": 1}, "thumbnail"),
}  # fmt: skip


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("name", READ)
def test_the_stored_image_is_read(name, byteorder):
    values, options, expected = READ[name]
    file = encoded(values, byteorder=byteorder, **options)
    try:
        pixels = read_pixels(file)
    except ImageError:  # Pillow refuses some layouts in big-endian order
        assert byteorder == ">"
        return
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_rightly_is_refused(name, tmp_path):
    values, options, message = REFUSED[name]
    (tmp_path / "scan.tif").write_bytes(encoded(values, **options))
    with pytest.raises(ImageError, match=message) as caught:
        read_pixels(tmp_path / "scan.tif")
    assert "scan.tif" in str(caught.value)


def test_a_tiff_that_the_user_opened_is_checked_too():
    with Image.open(io.BytesIO(encoded(planes(wide(IMAGE)), **SEPARATE))) as opened, pytest.raises(ImageError):
        read_pixels(opened)
    with Image.open(io.BytesIO(encoded(65535 - wide(GREY), photometric="miniswhite"))) as opened:
        assert np.abs(read_pixels(opened).astype(int) - GREY_RGB).max() <= 1


def test_twelve_bits_reach_white():
    # Two pixels, 0 and 4,095, as 12 bits each: tifffile does not write this depth.
    tags = [(256, 2), (257, 1), (258, 12), (259, 1), (262, 1), (273, 200), (277, 1), (278, 1), (279, 3)]
    entries = b"".join(tag.to_bytes(2, "little") + b"\3\0\1\0\0\0" + value.to_bytes(4, "little") for tag, value in tags)
    file = b"II*\0\x08\0\0\0" + len(tags).to_bytes(2, "little") + entries + bytes(4)
    assert read_pixels(file.ljust(200, b"\0") + b"\x00\x0f\xff")[0, :, 0].tolist() == [0, 255]
