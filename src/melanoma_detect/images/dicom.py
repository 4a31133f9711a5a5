"""DICOM photographs and dermoscopy as PIL images; needs the extra `dicom`."""

import io
import struct
from typing import Any, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.pixels import (
    apply_color_lut,
    apply_modality_lut,
    apply_voi_lut,
    as_pixel_options,
    convert_color_space,
    get_decoder,
)
from pydicom.uid import JPEG2000TransferSyntaxes

from melanoma_detect.errors import ImageError, NoImageError, SeveralFramesError
from melanoma_detect.images.colour import STRIP_PIXELS
from melanoma_detect.images.dicom_header import DicomHeader, describe_frame, private_reading, read_header
from melanoma_detect.images.dicom_limits import check_rle, decoded_bytes
from melanoma_detect.images.jpeg import MAX_SCANS, count_scans
from melanoma_detect.images.memory import check_bytes, check_size

_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_GREYS = ("MONOCHROME1", "MONOCHROME2")
# Of 8 bits Pillow decodes them; pydicom has no decoder for them under this project's licence.
_LOSSLESS = (pydicom.uid.JPEGLossless, pydicom.uid.JPEGLosslessSV1)
_EXTRA = "melanoma-detect[dicom]"
_WIDEST = 16  # bits a pixel
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # of JPEG, and of JPEG-LS
_ELEMENT_HEADER = 12  # bytes before the fragments of compressed pixels


def decode_dicom(file: BinaryIO, max_pixels: int, *, frame: int | None = None, name: str = "") -> Image.Image:
    """Decode an image of a DICOM file.

    Greyscale is shown by the file's own window or lookup table (PS3.3 C.11.2), where it has one; else all of its range is.

    Args:
        file: The open file.
        max_pixels: The largest number of pixels to decode.
        frame: Which frame, from 1; None for the only one.
        name: The file's name, for messages.

    Returns:
        An RGB or greyscale image of 8 bits, its colour profile in `info`.

    Raises:
        SeveralFramesError: It has several frames, and none is named.
        ImageError: It is no photograph (see `read_header`), has no such frame, or needs a decoder that is not installed.
        ValueError: The file is damaged, or has too large an image.

    Examples:
        >>> decode_dicom(io.BytesIO(b"no DICOM"), 100)
        Traceback (most recent call last):
        ValueError: it ends within its header
    """
    with private_reading():
        header = read_header(file, name)
        _check_size(header, max_pixels)
        number = _choose_frame(header, frame)
        image = Image.fromarray(_scale_to_uint8(header.dataset, _decode(header, number)))
        profile = _colour_profile(header.dataset)
    if profile:
        image.info["icc_profile"] = profile
    image.format = "DICOM"
    return image


def count_frames(file: BinaryIO, name: str) -> int:
    """Return how many frames a DICOM file has.

    Args:
        file: The open file.
        name: Its name, for messages.

    Returns:
        At least 1.

    Raises:
        ImageError: It is damaged, or no photograph.

    Examples:
        >>> count_frames(io.BytesIO(b"no DICOM"), "a.dcm")
        Traceback (most recent call last):
        melanoma_detect.errors.ImageError: a.dcm: cannot be decoded (it ends within its header); copy it again or remove it
    """
    try:
        with private_reading():
            return read_header(file, name).frames
    except ValueError as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{name}: cannot be decoded ({error}); copy it again or remove it") from None


def holds_image(file: BinaryIO, name: str) -> bool:
    """Return whether a DICOM file may hold an image to judge, by its header.

    Args:
        file: The open file.
        name: Its name.

    Returns:
        False for a report, a document, a table of contents, and a sheet that this library has drawn. True for an image that
        cannot be read, or of another kind than a photograph of skin: a person should hear of it.

    Examples:
        >>> holds_image(io.BytesIO(b"no DICOM"), "a.dcm")
        True
    """
    try:
        with private_reading():
            read_header(file, name)
    except NoImageError:
        return False
    except (ImageError, ValueError):
        return True
    return True


def _check_size(header: DicomHeader, max_pixels: int) -> None:
    rows, columns = int(header.dataset.Rows), int(header.dataset.Columns)
    if rows * columns > max_pixels:  # before decoding: the pixels may not fit in memory
        raise ValueError(f"{columns}×{rows} pixels, more than {max_pixels // 10**6} million")
    check_size((columns, rows), header.name)
    needed = decoded_bytes(header.dataset, is_jpeg_2000=header.syntax in JPEG2000TransferSyntaxes)
    check_bytes(needed, (columns, rows), header.name)


def _choose_frame(header: DicomHeader, frame: int | None) -> int:
    """Return the frame to decode: the one that is named, or the only one."""
    if frame is None and header.frames > 1:
        # The others may show another lesion: an answer from the first would be read as one for all.
        raise SeveralFramesError(
            f"{header.name}: a DICOM file of {header.frames} frames; name one, as in '{describe_frame(header, 1)}', or score "
            "the file, which gives each frame a row",
            header.frames,
        )
    if frame is not None and frame > header.frames:
        raise ImageError(f"{header.name}: names frame {frame}, and the file has {header.frames}; name one of them")
    return frame or 1


def _decode(header: DicomHeader, number: int) -> NDArray[Any]:
    """Return the stored values of a frame, `(height, width)` or `(height, width, 3)` in RGB."""
    kind = str(header.dataset.PhotometricInterpretation)
    if kind not in (*_COLOURS, *_GREYS, "PALETTE COLOR"):
        raise ValueError(f"colours as {kind}; expected {', '.join(_COLOURS)}, PALETTE COLOR or {' or '.join(_GREYS)}")
    by_pillow = header.syntax in _LOSSLESS and int(header.dataset.BitsAllocated) == 8
    if not by_pillow:
        _check_decoder(header, number)
    if header.syntax.is_encapsulated and header.syntax != pydicom.uid.RLELossless:
        stream = _stream(header, number)
        _check_stream(stream, header.dataset)
        if by_pillow:
            return _decode_lossless(stream, kind)
    elif header.syntax == pydicom.uid.RLELossless:
        check_rle(len(_stream(header, number)), header.dataset)
    try:
        return _decode_frame(header, number)
    except RuntimeError as error:
        raise _needs_extra(header, number, error) from error


def _decode_frame(header: DicomHeader, number: int) -> NDArray[Any]:
    """Return the values of a frame as pydicom's `pixel_array` does, which reads the header again, and converts all at once."""
    is_implicit = header.syntax.is_implicit_VR
    header.file.seek(header.start + 4)
    vr = {} if is_implicit else {"pixel_vr": header.file.read(2).decode("latin-1")}
    header.file.seek(header.start + (8 if is_implicit else _ELEMENT_HEADER))
    options: Any = as_pixel_options(header.dataset, transfer_syntax_uid=header.syntax, pixel_keyword="PixelData", **vr)
    values: NDArray[Any]
    values, found = get_decoder(header.syntax).as_array(
        header.file, index=number - 1, validate=True, as_rgb=False, **options
    )
    if (kind := str(found["photometric_interpretation"])) in ("YBR_FULL", "YBR_FULL_422"):
        rows = max(1, STRIP_PIXELS // values.shape[1])
        for top in range(0, len(values), rows):
            values[top : top + rows] = convert_color_space(values[top : top + rows], kind, "RGB")
    return values


def _stream(header: DicomHeader, number: int) -> bytes:
    """Return the compressed data of a frame."""
    header.file.seek(header.start + _ELEMENT_HEADER)
    offsets = header.dataset.get("ExtendedOffsetTable"), header.dataset.get("ExtendedOffsetTableLengths")
    extended = (bytes(offsets[0]), bytes(offsets[1])) if offsets[0] and offsets[1] else None
    frame: bytes = get_frame(header.file, number - 1, extended_offsets=extended, number_of_frames=header.frames)
    return frame


def _check_stream(stream: bytes, dataset: Any) -> None:
    """Raise ValueError where compressed data are cut off, or of another size than the header says."""
    # Cut off, JPEG 2000 is decoded with a part missing, and a JPEG-LS of a few kilobytes takes the decoder half a minute.
    if not stream.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise ValueError("compressed data that are cut off")
    width, height = _stream_size(stream)
    if (width, height) != (int(dataset.Columns), int(dataset.Rows)):  # before decoding: they may not fit in memory
        raise ValueError(f"data of {width}×{height} pixels in a header of {dataset.Columns}×{dataset.Rows}")
    if (scans := count_scans(stream)) > MAX_SCANS:
        raise ValueError(f"{scans} scans, which would take very long; expected at most {MAX_SCANS}")
    if (components := _components(stream)) not in (None, int(dataset.SamplesPerPixel)):
        raise ValueError(f"data of {components} channels in a header of {dataset.SamplesPerPixel}")
    kind = str(dataset.PhotometricInterpretation)
    # PS3.5 8.2.4: the header says by YBR_ICT and YBR_RCT that the data have a transform. Where they contradict each other,
    # either may be right, and the colours of a lesion would be wrong without a sign.
    if (
        kind.startswith("YBR")
        and (transform := _has_transform(stream)) is not None
        and transform != kind.endswith("CT")
    ):
        raise ValueError(f"colours as {kind} in JPEG 2000 data {'with' if transform else 'without'} a colour transform")


def _stream_size(stream: bytes) -> tuple[int, int]:
    """Return the width and height in a JPEG, JPEG-LS or JPEG 2000 stream."""
    if not stream.startswith(b"\xff\xd8") and (start := stream.find(b"\xff\x4f\xff\x51")) >= 0:  # JPEG 2000
        right, bottom, left, top = struct.unpack_from(">4I", stream, start + 8)
        return right - left, bottom - top
    place = 2
    while place + 9 <= len(stream) and stream[place] == 0xFF:
        marker = stream[place + 1]
        if marker in _FRAME_MARKERS:
            height, width = struct.unpack_from(">2H", stream, place + 5)
            return width, height
        place += 1 if marker == 0xFF else 2 + int.from_bytes(stream[place + 2 : place + 4], "big")
    raise ValueError("compressed data without a size")


def _components(stream: bytes) -> int | None:
    """Return how many channels a JPEG 2000 stream has, for each of which its decoder takes memory; None for another stream."""
    start = -1 if stream.startswith(b"\xff\xd8") else stream.find(b"\xff\x4f\xff\x51")
    return int.from_bytes(stream[start + 40 : start + 42], "big") if start >= 0 else None


def _has_transform(stream: bytes) -> bool | None:
    """Return whether a JPEG 2000 stream has a colour transform of its own; None for another stream."""
    start = -1 if stream.startswith(b"\xff\xd8") else stream.find(b"\xff\x4f\xff\x51")
    place = start + 2
    while start >= 0 and place + 9 <= len(stream):
        marker = stream[place : place + 2]
        if marker == b"\xff\x52":  # coding style: its sixth byte of content is the transform
            return bool(stream[place + 8])
        place += 2 + int.from_bytes(stream[place + 2 : place + 4], "big")
    return None


def _decode_lossless(stream: bytes, kind: str) -> NDArray[Any]:
    with Image.open(io.BytesIO(stream), formats=("JPEG",)) as image:
        values = np.asarray(image)
    return convert_color_space(values, "YBR_FULL", "RGB") if kind.startswith("YBR_FULL") else values


def _check_decoder(header: DicomHeader, number: int) -> None:
    """Raise ImageError where no decoder for these pixels is installed, or none exists."""
    name = describe_frame(header, number)
    try:
        decoder = get_decoder(header.syntax)
    except NotImplementedError:
        raise ImageError(
            f"{name}: a DICOM file stored as {header.syntax.name}, which is not read; expected single images, "
            "uncompressed or as JPEG, JPEG-LS, JPEG 2000 or RLE: export it in one of these"
        ) from None
    if not decoder.is_available:
        # Of more than 8 bits, lossless JPEG needs GDCM (BSD): the other decoder is under the GPL.
        needed = "python-gdcm" if header.syntax in _LOSSLESS else _EXTRA
        raise ImageError(f"{name}: {header.syntax.name} needs a decoder: pip install '{needed}'")


def _needs_extra(header: DicomHeader, number: int, error: RuntimeError) -> Exception:
    """Return the error to raise where every decoder failed: that one is missing, if one is, else what they said."""
    missing = get_decoder(header.syntax).missing_dependencies
    if header.syntax in _LOSSLESS or any("openjpeg" in each for each in missing):
        needed = "python-gdcm" if header.syntax in _LOSSLESS else _EXTRA
        return ImageError(
            f"{describe_frame(header, number)}: {header.syntax.name} of {header.dataset.BitsStored} bits needs another "
            f"decoder: pip install '{needed}'"
        )
    return error


def _colour_profile(dataset: Any) -> bytes | None:
    """Return the ICC profile: of the image, or of its optical path."""
    paths = dataset.get("OpticalPathSequence") or []
    profiles = [dataset.get("ICCProfile"), *(path.get("ICCProfile") for path in paths)]
    return next((bytes(profile) for profile in profiles if profile), None)


def _scale_to_uint8(dataset: Any, array: NDArray[Any]) -> NDArray[np.uint8]:
    kind, bits = str(dataset.PhotometricInterpretation), int(dataset.BitsStored)
    if array.dtype.kind not in "iu" or array.dtype.itemsize * 8 > _WIDEST:
        raise ValueError(f"pixels of {array.dtype.itemsize * 8} bits; expected at most {_WIDEST}")
    if kind in _COLOURS:
        if array.dtype.kind == "i":
            raise ValueError("signed colour values")
        if array.dtype == np.uint8 and bits == 8:
            return array
    # Each of the few possible values is converted once: millions of pixels as floats would take gigabytes.
    unsigned = np.dtype(f"u{array.dtype.itemsize}")
    values = np.arange(2 ** (8 * array.dtype.itemsize), dtype=np.uint32).astype(unsigned).view(array.dtype)
    table = _palette(dataset, values) if kind == "PALETTE COLOR" else _shades(dataset, values, kind, bits)
    return np.asarray(table[array.view(unsigned)])


def _palette(dataset: Any, values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the colour of each value, `(n, 3)`."""
    colours = apply_color_lut(values, dataset)
    # The number of bits in the table's descriptor may lie; its type does not.
    bits = min(int(dataset.RedPaletteColorLookupTableDescriptor[2]), 8 * colours.dtype.itemsize)
    return _rescale(colours, 0.0, 2.0**bits - 1)


def _shades(dataset: Any, values: NDArray[Any], kind: str, bits: int) -> NDArray[np.uint8]:
    """Return the shade of grey, or of one channel, that each value stands for, `(n,)`."""
    low, high = 0.0, 2.0**bits - 1
    if kind in _GREYS:
        values, low, high = _displayed(dataset, values)
    shades = _rescale(values, low, high)
    return np.uint8(255) - shades if kind == "MONOCHROME1" else shades  # 0 is white


def _rescale(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    scaled = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    return np.rint(scaled * 255).astype(np.uint8)


def _displayed(dataset: Any, array: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
    """Return grey values after the file's modality and display transformations, with the values of black and white."""
    bits = int(dataset.BitsStored)
    low, high = (
        (0.0, 2.0**bits - 1) if not int(dataset.PixelRepresentation) else (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1)
    )
    if table := dataset.get("ModalityLUTSequence"):
        low, high = 0.0, 2.0 ** int(table[0].LUTDescriptor[2]) - 1
    elif "RescaleSlope" in dataset and "RescaleIntercept" in dataset:
        slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
        low, high = sorted((low * slope + intercept, high * slope + intercept))
    shown = apply_voi_lut(apply_modality_lut(array, dataset), dataset)
    if table := dataset.get("VOILUTSequence"):
        low, high = 0.0, 2.0 ** int(table[0].LUTDescriptor[2]) - 1
    return shown, low, high
