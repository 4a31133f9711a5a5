"""Paths as users give them: a text, or an object that stands for one, whose `__fspath__` may return or raise anything."""

import contextlib
import errno
import os
from pathlib import Path
from typing import Any

from melanoma_detect.errors import MelanomaDetectError, OutputError


def path_text(path: Any, error: type[MelanomaDetectError], expected: str = "a text or a pathlib.Path") -> str:
    """Return the text of a path.

    Args:
        path: What the user gave.
        error: What is raised where it is no path.
        expected: What the message says was expected.

    Returns:
        The text.

    Raises:
        MelanomaDetectError: It is no path, one of bytes or with a zero byte, or its `__fspath__` fails; of the class `error`.

    Examples:
        >>> path_text(Path("photo.jpg"), OutputError)
        'photo.jpg'
        >>> path_text(3, OutputError)
        Traceback (most recent call last):
        melanoma_detect.errors.OutputError: 3 is not a path; expected a text or a pathlib.Path
    """
    try:
        text = os.fspath(path)
    except Exception as problem:  # whatever the object's `__fspath__` raises
        reason = f" ({problem})" if isinstance(path, os.PathLike) else ""
        raise error(f"{_named(path)} is not a path{reason}; expected {expected}") from problem
    if not isinstance(text, str):
        raise error(f"{_named(path)} is not a path, but bytes; expected {expected}")
    if "\0" in text:
        raise error(f"{text[:80]!r} is not a path: it holds a zero byte; expected {expected}")
    return text


def expand_path(path: "str | os.PathLike[str]", error: type[MelanomaDetectError] = OutputError) -> Path:
    """Return a path with `~` expanded; one whose home folder is unknown stays as it is.

    Args:
        path: A path.
        error: What is raised where it is no path.

    Returns:
        The path.

    Raises:
        MelanomaDetectError: It is no path, or longer than the system allows; of the class `error`.

    Examples:
        >>> expand_path("~/set") == Path.home() / "set"
        True
    """
    plain = Path(path_text(path, error))
    with contextlib.suppress(RuntimeError):
        plain = plain.expanduser()
    try:
        plain.lstat()
    except OSError as problem:
        # Also an error of the system for questions that need no file, such as whether this is a folder.
        if problem.errno == errno.ENAMETOOLONG:
            raise error(f"{str(plain)[:80]}...: is too long for a path; expected a shorter one") from problem
    return plain


def _named(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - whatever the object's `__repr__` raises
        text = ""
    return text if text and len(text) < 60 and "\n" not in text else f"an object of the type {type(value).__name__}"
