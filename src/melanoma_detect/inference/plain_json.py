"""JSON of a detector's file, read within bounds.

Python's reader takes a name twice and keeps the last one, fails on deep nesting by `RecursionError`, and makes a hundred bytes
of memory out of three. So a file is looked at before it is read.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from melanoma_detect.utils.files import readable_name

_MAX_VALUES = 16 * 2**20  # of one text: fingerprints of millions of images have fewer, and this many fit into 2 GiB
_MAX_DEPTH = 100
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # half of a character, or of a pair that is one


def read_json(content: bytes, *, nan: bool = False) -> Any:
    """Return the value of a JSON text.

    Args:
        content: The text in UTF-8.
        nan: Whether to accept `NaN` and `Infinity`, which are no JSON: earlier versions wrote them.

    Returns:
        The value. Numbers may be infinite: who takes one checks it.

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
        refuse: dict[str, Any] = {} if nan else {"parse_constant": _refuse_constant}
        value = json.loads(text, object_pairs_hook=_object, **refuse)
    except RecursionError:
        raise ValueError(f"is nested more than {_MAX_DEPTH} levels deep") from None
    if _HALF.search(text):
        _check_characters(value, 0)
    return value


def format_json(value: Any, *, indent: int | None = None) -> bytes:
    """Return a value as JSON that `read_json` reads.

    Args:
        value: Plain values. Numbers that are not finite become null, and bytes of names that are no UTF-8 the characters that
            they most likely are.
        indent: As `json.dumps` takes it.

    Returns:
        The text in UTF-8.

    Examples:
        >>> format_json({"loss": [0.5, float("nan")]})
        b'{"loss": [0.5, null]}'
    """
    return json.dumps(_plain(value), indent=indent, allow_nan=False).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return readable_name(value)
    if isinstance(value, Mapping):
        return {_plain(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"has {name}, which is no number of JSON")


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
