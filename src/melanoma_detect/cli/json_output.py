"""The option `--json`: one document of strict JSON on standard output, and nothing else there."""

import json
import math
import os
from collections.abc import Mapping
from typing import Annotated, Any

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output; messages go to standard error.")
]


def print_json(document: Any) -> None:
    """Print a value as strict JSON.

    Args:
        document: Mappings, sequences, texts, numbers, paths, NumPy scalars and arrays.
    """
    typer.echo(json.dumps(to_json(document), indent=2, allow_nan=False))


def to_json(value: Any) -> Any:
    """Return a value as JSON knows it.

    Args:
        value: Mappings, sequences, texts, numbers, paths, NumPy scalars and arrays.

    Returns:
        Dictionaries with texts as keys, lists, texts, numbers, booleans and None. A number that is none (NaN) or infinite is
        None; bytes of a file's name that are not UTF-8 are written as in a score table.

    Examples:
        >>> to_json({"auc": float("nan"), 1: ("a", np.float64(0.5))})
        {'auc': None, '1': ['a', 0.5]}
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value).encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(inner) for key, inner in value.items()}
    if hasattr(value, "tolist"):  # NumPy, which this module does not import
        return to_json(value.tolist())
    return [to_json(inner) for inner in value]
