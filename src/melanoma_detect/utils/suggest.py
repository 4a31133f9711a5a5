"""Suggestions of a known name for a misspelt one."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that is most like an unknown one; case does not matter.

    Args:
        name: The name that a user gave.
        known: The names that exist.

    Returns:
        The hint with a blank after it, for the middle of a message; empty where no name is like it.

    Examples:
        >>> did_you_mean("mobilnet", ["cnn", "mobilenet"])
        "did you mean 'mobilenet'? "
        >>> did_you_mean("CNN", ["cnn", "mobilenet"])
        "did you mean 'cnn'? "
        >>> did_you_mean("transformer", ["cnn", "mobilenet"])
        ''
    """
    by_folded: dict[str, str] = {}
    for own in known:
        by_folded.setdefault(own.casefold(), own)
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1)
    return f"did you mean {by_folded[close[0]]!r}? " if close else ""
