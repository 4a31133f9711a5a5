"""Suggestions of a known name for a misspelt one."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that is most like an unknown one.

    Args:
        name: The name that a user gave.
        known: The names that exist.

    Returns:
        The hint with a blank after it, for the middle of a message; empty where no name is like it.

    Examples:
        >>> did_you_mean("mobilnet", ["cnn", "mobilenet"])
        "did you mean 'mobilenet'? "
        >>> did_you_mean("transformer", ["cnn", "mobilenet"])
        ''
    """
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}? " if close else ""
