"""Detectors on the command line: the one that is loaded, with the settings that the options ask for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import melanoma_detect as md


def load_detector(
    path: Path | None,
    sensitivity: float | None,
    target: str | None,
    views: int | None,
    image_type: str | None = None,
    *,
    threads: int | None = None,
    trusted_keys: Sequence[Path] | None = None,
) -> "md.Detector":
    """Load a detector and apply the options of the command line.

    Args:
        path: Its file or run folder; None for the default detector.
        sensitivity: See `Detector.at`; None for the detector's own.
        target: See `Detector.at`; None for the detector's own.
        views: See `Detector.at`; None for the detector's own.
        image_type: See `Detector.at`; None for the detector's own.
        threads: Threads in one call of the model; None for every core.
        trusted_keys: See `Detector.load`.

    Returns:
        The detector.

    Raises:
        DetectorError: There is no such detector, or it does not support an option.
    """
    loaded = md.Detector.load(path, threads=threads, trusted_keys=trusted_keys or None)
    if sensitivity is None and target is None and views is None and image_type is None:
        return loaded
    return loaded.at(
        sensitivity=sensitivity, target=cast("Any", target), views=views, image_type=cast("Any", image_type)
    )


def detector_files(detector: Path | None) -> list[Path]:
    """Return the files of a detector that a command reads, which no command overwrites.

    Args:
        detector: Its file or run folder; None for the default detector.

    Returns:
        The files; none of them need exist.

    Examples:
        >>> detector_files(Path("cnn.detector"))
        [PosixPath('cnn.detector')]
    """
    if detector is None:
        return []
    return [*detector.glob("*.detector")] if detector.is_dir() else [detector]


def check_detector(detector: Path | None) -> None:
    """Raise DetectorError unless a detector's file is there; reads nothing of it.

    Args:
        detector: Its file or run folder; None for the default detector.

    Raises:
        DetectorError: There is no such file.
    """
    from melanoma_detect.inference.bundle import find_file  # noqa: PLC0415 - --help stays fast

    find_file(detector)
