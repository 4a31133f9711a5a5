"""The loader of TensorFlow that `tensorflow_import` puts in place: errors are shown, notes are not."""

import logging
import os
import sys
from collections.abc import Callable
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

from melanoma_detect.utils.native_notes import has_gpu, without_native_notes

_ERRORS = "2"  # errors and worse; 3 would hide errors too
_RETRACING = "triggered tf.function retracing"
_PACKAGE = __name__.partition(".")[0]


class QuietLoader(Loader):
    """Loads TensorFlow without its notes, then hands the module over to the loader that it wraps.

    Args:
        loader: TensorFlow's own loader.
        level_variable: The environment variable that holds the lowest level that TensorFlow logs.
        when_done: Called when TensorFlow is imported.

    Examples:
        >>> import sys
        >>> QuietLoader(sys.__spec__.loader, "TF_CPP_MIN_LOG_LEVEL", when_done=lambda: None).is_package("sys")
        False
    """

    def __init__(self, loader: Any, level_variable: str, when_done: Callable[[], None]) -> None:
        self._loader, self._level, self._when_done = loader, level_variable, when_done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return what the wrapped loader makes."""
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        """Import TensorFlow at the level of errors, and let it look for GPUs once."""
        module.__loader__ = self._loader
        if module.__spec__:
            module.__spec__.loader = self._loader
        chosen = os.environ.get(self._level)
        os.environ.setdefault(self._level, _ERRORS)  # TensorFlow reads it once
        try:
            with without_native_notes():
                self._loader.exec_module(module)
                if not has_gpu():
                    module.config.list_physical_devices("GPU")  # the first search reports a missing GPU as an error
        finally:
            if chosen is None:  # processes that the user starts are none of this package's business
                os.environ.pop(self._level, None)
        self._when_done()
        logging.getLogger("tensorflow").addFilter(is_not_own_retracing_advice)


def is_not_own_retracing_advice(record: logging.LogRecord) -> bool:
    """Return False for advice on retracing that this package's own calls cause: it is for those who write them.

    Args:
        record: What TensorFlow logs.

    Returns:
        Whether to show it.

    Examples:
        >>> is_not_own_retracing_advice(logging.makeLogRecord({"msg": "out of memory"}))
        True
    """
    return _RETRACING not in str(record.msg) or not is_asked_by_package(sys._getframe(1))


def is_asked_by_package(frame: FrameType | None) -> bool:
    """Return whether a call comes from this package, directly or through Keras or a plugin.

    Args:
        frame: The innermost call.

    Returns:
        Whether one of the calls is of this package.

    Examples:
        >>> is_asked_by_package(None)
        False
    """
    while frame:
        if str(frame.f_globals.get("__name__", "")).startswith(f"{_PACKAGE}."):
            return True
        frame = frame.f_back
    return False
