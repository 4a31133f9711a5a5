"""What decoders say of damaged or odd files while an image is read: an error says it once, and all else is no user's concern.

Pillow, pydicom, pillow-heif and openpyxl warn and log; libtiff writes to the standard error stream by itself.
"""

import contextlib
import ctypes
import importlib.util
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from functools import cache

_PACKAGES = r"(?:PIL|pydicom|pylibjpeg|openjpeg|pillow_heif|openpyxl)(?:\.|$)"
_FILTER = ("ignore", None, Warning, re.compile(_PACKAGES), 0)
_LOGGERS = ("PIL.Image", "PIL.TiffImagePlugin", "PIL.PngImagePlugin", "PIL.WebPImagePlugin", "pydicom")
_HANDLERS = ("TIFFSetErrorHandler", "TIFFSetWarningHandler")
_lock = threading.Lock()
_readers: list[int] = []  # the threads that read now, some of them several times


@contextlib.contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep from users what decoders say for the duration of a block.

    Filters of warnings belong to the whole process: this one is there while any thread reads, and only then. What Python has
    noted of warnings that were shown once stays, so that no other warning comes twice.

    Examples:
        >>> with quiet_decoders():
        ...     pass
    """
    _silence_logs()
    thread = threading.get_ident()
    with _lock:
        if not _readers or warnings.filters[:1] != [_FILTER]:
            warnings.filters.insert(0, _FILTER)  # type: ignore[attr-defined]
        _readers.append(thread)
    try:
        yield
    finally:
        with _lock:
            _readers.remove(thread)
            if not _readers:
                with contextlib.suppress(ValueError):
                    while True:
                        warnings.filters.remove(_FILTER)  # type: ignore[attr-defined]


@cache
def silence_libtiff() -> None:
    """Let libtiff write nothing to the standard error stream: what fails, Pillow raises.

    Where Pillow was built with a libtiff whose functions cannot be reached, as on Windows, it stays as it is.

    Examples:
        >>> silence_libtiff()
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        found = importlib.util.find_spec("PIL._imaging")
        library = ctypes.CDLL(found.origin if found else None)
        for name in _HANDLERS:
            setter = getattr(library, name)
            setter.restype, setter.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
            setter(None)


@cache
def _silence_logs() -> None:
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_is_said_elsewhere)


def _is_said_elsewhere(_record: logging.LogRecord) -> bool:
    return threading.get_ident() not in _readers
