"""Names of the frames of DICOM files: `lesion.dcm#3` is the third of `lesion.dcm`.

Frames are counted from 1, as DICOM itself refers to them.
"""

import os
import re

_NAMED = re.compile(r"(?P<file>.+)#(?P<number>[1-9][0-9]{0,8})", re.DOTALL)


def frame_name(file: str, number: int) -> str:
    """Return the name of a frame.

    Args:
        file: The file's path or name.
        number: The frame, from 1.

    Returns:
        What `predict`, `score` and tables of paths take.

    Examples:
        >>> frame_name("lesion.dcm", 3)
        'lesion.dcm#3'
    """
    return f"{file}#{number}"


def split_frame_name(name: str) -> tuple[str, int] | None:
    """Return the file and the number in a frame's name, whether or not there is such a file.

    Args:
        name: A path, an address or another name.

    Returns:
        The name of the file, and the frame's number from 1; None for a name that has no number.

    Examples:
        >>> split_frame_name("lesion.dcm#3"), split_frame_name("lesion.dcm") is None
        (('lesion.dcm', 3), True)
    """
    match = _NAMED.fullmatch(name) if "#" in name else None
    return (match["file"], int(match["number"])) if match else None


def find_frame(path: "str | os.PathLike[str]") -> tuple[str, int] | None:
    """Return the file and the number of the frame that a path names.

    Args:
        path: A path.

    Returns:
        The path of the file, and the frame's number from 1; None where a file has this very name, and where none is there.

    Examples:
        >>> find_frame("nowhere.dcm#3") is None
        True
    """
    name = os.fspath(path)
    named = split_frame_name(name) if isinstance(name, str) else None
    if named is None or os.path.lexists(name) or not os.path.lexists(named[0]):
        return None
    return named


def file_of(path: "str | os.PathLike[str]") -> str:
    """Return the file that a path leads to, whether or not it names a frame in it.

    Args:
        path: A path.

    Returns:
        The path of the file.

    Examples:
        >>> file_of("nowhere.jpg")
        'nowhere.jpg'
    """
    named = find_frame(path)
    return named[0] if named else os.fspath(path)
