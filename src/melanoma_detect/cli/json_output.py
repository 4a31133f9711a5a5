"""The option `--json`: one document of strict JSON on standard output, and nothing else there."""

import json
from typing import Annotated, Any

import typer

from melanoma_detect.utils.json_values import to_json

__all__ = ["JsonOption", "print_json", "to_json"]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output; messages go to standard error.")
]


def print_json(document: Any) -> None:
    """Print a value as strict JSON.

    Args:
        document: Mappings, sequences, texts, numbers, paths, NumPy scalars and arrays.
    """
    typer.echo(json.dumps(to_json(document), indent=2, allow_nan=False))
