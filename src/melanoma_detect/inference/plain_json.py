"""JSON of a detector's file, read within bounds.

Python's reader takes a name twice and keeps the last one, fails on deep nesting by `RecursionError`, and makes a hundred bytes
of memory out of three. So a file is looked at before it is read.
"""

import json
import re
from typing import Any

_MAX_VALUES = 16 * 2**20  # of one text: fingerprints of millions of images have fewer, and this many fit into 2 GiB
_MAX_DEPTH = 100
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # half of a character, or of a pair that is one


def read_json(content: bytes) -> Any:
    """Return the value of a JSON text.

    Args:
        content: The text in UTF-8.

    Returns:
        The value. Numbers may be nan and infinite: who takes one checks it.

    Raises:
        ValueError: It is no JSON, has a name twice in one object, halves of characters, or more values or deeper nesting than
            any real file.

    Examples:
        >>> read_json(b'{"classes": ["melanoma"]}')
        {'classes': ['melanoma']}
        >>> read_json(b'{"schema": 4, "schema": 5}')
        Traceback (most recent call last):
        ValueError: has 'schema' twice
    """
    if content.count(b",") + content.count(b"[") + content.count(b"{") > _MAX_VALUES:
        raise ValueError(f"has more than {_MAX_VALUES:,} values")
    try:
        text = content.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError(f"is nested more than {_MAX_DEPTH} levels deep") from None
    if _HALF.search(text):
        _check_characters(value, 0)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"has {next(name for name in names if names.count(name) > 1)!r} twice")
    return values


def _check_characters(value: Any, depth: int) -> None:
    """Raise ValueError where text has half a character: it can be neither written nor printed."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, str):
        value.encode()  # UnicodeEncodeError is a ValueError
    elif isinstance(value, dict):
        for name, inner in value.items():
            name.encode()
            _check_characters(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_characters(inner, depth + 1)
