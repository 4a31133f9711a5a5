"""Frames of DICOM files: one of them, and how a file of several is split into them. Their names are those of `frame_names`."""

import contextlib
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from melanoma_detect.errors import ImageError
from melanoma_detect.images.frame_names import file_of, find_frame, frame_name, split_frame_name
from melanoma_detect.utils.regular_files import open_regular

__all__ = [
    "Frame",
    "file_of",
    "find_frame",
    "frame_name",
    "is_dicom",
    "is_document",
    "split_frame_name",
    "split_frames",
]

# A file without the preamble of 128 bytes begins with its first data element: of group 2, or of group 8.
_DICOM = re.compile(
    rb".{128}DICM|\x02\0\0\0UL\x04\0|\x08\0[\0\x05\x08\x16]\0(?:CS|UI|UL|..\0\0)|\0\x08\0[\0\x05\x08\x16](?:CS|UI|UL)",
    re.DOTALL,
)
_PREFIX_BYTES = 132


@dataclass(frozen=True)
class Frame:
    """One frame of a DICOM file that is given by its bytes or as an open file; of a path, write `"lesion.dcm#3"`.

    Attributes:
        source: The bytes of a DICOM file, or an open binary file.
        number: The frame, from 1.

    Examples:
        >>> Frame(b"the bytes of a file", 3).name
        'bytes#3'
    """

    source: bytes | BinaryIO
    number: int

    @property
    def name(self) -> str:
        """The file's name and the frame's number."""
        return frame_name(str(getattr(self.source, "name", "") or type(self.source).__name__), self.number)


def split_frames(source: Any) -> list[Any]:
    """Return the images that a source holds: each frame of a DICOM file of several, else the source itself.

    Args:
        source: What `images.reader.read_pixels` takes.

    Returns:
        At least one image to read: for a path `"lesion.dcm#1"` and so on, for bytes and open files a `Frame` each.

    Raises:
        ImageError: It is a DICOM file of several frames, and the extra `dicom` is not installed; or it is a damaged one.

    Examples:
        >>> len(split_frames(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"))
        1
    """
    is_path = isinstance(source, (str, os.PathLike))
    if is_path and (find_frame(source) or not Path(source).is_file()):
        return [source]
    if not is_path and not isinstance(source, (bytes, bytearray)) and not _can_seek(source):
        return [source]
    with open_regular(source, ImageError) if is_path else _opened(source) as file:
        file.seek(0)
        if not is_dicom(file.read(_PREFIX_BYTES)):
            return [source]
        from melanoma_detect.images.dicom import count_frames  # noqa: PLC0415 - an extra

        count = count_frames(file, os.fspath(source) if is_path else Frame(source, 1).name)
    if count == 1:
        return [source]
    numbers = range(1, count + 1)
    return [frame_name(os.fspath(source), n) if is_path else Frame(source, n) for n in numbers]


def is_dicom(prefix: bytes) -> bool:
    """Return whether a file is in DICOM format, by its first bytes.

    Args:
        prefix: The first 132 bytes.

    Returns:
        Whether it is, with or without the preamble that the standard asks for.

    Examples:
        >>> is_dicom(bytes(128) + b"DICM"), is_dicom(b"no")
        (True, False)
    """
    return bool(_DICOM.match(prefix))


def is_document(path: str) -> bool:
    """Return whether a file is a DICOM file without an image to judge: a report, a document, a sheet of this library.

    Args:
        path: The path of a file.

    Returns:
        Whether it is; False for a file in another format, for one that cannot be read, and without the extra `dicom`.

    Examples:
        >>> is_document(str(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"))
        False
    """
    try:
        with open_regular(path, ImageError) as file:
            if not is_dicom(file.read(_PREFIX_BYTES)):
                return False
            from melanoma_detect.images.dicom import holds_image  # noqa: PLC0415 - an extra

            return not holds_image(file, path)
    except (OSError, ImportError, ImageError):
        return False


def _can_seek(source: Any) -> bool:
    return bool(getattr(source, "seekable", None)) and bool(source.seekable())


def _opened(source: Any) -> Any:
    """Return a block that gives a file of these bytes, or this open file, which stays open."""
    return io.BytesIO(source) if isinstance(source, (bytes, bytearray)) else contextlib.nullcontext(source)
