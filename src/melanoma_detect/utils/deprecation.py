"""Old names that keep working for one release: each warns once per call site and says the new name."""

import importlib
import warnings
from typing import Any

GONE_IN = "0.3"


def warn_renamed(old: str, new: str, *, stacklevel: int = 3) -> None:
    """Warn that a name is deprecated.

    Args:
        old: The old name, as a user writes it.
        new: What to write instead.
        stacklevel: Whose line the warning names; 3 for the caller of the function that calls this one.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warn_renamed("md.old", "md.new")
        >>> str(caught[0].message)
        'md.old is deprecated and will be removed in 0.3; use md.new'
    """
    message = f"{old} is deprecated and will be removed in {GONE_IN}; use {new}"
    warnings.warn(message, DeprecationWarning, stacklevel=stacklevel)


def call_moved(old: str, new: str, module: str, function: str, *args: Any, **options: Any) -> Any:
    """Call a function that has moved to a package above the old name's own, and warn.

    The module is named by a string: the old name's module must not import upwards, and the old name goes soon.

    Args:
        old: The old name, as a user writes it.
        new: What to write instead.
        module: Where the function is now.
        function: Its name there.
        *args: What it takes.
        **options: What it takes by name.

    Returns:
        What it returns.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     call_moved("md.root", "math.sqrt", "math", "sqrt", 4.0)
        2.0
    """
    warn_renamed(old, new, stacklevel=4)
    return getattr(importlib.import_module(module), function)(*args, **options)
