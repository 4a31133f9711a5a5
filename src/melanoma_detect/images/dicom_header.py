"""The header of a DICOM file: how its pixels are stored, and whether it is a photograph of skin. Needs the extra `dicom`.

Of a header only the elements below are read. A damaged length may bring anything into one of them, so that messages show only
values that are known to be harmless: nothing of the patient reaches a message, a warning or a log.
"""

import contextlib
import io
import re
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import pydicom
from pydicom.datadict import DicomDictionary
from pydicom.filereader import read_dataset, read_preamble
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from melanoma_detect.errors import ImageError, MelanomaDetectError, NoImageError
from melanoma_detect.images.dicom_limits import LimitedReads, packed_limit
from melanoma_detect.images.frame_names import frame_name
from melanoma_detect.images.quiet_decoders import quiet_decoders

SOFTWARE = "melanoma-detect"  # the manufacturer in the files that this library writes

_IMAGE_PIXEL = {tag for tag in DicomDictionary if tag >> 16 == 0x0028}
_OTHERS = {
    0x00080008,  # Image Type
    0x00080016,  # SOP Class UID
    0x00080020,  # Study Date
    0x00080022,  # Acquisition Date
    0x00080023,  # Content Date
    0x00080060,  # Modality
    0x00080070,  # Manufacturer
    0x00081090,  # Manufacturer's Model Name
    0x00480105,  # Optical Path Sequence, which holds the colour profile of a dermoscopic image
    0x7FE00001,  # Extended Offset Table
    0x7FE00002,  # Extended Offset Table Lengths
}
_PIXEL_DATA = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
_CLASSES = "1.2.840.10008."  # of the standard; others are private
_PHOTOGRAPHS = {
    "1.2.840.10008.5.1.4.1.1.7",  # secondary captures
    "1.2.840.10008.5.1.4.1.1.7.2",
    "1.2.840.10008.5.1.4.1.1.7.3",
    "1.2.840.10008.5.1.4.1.1.7.4",
    "1.2.840.10008.5.1.4.1.1.77.1.4",  # photographs, also as video
    "1.2.840.10008.5.1.4.1.1.77.1.4.1",
    "1.2.840.10008.5.1.4.1.1.77.1.7",  # dermoscopy
}
_MODALITIES = {"XC", "DMS", "OT", ""}
_DIRECTORY = "1.2.840.10008.1.3.10"
_PLAIN = re.compile(r"[A-Z0-9]{1,16}")
_MAX_FRAMES = 10_000  # a file that says it has more is damaged, or a film
# What pydicom quotes in a message: names of elements and encodings pass, values with a digit, a caret or a comma do not.
_QUOTED = re.compile(r"'(?![A-Za-z][A-Za-z ()/-]{0,60}')[^']*'|\"[^\"]*\"", re.DOTALL)
_MAX_MESSAGE = 300  # characters
_lock = threading.Lock()
_reading: list[tuple[int, int]] = []  # the validation modes to return to, one for each thread that reads


@dataclass(frozen=True)
class DicomHeader:
    """What is known of a DICOM file before its pixels are decoded.

    Attributes:
        file: The open file; of a deflated one, its content.
        syntax: How it is encoded.
        dataset: The elements that describe the pixels.
        start: Where the pixels' element begins in the file.
        frames: How many frames it has.
        name: The file's name, for messages.
    """

    file: BinaryIO
    syntax: UID
    dataset: Any
    start: int
    frames: int
    name: str


@contextlib.contextmanager
def private_reading() -> Iterator[None]:
    """Read and copy with pydicom for the duration of a block, without a word of what a file holds.

    pydicom warns of, and logs, values that are not as the standard has them: of a patient's name too.

    Raises:
        ValueError: pydicom failed, which it does for damaged files with nearly any exception.

    Examples:
        >>> with private_reading():
        ...     raise LookupError("'Doe^Jane' is no number")
        Traceback (most recent call last):
        ValueError: '…' is no number
    """
    settings = pydicom.config.settings  # of the whole process: the last thread puts back what the first one found
    with _lock:
        _reading.append((settings.reading_validation_mode, settings.writing_validation_mode))
        settings.reading_validation_mode = settings.writing_validation_mode = pydicom.config.IGNORE
    try:
        with quiet_decoders():
            yield
    except (MelanomaDetectError, Warning):  # a warning that was turned into an error: the caller tries again without
        raise
    except Exception as error:  # noqa: BLE001
        raise ValueError(_harmless(str(error)) or type(error).__name__) from None
    finally:
        with _lock:
            before = _reading.pop()
            if not _reading:
                settings.reading_validation_mode, settings.writing_validation_mode = before


def _harmless(message: str) -> str:
    """Return a message without the values that it quotes."""
    plain = _QUOTED.sub("'…'", " ".join(message.split()))
    return plain if len(plain) <= _MAX_MESSAGE else f"{plain[:_MAX_MESSAGE]}…"


def read_header(file: BinaryIO, name: str) -> DicomHeader:
    """Read the header of a DICOM file, and check that it is a photograph.

    Args:
        file: The open file; it may lack the preamble that the standard asks for.
        name: Its name, for messages.

    Returns:
        The header.

    Raises:
        NoImageError: It is a table of contents, a report, a document, or a sheet that this library has drawn.
        ImageError: It is a video, or an image of another modality than XC, DMS and OT.
        ValueError: It is damaged.

    Examples:
        >>> read_header(io.BytesIO(b"no DICOM"), "a.dcm")
        Traceback (most recent call last):
        ValueError: it ends within its header
    """
    file.seek(0)
    limited: Any = LimitedReads(file)
    read_preamble(limited, force=True)
    meta = read_dataset(limited, False, True, stop_when=lambda tag, *_: tag >> 16 != 0x0002)
    syntax = UID(meta.get("TransferSyntaxUID") or _guess_syntax(file))
    if syntax.is_private or not syntax.is_transfer_syntax:
        raise ValueError("an unknown transfer syntax")
    if syntax == DeflatedExplicitVRLittleEndian:
        file, syntax = _inflate(file), ExplicitVRLittleEndian
        limited = LimitedReads(file)
    dataset = read_dataset(
        limited,
        syntax.is_implicit_VR,
        syntax.is_little_endian,
        stop_when=lambda tag, *_: tag in _PIXEL_DATA,
        specific_tags=sorted(_IMAGE_PIXEL | _OTHERS),
    )
    kind = str(dataset.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID") or "")
    start = file.tell()
    if "Rows" not in dataset and not kind and not file.read(1):
        raise ValueError("it ends within its header")
    _check_kind(dataset, kind, name)
    element, length = _pixel_element(file, start, syntax)
    if not element or not int(dataset.get("Rows") or 0) * int(dataset.get("Columns") or 0):
        called = f" ({_class_name(kind)})" if _class_name(kind) else ""
        # A photograph that was cut off is one that a person should hear of.
        kind_of_error = NoImageError if kind not in {*_PHOTOGRAPHS, ""} and "Rows" not in dataset else ImageError
        raise kind_of_error(f"{name}: a DICOM file without an image{called}; give a photograph of a lesion")
    if element != "PixelData":
        raise ValueError("floating-point pixels; expected whole numbers")
    return DicomHeader(file, syntax, dataset, start, _count_frames(dataset, syntax, length), name)


def describe_frame(header: DicomHeader, number: int) -> str:
    """Return the name of a frame, or of the file where it has only one.

    Args:
        header: The header of its file.
        number: The frame, from 1.

    Returns:
        The name, for messages.
    """
    return frame_name(header.name, number) if header.frames > 1 else header.name


def _guess_syntax(file: BinaryIO) -> str:
    """Return the encoding of a file that does not say it, by its first element."""
    start = file.tell()
    first = file.read(6)
    file.seek(start)
    if first[:2] == b"\x00\x08":
        return str(ExplicitVRBigEndian)
    return str(ExplicitVRLittleEndian if first[4:6].isalpha() and first[4:6].isupper() else ImplicitVRLittleEndian)


def _inflate(file: BinaryIO) -> BinaryIO:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    content = unpacker.decompress(file.read(), limit := packed_limit())
    if unpacker.unconsumed_tail:
        raise ValueError(f"more than {limit // 2**20} MiB of packed data")
    return io.BytesIO(content)


def _check_kind(dataset: Any, kind: str, name: str) -> None:
    """Raise ImageError for what is no photograph of skin by the file's own words."""
    if kind == _DIRECTORY:
        raise NoImageError(f"{name}: the table of contents of a DICOM medium; give the folder that its files are in")
    given = str(dataset.get("Modality") or "").strip().upper()
    modality = given if _PLAIN.fullmatch(given) or not given else "unknown"
    is_other = kind.startswith(_CLASSES) and kind not in _PHOTOGRAPHS
    if is_other and "Rows" not in dataset:
        raise NoImageError(
            f"{name}: a DICOM file without an image ({_class_name(kind)}); give a photograph of a lesion"
        )
    if is_other or modality not in _MODALITIES:
        what = ", ".join(filter(None, (modality and f"modality {modality}", _class_name(kind))))
        raise ImageError(
            f"{name}: a DICOM image of another kind ({what}); expected a photograph of skin: modality DMS (dermoscopy), XC "
            "(photograph) or OT"
        )
    image_type = dataset.get("ImageType") or [""]
    if str(dataset.get("Manufacturer") or "").strip() == SOFTWARE and "DERIVED" in image_type:
        raise NoImageError(f"{name}: a sheet that {SOFTWARE} has drawn; give the image that it was drawn from")


def _class_name(kind: str) -> str:
    """Return the name of a SOP class of the standard; empty for another."""
    name = UID(kind).name
    return "" if name == kind else name.removesuffix(" SOP Class").removesuffix(" Storage")


def _pixel_element(file: BinaryIO, start: int, syntax: UID) -> tuple[str, int]:
    """Return the keyword of the pixels' element, empty where there is none, and how many bytes its header says it has."""
    file.seek(start)
    head = file.read(12)
    order: Literal["little", "big"] = "little" if syntax.is_little_endian else "big"
    tag = int.from_bytes(head[:2], order) << 16 | int.from_bytes(head[2:4], order)
    length = head[4:8] if syntax.is_implicit_VR else head[8:12]
    return _PIXEL_DATA.get(tag, ""), int.from_bytes(length, order)


def _count_frames(dataset: Any, syntax: UID, length: int) -> int:
    """Return the number of frames; raise for one that the pixels contradict."""
    frames = int(dataset.get("NumberOfFrames") or 1)
    if not 1 <= frames <= _MAX_FRAMES:
        raise ValueError(f"a header that gives {frames} frames; expected 1 to {_MAX_FRAMES:,}")
    if not syntax.is_encapsulated and length < 0xFFFFFFFF:
        one = get_expected_length(dataset) // frames
        # Frames beyond the number in the header would go unseen. Missing ones are reported one by one.
        if one and length // one > frames:
            raise ValueError(f"a header that gives {frames} frames, and pixels of {length // one}")
    return frames
