"""Temporary folders, in the folder that the system has for them: a missing or full one is an error that names the way out."""

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

from melanoma_detect.errors import OutputError
from melanoma_detect.utils.partial_paths import partial_path, remove_leftovers, remove_path

_NAME = "melanoma-detect"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_FULL_TEXT = "No space left on device"  # of libraries that pass on the system's message, but not its number


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Provide a temporary folder during a block; what killed processes have left of theirs is deleted.

    Yields:
        An empty folder that only this user can read.

    Raises:
        OutputError: There is no folder for temporary files, or its disk is full.

    Examples:
        >>> with temporary_folder() as folder:
        ...     folder.is_dir()
        True
        >>> folder.exists()
        False
    """
    try:
        root = Path(tempfile.gettempdir())
        remove_leftovers(root, _NAME)
        folder = partial_path(root / _NAME)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise _unusable(error) from error
    try:
        yield folder
    except OutputError:
        raise
    except Exception as error:
        if is_full(error):
            raise _unusable(error) from error
        raise
    finally:
        remove_path(folder)


def is_full(error: BaseException) -> bool:
    """Return whether a disk without room is what an error comes from.

    Args:
        error: Any error; libraries that write in C++ or HDF5 have others than OSError.

    Returns:
        Whether it is, or one of its causes.

    Examples:
        >>> is_full(OSError(errno.ENOSPC, "No space left on device")), is_full(ValueError("a shape"))
        (True, False)
    """
    number = error.errno if isinstance(error, OSError) else None
    found = number in _FULL or _FULL_TEXT.lower() in str(error).lower()
    before = error.__cause__ or error.__context__
    return found or (before is not None and is_full(before))


def _unusable(error: Exception) -> OutputError:
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    where = tempfile.tempdir or "there is no folder for temporary files"
    return OutputError(f"{where}: temporary files cannot be written ({reason}); name another folder by TMPDIR")
