"""Where a detector's file lies. Light: a slip is answered before NumPy is imported."""

from pathlib import Path

from melanoma_detect.errors import DetectorError

SUFFIX = ".detector"


def locate(path: Path) -> Path:
    """Return the detector's file, given itself or the run folder that holds it.

    Args:
        path: A file or a folder.

    Returns:
        The file.

    Raises:
        DetectorError: There is none, or the folder holds several.

    Examples:
        >>> detector.save("run/cnn.detector")
        >>> locate(Path("run")).name
        'cnn.detector'
    """
    if path.is_dir():
        found = sorted(path.glob(f"*{SUFFIX}"))
        if len(found) != 1:
            names = ", ".join(file.name for file in found) or "none"
            raise DetectorError(f"{path}: expected one file *{SUFFIX} in this folder, found {names}; name the file")
        return found[0]
    if not path.is_file():
        raise DetectorError(f"{path}: no such detector; train one with 'melanoma-detect train', or check the path")
    return path
