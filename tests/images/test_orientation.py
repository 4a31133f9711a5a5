"""The EXIF orientation, read from its own tag."""

import struct

import pytest
from PIL import Image

from melanoma_detect.images.orientation import orientation, turn_upright


def exif(order, kind, value):
    return (
        b"Exif\0\0" + {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IHHHI", 8, 1, 0x112, kind, 1) + value
    )


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "letter"), [(1, "B3x"), (3, "H2x"), (4, "I")])
def test_any_byte_order_and_integer_type(order, kind, letter):
    image = Image.new("RGB", (4, 3))
    image.info["exif"] = exif(order, kind, struct.pack(order + letter, 6))
    assert orientation(image) == 6
    assert turn_upright(image).size == (3, 4)


@pytest.mark.parametrize("content", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"nonsense", "text", None])
def test_damaged_metadata_leaves_the_image_as_it_is(content):
    image = Image.new("RGB", (4, 3))
    image.info["exif"] = content
    assert orientation(image) == 1


def test_xmp_is_asked_where_exif_has_none():
    image = Image.new("RGB", (4, 3))
    image.info["xmp"] = b'<rdf:Description tiff:Orientation="8"/>'
    assert orientation(image) == 8
