"""Architectures on the command line: their names and their options."""

import ast
from collections.abc import Sequence
from typing import Any

from melanoma_detect.errors import ModelError


def check_architecture(name: str) -> None:
    """Raise an error unless an architecture is installed; does not import Keras.

    Args:
        name: The architecture's name.

    Raises:
        UnknownModelError: No package offers it.
        ModelError: Two packages offer it.
    """
    from melanoma_detect.models.registry import find_entry  # noqa: PLC0415 - --help stays fast

    find_entry(name)


def parse_options(pairs: Sequence[str] | None) -> dict[str, Any]:
    """Return what `--option` gives as keywords of an architecture's builder.

    Args:
        pairs: `NAME=VALUE` texts, or None.

    Returns:
        The values by name: numbers, booleans (also `true` and `false`), None, tuples and lists as Python writes them;
        anything else is text.

    Raises:
        ModelError: A text in another form, or a name that is given twice.

    Examples:
        >>> parse_options(["dropout=0.5", "filters=(16, 32)", "batch_normalization=true", "weights=a.npz"])
        {'dropout': 0.5, 'filters': (16, 32), 'batch_normalization': True, 'weights': 'a.npz'}
    """
    options: dict[str, Any] = {}
    for pair in pairs or ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name.isidentifier():
            raise ModelError(f"--option {pair}: expected NAME=VALUE, such as dropout=0.5")
        if name in options:
            raise ModelError(f"--option {pair}: the option {name!r} is given twice; give it one value")
        options[name] = _parse_value(value)
    return options


def _parse_value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
