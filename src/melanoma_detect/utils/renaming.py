"""What is written gets its name when it is on the disk, so that there is always the old or the new."""

import contextlib
import ctypes
import errno
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from melanoma_detect.utils.partial_paths import partial_path, remove_path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)  # what a flush says of data that has not reached the disk
_FEW_FILES = 200  # that are flushed one by one
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def flush(path: Path) -> None:
    """Wait until a file, or every file of a folder, is on the disk: a power cut after its renaming does not empty it.

    Args:
        path: The file or folder.

    Raises:
        OSError: The disk is full or broken; some systems say so only now.

    Examples:
        >>> Path("a.txt").touch()
        >>> flush(Path("a.txt"))
    """
    if not path.is_dir():
        _flush_file(path)
        return
    files = [Path(folder, name) for folder, _, names in os.walk(path) for name in names]
    if len(files) > _FEW_FILES and hasattr(os, "sync"):
        os.sync()
        return
    for file in files:
        _flush_file(file)


def _flush_file(path: Path) -> None:
    if path.is_symlink() or not path.is_file():
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:  # Windows flushes no file that is open for reading, and some file systems none
        if error.errno in _FULL:
            raise
    finally:
        os.close(descriptor)


def replace_folder(new: Path, path: Path) -> None:
    """Put a folder in the place of another one, which is then deleted.

    Linux exchanges the two in one step. Elsewhere the old one is moved away first, and a process that is killed in between is
    made up for by `remove_leftovers`, which moves it back.

    Args:
        new: The complete folder.
        path: Its place, where an older one may be.

    Raises:
        OSError: It cannot be renamed; the old one is in its place then.

    Examples:
        >>> Path("new").mkdir()
        >>> replace_folder(Path("new"), Path("run"))
        >>> Path("run").is_dir()
        True
    """
    if os.path.lexists(path) and _exchange(new, path):
        remove_path(new)  # the old one
        return
    old = partial_path(path, "replaced")
    with contextlib.suppress(FileNotFoundError):
        path.rename(old)
    try:
        new.rename(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            old.rename(path)
        raise
    remove_path(old)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two paths in one step, and return whether the system could."""
    function = _exchange_function()
    if function is None:
        return False
    done = function(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return bool(done == 0)


@functools.cache
def _exchange_function() -> "Callable[..., Any] | None":
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "renameat2", None)
