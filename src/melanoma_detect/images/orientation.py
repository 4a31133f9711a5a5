"""The orientation of a camera's image, from its EXIF metadata."""

import struct

from PIL import Image

from melanoma_detect.images.tags import check_tags

_TAG = 0x0112
_PREFIX = b"Exif\0\0"
_FORMATS = {1: "B", 3: "H", 4: "I"}  # struct's letters for the EXIF types byte, short and long
_ENTRY = 12  # bytes
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(image: Image.Image) -> int:
    """Return an image's EXIF orientation, whatever else is damaged in its metadata.

    Args:
        image: A PIL image.

    Returns:
        1 to 8 (EXIF 2.32, 4.6.4, tag 0x0112); 1 where there is none, or one that does not exist. From 5 on, width and height
        are swapped.

    Examples:
        >>> orientation(Image.new("RGB", (4, 3)))
        1
    """
    found = _read_tag(image.info.get("exif"))
    if found is None:
        try:
            found = int(read_exif(image).get(_TAG, 1))  # from XMP too, and as TIFF and older PNG files hold it
        except Exception:  # noqa: BLE001 - damaged metadata, for which Pillow raises nearly anything, says nothing about pixels
            found = 1
    return found if found in _TURNS else 1


def read_exif(image: Image.Image) -> Image.Exif:
    """Return an image's EXIF metadata, as Pillow reads them.

    Args:
        image: A PIL image; a PNG is decoded, since it may hold them after its pixels.

    Returns:
        The metadata.

    Raises:
        ValueError: Their tags stand for far more bytes than there are. Where they are damaged, Pillow raises nearly anything.

    Examples:
        >>> len(read_exif(Image.new("RGB", (4, 3))))
        0
    """
    if image.format == "PNG":
        image.load()
    content = image.info.get("exif") or bytes.fromhex("".join(_text(image).split("\n")[3:]))
    if isinstance(content, bytes):
        check_tags(content)
    return image.getexif()


def _text(image: Image.Image) -> str:
    """Return EXIF metadata as older PNG files hold them: in hexadecimal digits, after three lines."""
    return str(image.info.get("Raw profile type exif") or "")


def turn_upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation. Pillow's own function writes the metadata anew, and fails where a tag of it is damaged.

    Args:
        image: A PIL image.

    Returns:
        The image itself, or a turned copy.

    Examples:
        >>> turn_upright(Image.new("RGB", (4, 3))).size
        (4, 3)
    """
    turn = _TURNS.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def _read_tag(exif: object) -> int | None:
    """Return the orientation in EXIF data; None where it is not found. Other tags are not read, since they may be damaged."""
    if not isinstance(exif, bytes):
        return None
    data = exif.removeprefix(_PREFIX)
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        for place in range(start + 2, start + 2 + count * _ENTRY, _ENTRY):
            tag, kind, _ = struct.unpack_from(f"{order}HHI", data, place)
            if tag == _TAG and kind in _FORMATS:
                return int(struct.unpack_from(f"{order}{_FORMATS[kind]}", data, place + 8)[0])
    except struct.error:
        return None
    return None
