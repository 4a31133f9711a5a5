"""Deprecated: the reader of pixels is `melanoma_detect.images.reader`."""

from typing import Any

from melanoma_detect.images import reader
from melanoma_detect.utils.deprecation import warn_renamed

_NEW_NAMES = {"read": "read_pixels", "read_many": "read_batch", "read_size": "read_size", "load": "load_rgb"}


def __getattr__(name: str) -> Any:
    if name not in _NEW_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    new = _NEW_NAMES[name]
    warn_renamed(f"{__name__}.{name}", f"{reader.__name__}.{new}")
    return getattr(reader, new)
