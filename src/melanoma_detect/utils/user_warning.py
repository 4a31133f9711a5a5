"""Warnings that name the user's line, however deep in this package they come from."""

import os
import sys
import warnings
from pathlib import Path

# With the separator: a plugin in melanoma_detect_example_plugin beside it is not this package.
_PACKAGE = str(Path(__file__).parents[1]) + os.sep


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn with the line that called this package.

    A fixed `stacklevel` would name another line as soon as a function is called in one more way.

    Args:
        message: The warning.
        category: Its class.

    Examples:
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warn_user("2 images have no label", UserWarning)
        >>> str(caught[0].message)
        '2 images have no label'
    """
    # As skip_file_prefixes of Python 3.12. Level 1 is this function.
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
