"""TIFF files that Pillow would decode wrongly: corrected where that is possible, else refused."""

import threading
from typing import BinaryIO

import numpy as np
from PIL import Image, ImagePalette, TiffImagePlugin

from melanoma_detect.images.containers import check_length
from melanoma_detect.images.memory import tag_number
from melanoma_detect.images.quiet_decoders import silence_libtiff
from melanoma_detect.images.tags import MAX_PARTS, check_tags

_SUBFILE_TYPE, _BITS, _PHOTOMETRIC, _PLANAR, _COLORMAP, _SAMPLE_FORMAT = 254, 258, 262, 284, 320, 339
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_REDUCED_OR_MASK = 1 | 4  # bits of NewSubfileType
_WHITE_IS_ZERO, _SEPARATE_PLANES, _SIGNED = 0, 2, 2
_LOCK = threading.Lock()


def open_tiff(file: BinaryIO) -> Image.Image:
    """Open a TIFF file without decoding it; see `check_tiff`.

    Args:
        file: The open file.

    Returns:
        The image of its first page.

    Raises:
        ValueError: Pillow would decode it wrongly.

    Examples:
        >>> import io
        >>> file = io.BytesIO()
        >>> Image.new("L", (4, 3)).save(file, "TIFF")
        >>> open_tiff(file).size
        (4, 3)
    """
    silence_libtiff()
    check_tags(file)
    check_length("TIFF", file)
    file.seek(0)
    image = TiffImagePlugin.TiffImageFile(file, "")
    if _has_separate_planes(image) and not image.use_load_libtiff:
        image = _open_by_libtiff(file)
    check_tiff(image)
    return image


def check_tiff(image: Image.Image) -> None:
    """Raise ValueError if this is an image of a TIFF file that Pillow decodes to wrong pixels.

    A colour table of 8-bit values, which Pillow would divide by 256, is corrected in place.

    Args:
        image: A PIL image, decoded or not; images of other formats pass.

    Raises:
        ValueError: Its first page is a thumbnail or a mask, its values are signed, or Pillow cannot decode its layout.

    Examples:
        >>> check_tiff(Image.new("RGB", (4, 3)))
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    tags = image.tag_v2
    if int(tags.get(_SUBFILE_TYPE, 0)) & _REDUCED_OR_MASK:
        raise ValueError("its first page is a thumbnail or a mask; save the image itself as the first page")
    if (parts := _count_tiles(image)) > MAX_PARTS:
        raise ValueError(f"{parts:,} tiles; expected at most {MAX_PARTS:,}: save it with larger ones, or as PNG")
    if _has_separate_planes(image) and (not image.use_load_libtiff or image.mode in ("LA", "La")):
        raise ValueError(
            "separate colour planes (PlanarConfiguration 2) in this layout; save it with interleaved channels"
        )
    if _SIGNED in tags.get(_SAMPLE_FORMAT, ()) and tags.get(_BITS, (1,))[0] < 32:
        raise ValueError("signed values, whose black and white are not known; save it as unsigned")
    if image.mode in ("I", "F") and image.use_load_libtiff and tags.prefix == b"MM":
        raise ValueError("compressed 32-bit values in big-endian order; save it without compression")
    if image.mode == "F" and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        raise ValueError("inverted floating-point values (WhiteIsZero); save it with black as zero")
    colours = tags.get(_COLORMAP, ())
    # The specification asks for 16-bit values; libtiff too takes a table that never exceeds 255 for one of 8 bits.
    if image.mode in ("P", "PA") and image.tile and colours and max(colours) < 256:
        image.palette = ImagePalette.raw("RGB;L", bytes(colours))


def correct_values(image: Image.Image) -> Image.Image:
    """Return a decoded image with 16-bit values from black to white: Pillow ignores inversion and 12-bit depth there.

    Args:
        image: A decoded PIL image of any format.

    Returns:
        The same image, or a corrected one in mode `"I;16"`.

    Examples:
        >>> correct_values(Image.new("L", (4, 3), 7)).getpixel((0, 0))
        7
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image).astype(np.uint16)
    if image.tag_v2.get(_BITS, (16,))[0] == 12:
        values = values * np.uint16(16) + values // np.uint16(256)  # 4,095 becomes 65,535
    if image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        values = np.uint16(65535) - values
    corrected = Image.fromarray(values)
    corrected.info = image.info
    return corrected


def _count_tiles(image: TiffImagePlugin.TiffImageFile) -> int:
    """Return how many tiles the decoder goes through: of one pixel each, they take it minutes."""
    width, height = (tag_number(image.tag_v2, tag) for tag in (_TILE_WIDTH, _TILE_LENGTH))
    if width < 1 or height < 1:
        return 0
    planes = len(image.getbands()) if _has_separate_planes(image) else 1
    return -(-image.width // width) * -(-image.height // height) * planes


def _has_separate_planes(image: TiffImagePlugin.TiffImageFile) -> bool:
    return bool(image.tag_v2.get(_PLANAR) == _SEPARATE_PLANES)


def _open_by_libtiff(file: BinaryIO) -> TiffImagePlugin.TiffImageFile:
    """Open a file for libtiff, which decodes separate planes of any depth; Pillow's own decoder takes them for 8 bits."""
    with _LOCK:  # Pillow has this choice only for the whole process; images opened meanwhile get the same pixels
        before, TiffImagePlugin.READ_LIBTIFF = TiffImagePlugin.READ_LIBTIFF, True
        try:
            file.seek(0)
            return TiffImagePlugin.TiffImageFile(file, "")
        finally:
            TiffImagePlugin.READ_LIBTIFF = before
