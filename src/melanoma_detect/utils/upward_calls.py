"""Calls of packages above the caller's, by name: imports go down only."""

import importlib
from typing import Any


def call_upwards(module: str, function: str, *args: Any, **options: Any) -> Any:
    """Call a function of a package above the caller's, which must not import upwards.

    Args:
        module: The module's full name.
        function: The function's name.
        *args: Its positional arguments.
        **options: Its keyword arguments.

    Returns:
        What the function returns.

    Examples:
        >>> call_upwards("math", "sqrt", 4.0)
        2.0
    """
    return getattr(importlib.import_module(module), function)(*args, **options)
