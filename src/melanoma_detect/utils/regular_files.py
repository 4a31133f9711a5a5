"""Files that users give, opened only where they are regular files: a pipe would hang, a device may never end.

Python's own `open` waits at a named pipe until something is written to it, and reads `/dev/zero` until memory is full.
"""

import io
import os
import stat

from melanoma_detect.errors import MelanomaDetectError

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: "str | os.PathLike[str]", error: type[MelanomaDetectError]) -> io.BufferedReader:
    """Open a file to read its bytes, if it is a regular one. It never waits.

    Args:
        path: The file; a link is followed.
        error: What is raised for a path that is no regular file.

    Returns:
        The open file.

    Raises:
        MelanomaDetectError: It is a named pipe, a socket or a device, which is not opened; of the class `error`.
        OSError: It cannot be opened: it is missing, a folder, a link that leads to itself, or unreadable.

    Examples:
        >>> from melanoma_detect.errors import DatasetError
        >>> with open_regular(isic9 / "metadata.csv", DatasetError) as file:
        ...     file.read(8)
        b'image_id'
    """
    check_regular(path, error)
    file = open(path, "rb", opener=_open)  # noqa: SIM115 - the caller closes it
    try:
        _check(os.fstat(file.fileno()), path, error)
    except MelanomaDetectError:
        file.close()
        raise
    return file


def check_regular(path: "str | os.PathLike[str]", error: type[MelanomaDetectError]) -> None:
    """Raise an error for what is neither a regular file nor a folder, without opening it.

    Args:
        path: The path; a link is followed.
        error: What is raised.

    Raises:
        MelanomaDetectError: It is a named pipe, a socket or a device; of the class `error`.
        OSError: There is nothing, or a link that leads to itself.

    Examples:
        >>> from melanoma_detect.errors import DatasetError
        >>> check_regular(isic9, DatasetError)
    """
    _check(os.stat(path), path, error)  # noqa: PTH116 - for each file, and for images that are stretched back


def _open(path: str, flags: int) -> int:
    # For a regular file this changes nothing. A path that has become a pipe after the first look does not hang.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check(status: os.stat_result, path: "str | os.PathLike[str]", error: type[MelanomaDetectError]) -> None:
    if (kind := stat.S_IFMT(status.st_mode)) in _KINDS:
        raise error(
            f"{os.fspath(path)}: is {_KINDS[kind]}, which is not opened; expected a regular file: write what it holds into one"
        )
