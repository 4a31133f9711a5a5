"""When and with which camera an image was taken, by its EXIF or DICOM header. Nothing else of a header is read."""

import datetime as dt
import re
from typing import Any, BinaryIO, NamedTuple

from melanoma_detect.images.formats import File, open_file, open_image, source_name, split_frame
from melanoma_detect.images.frames import is_dicom
from melanoma_detect.images.orientation import read_exif
from melanoma_detect.images.quiet_decoders import quiet_decoders

_MAKE, _MODEL, _FOLDER, _TAKEN = 0x010F, 0x0110, 0x8769, 0x9003  # EXIF 2.32, tables 4 and 7
_PREFIX = 132  # bytes, of which DICOM's mark is the last four
_LONGEST = 64  # characters of a camera's name
_DAY = re.compile(r"(\d{4})[:-]?(\d{2})[:-]?(\d{2})(?!\d)")
_FIRST_YEAR = 1990  # a clock that was never set says 1970 or 1980


class Capture(NamedTuple):
    """When and with which camera an image was taken.

    Attributes:
        day: `2026-11-27`; empty where it is not known.
        camera: Manufacturer and model; empty where they are not known.
    """

    day: str = ""
    camera: str = ""


def read_capture(source: File) -> Capture:
    """Return when and with which camera an image was taken.

    Args:
        source: An image that could be read: a path, the bytes of a file, an open file, or a frame of one.

    Returns:
        The study or acquisition date of DICOM, the original date of EXIF; manufacturer and model. What is missing, damaged or
        impossible is empty: it never stops anything.

    Examples:
        >>> read_capture(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
        Capture(day='', camera='')
    """
    try:
        file_source, _ = split_frame(source)
        with quiet_decoders(), open_file(file_source) as file:
            file.seek(0)
            if is_dicom(file.read(_PREFIX)):
                return _from_dicom(file, source_name(file_source))
        with open_image(source) as image:
            if image.format == "PNG" and "exif" not in image.info:
                return Capture()  # it may stand after the pixels, which would have to be decoded again
            exif = read_exif(image)
            return Capture(plain_day(exif.get_ifd(_FOLDER).get(_TAKEN)), camera_name(exif.get(_MAKE), exif.get(_MODEL)))
    except Exception:  # noqa: BLE001 - the pixels were read: damaged metadata must not stop a run
        return Capture()


def plain_day(value: Any) -> str:
    """Return a date of a header as ISO 8601 has it.

    Args:
        value: Such as `20261127` or `2026:11:27 10:30:00`.

    Returns:
        `2026-11-27`; empty for no date, or one before 1990 or after tomorrow.

    Examples:
        >>> plain_day("2021:11:27 10:30:00"), plain_day("0000:00:00"), plain_day(None)
        ('2021-11-27', '', '')
    """
    found = _DAY.match(str(value or "").strip())
    if not found:
        return ""
    try:
        day = dt.date(*map(int, found.groups()))
    except ValueError:
        return ""
    tomorrow = dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1)
    return day.isoformat() if day.year >= _FIRST_YEAR and day <= tomorrow else ""


def camera_name(maker: Any, model: Any) -> str:
    r"""Return the name of a camera.

    Args:
        maker: Its manufacturer, as a header has it.
        model: Its model.

    Returns:
        At most 64 printable characters; empty where neither is known.

    Examples:
        >>> camera_name("Canon", "Canon EOS 80D"), camera_name("FotoFinder Systems", "medicam 1000\0"), camera_name(None, None)
        ('Canon EOS 80D', 'FotoFinder Systems medicam 1000', '')
    """
    first, second = (
        " ".join("".join(char if char.isprintable() else " " for char in str(part or "")[:200]).split())
        for part in (maker, model)
    )
    joined = second if second.lower().startswith(first.lower()) else f"{first} {second}"
    return joined.strip()[:_LONGEST].strip()


def _from_dicom(file: BinaryIO, name: str) -> Capture:
    from melanoma_detect.images.dicom_header import private_reading, read_header  # noqa: PLC0415 - an extra

    with private_reading():
        header = read_header(file, name).dataset
        taken = header.get("AcquisitionDate") or header.get("ContentDate") or header.get("StudyDate")
        return Capture(plain_day(taken), camera_name(header.get("Manufacturer"), header.get("ManufacturerModelName")))
