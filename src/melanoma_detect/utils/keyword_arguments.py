"""Keyword-only arguments: a clear error where a value comes without its keyword."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from melanoma_detect.errors import DetectorError

P = ParamSpec("P")
R = TypeVar("R")


def needs_keywords(example: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator of methods that have keywords alone: Python's own message counts arguments and names none.

    Args:
        example: The keyword that a value without one most likely means.

    Returns:
        The decorator; the method raises DetectorError for positional arguments.

    Examples:
        >>> class Door:
        ...     @needs_keywords("width")
        ...     def resized(self, *, width=1): ...
        >>> Door().resized(2)
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: resized(2): expected a keyword, such as resized(width=2)
    """

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        name = getattr(method, "__name__", "?")

        @functools.wraps(method)
        def call(*values: Any, **options: Any) -> R:
            if len(values) > 1:
                given = ", ".join(map(repr, values[1:]))
                raise DetectorError(f"{name}({given}): expected a keyword, such as {name}({example}={values[1]!r})")
            return method(*values, **options)

        return call

    return decorate
