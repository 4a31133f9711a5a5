"""Deprecation warnings for old names, which keep working for one release."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from melanoma_detect.utils.upward_calls import call_upwards
from melanoma_detect.utils.user_warning import warn_user

P = ParamSpec("P")
R = TypeVar("R")

REMOVED_IN = "0.3"


def warn_renamed(old: str, new: str) -> None:
    """Warn at the user's line that a name is deprecated.

    Args:
        old: The old name, as a user writes it.
        new: What to write instead.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warn_renamed("md.old", "md.new")
        >>> str(caught[0].message)
        'md.old is deprecated and will be removed in 0.3; use md.new'
    """
    warn_user(f"{old} is deprecated and will be removed in {REMOVED_IN}; use {new}", DeprecationWarning)


def call_moved(old: str, new: str, module: str, function: str, *args: Any, **options: Any) -> Any:
    """Warn that a name is deprecated, and call the function that replaces it.

    The function is named by strings, since it may be in a package above that of the old name, which must not import upwards.

    Args:
        old: The old name, as a user writes it.
        new: What to write instead.
        module: The module of the function.
        function: The function's name.
        *args: Its positional arguments.
        **options: Its keyword arguments.

    Returns:
        What the function returns.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     call_moved("md.root", "math.sqrt", "math", "sqrt", 4.0)
        2.0
    """
    warn_renamed(old, new)
    return call_upwards(module, function, *args, **options)


def renamed_keywords(named: str = "", /, **new_names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that lets a function take keywords under their old names too, with a warning.

    Args:
        named: What users call the function; empty for its own name. A method may stand in a class that they never see.
        **new_names: The present name of each keyword, by its old one.

    Returns:
        The decorator.

    Examples:
        >>> import warnings
        >>> @renamed_keywords(pictures="images")
        ... def count(images):
        ...     return len(images)
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     count(pictures=[1, 2])
        2
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **keywords: P.kwargs) -> R:
            name = named or function.__qualname__
            for old in new_names.keys() & keywords.keys():
                new = new_names[old]
                if new in keywords:
                    raise TypeError(f"{name}() got both {new}= and its deprecated name {old}=")
                warn_renamed(f"{name}({old}=…)", f"{name}({new}=…)")
                keywords[new] = keywords.pop(old)
            return function(*args, **keywords)

        return call

    return decorate
