"""Warnings that name the user's line, however deep in this package or in another one they come from."""

import dataclasses
import os
import sys
import sysconfig
import warnings
from pathlib import Path
from types import FrameType

from melanoma_detect.printable import printable

_PACKAGE = __name__.partition(".")[0]
_FOLDER = str(Path(__file__).parents[1]) + os.sep
# With the separators: a plugin in melanoma_detect_my_net beside it is not this package.
_INSTALLED = tuple(
    {path + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib") if (path := sysconfig.get_path(name))}
    | {str(Path(dataclasses.__file__).parent) + os.sep}
)


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn with the user's line: the one that called this package, directly or through another one such as pandas.

    A fixed `stacklevel` would name another line as soon as a function is called in one more way.

    Args:
        message: The warning; names in it begin no line of a log, and control no terminal.
        category: Its class.

    Examples:
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warn_user("2 images have no label", UserWarning)
        >>> str(caught[0].message)
        '2 images have no label'
    """
    frame = _user_frame(sys._getframe(1))
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    module = frame.f_globals.get("__name__")
    warnings.warn_explicit(printable(message), category, frame.f_code.co_filename, frame.f_lineno, module, registry)


def _user_frame(frame: FrameType) -> FrameType:
    """Return the first call, from here upwards, that is neither of this package nor of an installed one."""
    calls = [frame]
    while frame.f_back:
        frame = frame.f_back
        calls.append(frame)
    outside = [call for call in calls if not _is_own(call)]
    users = [call for call in outside if not call.f_code.co_filename.startswith(_INSTALLED)]
    # A command is installed too: its line is then the best one there is.
    return next(iter(users + outside + calls))


def _is_own(frame: FrameType) -> bool:
    """Return whether a frame is of this package; the code that `dataclass` writes has no file, but its module's name."""
    module = str(frame.f_globals.get("__name__", ""))
    return frame.f_code.co_filename.startswith(_FOLDER) or module.partition(".")[0] == _PACKAGE
