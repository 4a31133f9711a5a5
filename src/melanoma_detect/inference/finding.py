"""Where a detector's file lies. Light: a slip is answered before NumPy is imported."""

from pathlib import Path

from melanoma_detect.errors import DetectorError

SUFFIX = ".detector"
SHIPPED = Path(__file__).parents[1] / "shipped" / f"default{SUFFIX}"


def locate(path: Path | None) -> Path:
    """Return the detector's file, given itself or the run folder that holds it.

    Args:
        path: A file or a folder; None for the default detector, which comes with the library.

    Returns:
        The file.

    Raises:
        DetectorError: There is none, or the folder holds several.

    Examples:
        >>> detector.save("run/cnn.detector")
        >>> locate(Path("run")).name
        'cnn.detector'
        >>> locate(None).name
        'default.detector'
    """
    if path is None:
        if not SHIPPED.is_file():
            raise DetectorError(
                f"{SHIPPED}: the default detector is missing; install melanoma-detect again, or name a detector"
            )
        return SHIPPED
    if path.is_dir():
        found = sorted(path.glob(f"*{SUFFIX}"))
        if len(found) != 1:
            names = ", ".join(file.name for file in found) or "none"
            raise DetectorError(f"{path}: expected one file *{SUFFIX} in this folder, found {names}; name the file")
        return found[0]
    if not path.is_file():
        raise DetectorError(f"{path}: no such detector; train one with 'melanoma-detect train', or check the path")
    return path
