"""What the DICOM files that this library writes take from the image: the patient, the study, and the reference to it."""

import contextlib
import os
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from melanoma_detect.errors import ImageError, MelanomaDetectError, OutputError
from melanoma_detect.images.dicom_header import private_reading
from melanoma_detect.images.dicom_limits import LimitedReads
from melanoma_detect.images.frames import find_frame, split_frame_name
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import check_output
from melanoma_detect.utils.paths import path_text
from melanoma_detect.utils.regular_files import open_regular

_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
# Type 2 of the standard: they must be there, and are empty where they are not known.
_MAY_BE_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate"),
    *("StudyTime", "ReferringPhysicianName"),
)
_NAMESPACE = uuid.UUID("5a0f6a52-6d3f-5c39-9f8e-8f2a4a5a0b61")


@dataclass(frozen=True)
class SourceImage:
    """The DICOM image that a report is about.

    Attributes:
        dataset: Its elements, without the pixels.
        frames: The frame that was judged, from 1; None for an image of one.
        path: Its file; empty for one that was given as a dataset.
    """

    dataset: Dataset
    frames: list[int] | None
    path: str = ""


@dataclass(frozen=True)
class Identity:
    """How a new file is identified.

    Attributes:
        series_uid: The UID of its series; None for a new one.
        series_number: The number of the series in the study.
        instance_number: The number of the file in the series.
        uid_prefix: The root of new UIDs, such as `"1.2.826.0.1.3680043.10.999."`; None for UIDs from random numbers (2.25).
    """

    series_uid: str | None = None
    series_number: int = 1
    instance_number: int = 1
    uid_prefix: str | None = None

    def new_uid(self) -> UID:
        """Return a UID that nothing else has.

        Raises:
            OutputError: The prefix is no root of UIDs.

        Examples:
            >>> Identity().new_uid()[:5]
            '2.25.'
        """
        try:
            return generate_uid(self.uid_prefix)
        except ValueError as error:
            raise OutputError(
                f"uid_prefix={self.uid_prefix!r}: not the root of UIDs ({error}); expected digits and dots, such as '1.2.3.'"
            ) from error

    @property
    def series(self) -> UID:
        """The UID of the series."""
        return UID(self.series_uid) if self.series_uid else self.new_uid()


def read_source(source: Any, judged: str, found_at: str = "") -> SourceImage:
    """Read the DICOM image that a report is about.

    Args:
        source: Its path or its pydicom dataset; None for the image that was judged.
        judged: The path or name of the image that was judged, which may name a frame.
        found_at: Where its file is, if that is known; the working folder may have changed since.

    Returns:
        The image, without its pixels.

    Raises:
        ImageError: It is no DICOM image, or has no UIDs: a report cannot be about it.

    Examples:
        >>> read_source(None, str(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"))
        Traceback (most recent call last):
        melanoma_detect.errors.ImageError: ...melanoma_5000.jpg: no DICOM image, and a DICOM report copies ...
    """
    dataset, path, name = source, "", "source"
    frame = split_frame_name(judged)
    if not isinstance(source, Dataset):
        place = path_text((found_at or judged) if source is None else source, ImageError)
        found = find_frame(place)
        path, frame, name = (found[0], found, place) if found else (place, frame, place)
        name = judged if source is None else name
        dataset = _read(path, name)
    missing = [keyword for keyword in _NEEDED if not dataset.get(keyword)]
    if missing:
        raise ImageError(f"{name}: no DICOM image that a report can name: it lacks {', '.join(missing)}")
    copied = Dataset()
    copied.update({element.tag: element for element in dataset if element.tag.group != 0x7FE0})
    for keyword in _MAY_BE_EMPTY:
        if keyword not in copied:
            setattr(copied, keyword, "")
    count = int(dataset.get("NumberOfFrames") or 1)
    if count > 1 and (frame is None or frame[1] > count):
        raise ImageError(f"{name}: a DICOM image of {count} frames; predict one of them by name, as in 'lesion.dcm#1'")
    return SourceImage(copied, [frame[1]] if count > 1 and frame else None, path)


def _read(path: str, name: str) -> Dataset:
    try:
        with private_reading(), open_regular(path, ImageError) as file:
            limited: Any = LimitedReads(file)
            dataset = pydicom.dcmread(limited, stop_before_pixels=True, force=True)
            has_class = bool(dataset.get("SOPClassUID"))
    except (OSError, ValueError):
        has_class = False
    if not has_class:
        raise ImageError(
            f"{name}: no DICOM image, and a DICOM report copies the patient and the study from one and names it by its UID; "
            "give the DICOM image of this lesion, as source=... or by predicting it"
        )
    return dataset


def stable_uid(*parts: str) -> UID:
    """Return the UID that always stands for the same texts.

    Args:
        *parts: The texts.

    Returns:
        A UID from a name-based UUID (RFC 9562, version 5).

    Examples:
        >>> stable_uid("a") == stable_uid("a"), stable_uid("a") == stable_uid("b")
        (True, False)
    """
    return UID(f"2.25.{uuid.uuid5(_NAMESPACE, chr(0).join(parts)).int}")


@contextlib.contextmanager
def copying(source: SourceImage) -> Iterator[None]:
    """Copy from a source for the duration of a block, in which nothing is said of the patient.

    Args:
        source: What is copied from.

    Raises:
        ImageError: It cannot be copied from.
    """
    name = source.path or "source"
    try:
        # highdicom warns of names without a caret, and quotes them.
        with private_reading(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MelanomaDetectError:
        raise
    except ValueError as error:
        raise ImageError(
            f"{name}: its patient and study cannot be copied ({error}); correct its header, or give another image of the study"
        ) from None


def check_report_output(out: "str | os.PathLike[str]", source: SourceImage, judged: str, *, overwrite: bool) -> Path:
    """Raise OutputError unless a DICOM file can be written to a path; see `check_output`.

    Args:
        out: The file.
        source: The image that it is about.
        judged: The path or name of the image that was judged.
        overwrite: Replace a file that is there; never the image.

    Returns:
        The path, with `~` expanded.

    Raises:
        OutputError: The file exists, is the image, or cannot be written.
    """
    named = split_frame_name(judged)
    inputs = [each for each in (source.path, judged, named[0] if named else "") if each]
    return check_output(out, overwrite=overwrite, inputs=inputs)


def write_dataset(dataset: Dataset, file: Path, *, overwrite: bool) -> None:
    """Write a DICOM file, whole or not at all.

    Args:
        dataset: What to write.
        file: From `check_report_output`.
        overwrite: Replace a file that is there.

    Raises:
        OutputError: It cannot be written.
    """
    with atomic_file(file, overwrite=overwrite) as partial:
        dataset.save_as(partial, enforce_file_format=True)
