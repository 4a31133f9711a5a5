"""Locks between processes: two of them do not write one file or folder at the same time."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no flock: there, two processes that write the same are not noticed
    fcntl = None  # type: ignore[assignment]

_BUSY = (errno.EAGAIN, errno.EACCES)


@contextlib.contextmanager
def exclusive(path: Path, busy: Callable[[], Exception] | None = None) -> Iterator[None]:
    """Hold a lock file during a block; the system releases it when the process ends, however it ends.

    Args:
        path: The lock file. It is deleted at the end of the block.
        busy: Returns the error to raise where another process holds the lock. None waits until that one is done.

    Raises:
        OSError: The lock file cannot be made; or what `busy` returns.

    Examples:
        >>> with exclusive(Path("scores.lock")):
        ...     Path("scores.lock").exists()
        True
        >>> Path("scores.lock").exists()
        False
    """
    descriptor = _acquire(path, busy) if fcntl else -1
    try:
        yield
    finally:
        if descriptor >= 0 and _is_at(path, descriptor):  # while it is held: nobody else can hold a file of this name
            with contextlib.suppress(OSError):
                path.unlink()
        if descriptor >= 0:
            os.close(descriptor)


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Let processes that would write one file or folder of a cache do it one after the other.

    Where there can be no lock, as in a folder that is read-only, the block runs without one.

    Args:
        path: The file or folder.

    Examples:
        >>> with one_at_a_time(Path("balanced")):
        ...     pass
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive(lock_path(path)))
        yield


def lock_path(path: Path) -> Path:
    """Return the lock file of a file or folder, hidden beside it.

    Args:
        path: The file or folder.

    Returns:
        The lock file's path.

    Examples:
        >>> lock_path(Path("runs/mine")).name
        '.mine.lock'
    """
    return path.with_name(f".{path.name}.lock")


def _acquire(path: Path, busy: Callable[[], Exception] | None) -> int:
    """Return the descriptor of the locked file that has the path; one that was deleted in between locks nothing."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        descriptor = os.open(path, flags, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except OSError as error:
            if busy and error.errno in _BUSY:
                os.close(descriptor)
                raise busy() from None
            return descriptor  # a file system without locks: better without one than not at all
        except BaseException:
            os.close(descriptor)
            raise
        if _is_at(path, descriptor):
            return descriptor
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))  # noqa: PTH116
    except OSError:
        return False
