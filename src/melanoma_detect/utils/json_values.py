"""Values as JSON knows them: of a command's `--json`, and of the HTTP service."""

import math
import os
from collections.abc import Mapping
from typing import Any


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
