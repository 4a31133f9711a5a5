"""Decoded images in a file of the cache folder, for data sets that do not fit in memory.

The file is written, not mapped: a full disk is then an error, and not the signal that kills a process which writes to a part of
a map that has no place on the disk. For the same reason no process maps the cached file itself, which another program may cut:
it maps a copy of its own that has no name, which nobody else can open, and which is gone when the process ends, however it
ends. Where the file system can, such a copy shares its blocks with the file and takes neither time nor space.
"""

import contextlib
import errno
import hashlib
import io
import math
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import PIL

from melanoma_detect.errors import OutputError
from melanoma_detect.images.reader import Pixels, Resize
from melanoma_detect.utils.files import CACHE_VARIABLE, atomic_file, cache_folder
from melanoma_detect.utils.locks import one_at_a_time

StorePixels = Callable[[int, Pixels], None]
Shape = tuple[int, int, int, int]

_SCHEMA = 2  # raise it when the reader gives other pixels for the same file: cached files are then read anew
_CHUNK = 16 * 2**20  # bytes copied at once
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_COPY = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF)  # what this file system cannot


def map_pixels(digests: Sequence[str], shape: Shape, resize: Resize, decode: Callable[[StorePixels], None]) -> Pixels:
    """Return images as an array that lies in a file, which is written at its first use.

    Args:
        digests: A key for each image.
        shape: `(n, height, width, 3)`.
        resize: How images of another shape are brought to that size.
        decode: Decodes all images, and hands each to the function that it gets, with its position.

    Returns:
        A read-only uint8 array.

    Raises:
        ImageError: An image cannot be decoded; the message names it.
        OutputError: The cache folder has no room or cannot be written.

    Examples:
        >>> map_pixels(["a"], (1, 2, 2, 3), "squash", lambda keep: keep(0, np.ones((2, 2, 3), np.uint8))).shape
        (1, 2, 2, 3)
    """
    # Pillow's version too: another one may decode to other pixels.
    key = "\n".join([*digests, repr((shape[1:3], resize)), PIL.__version__, str(_SCHEMA)])
    path = cache_folder("decoded") / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npy"
    try:
        if not _is_whole(path, shape):
            with one_at_a_time(path):
                if not _is_whole(path, shape):  # the process that we have waited for may have written it
                    with atomic_file(path) as partial:
                        _write(partial, shape, decode)
        return _map_copy(path, shape)
    except OutputError as error:
        raise _no_room(path, shape, error) from error
    except OSError as error:
        raise _no_room(path, shape, error) from error


def _no_room(path: Path, shape: Shape, error: OSError) -> OutputError:
    reason = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return OutputError(
        f"{path.parent}: cannot hold {math.prod(shape) / 2**20:,.0f} MiB of decoded images "
        f"({reason.strerror or reason}); free its disk, or name a folder on another one by {CACHE_VARIABLE}"
    )


def _header(shape: Shape) -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return header.getvalue()


def _is_whole(path: Path, shape: Shape) -> bool:
    """Return whether a file has the expected header and size: one that was cut is written anew."""
    header = _header(shape)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return size == len(header) + math.prod(shape) and file.read(len(header)) == header
    except OSError:
        return False


def _write(path: Path, shape: Shape, decode: Callable[[StorePixels], None]) -> None:
    header, image_size, lock = _header(shape), math.prod(shape[1:]), threading.Lock()
    with path.open("wb") as file:
        _allocate(file, len(header) + math.prod(shape))
        file.write(header)

        def keep(index: int, image: Pixels) -> None:
            content = np.ascontiguousarray(image, np.uint8).tobytes()
            with lock:  # Windows cannot write at a position without moving there
                file.seek(len(header) + index * image_size)
                file.write(content)

        decode(keep)


def _allocate(file: IO[bytes], size: int) -> None:
    """Take all the room of a file at once: a disk without it says so now, and not after an hour."""
    allocate: Callable[[int, int, int], None] | None = getattr(os, "posix_fallocate", None)
    if allocate is not None and size:
        try:
            allocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in _NO_COPY:
                raise


def _map_copy(path: Path, shape: Shape) -> Pixels:
    """Map a copy without a name; where there is no room for one, the file itself, which gives up its name."""
    header = _header(shape)
    with contextlib.ExitStack() as stack:
        file: IO[Any] = stack.enter_context(path.open("rb"))
        try:
            copy: IO[Any] = stack.enter_context(tempfile.TemporaryFile(dir=path.parent))
            _copy(file, copy, len(header) + math.prod(shape))
            copy.flush()
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            path.unlink()  # Windows refuses it: a file that is open has its name
            copy = file
        mapped: Pixels = np.memmap(copy, np.uint8, "r", len(header), shape)
    return mapped


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    copy: Callable[..., int] | None = getattr(os, "copy_file_range", None)
    done = 0
    try:
        while copy is not None and done < size:
            count = copy(source.fileno(), target.fileno(), min(size - done, 2**30), done, done)
            if not count:
                break
            done += count
    except OSError as error:
        if error.errno not in _NO_COPY or done:
            raise
    if done < size:
        _allocate(target, size)
        source.seek(done)
        target.seek(done)
        shutil.copyfileobj(source, target, _CHUNK)
        done = target.tell()
    if done < size:
        raise OSError(errno.EIO, "the cached file was cut while it was read")
