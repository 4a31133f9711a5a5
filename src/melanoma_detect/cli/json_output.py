"""The option `--json`: one document of strict JSON on standard output, and nothing else there."""

from typing import Annotated

import typer

from melanoma_detect.cli.console import print_json
from melanoma_detect.utils.json_values import to_json

__all__ = ["JsonOption", "print_json", "to_json"]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output; messages go to standard error.")
]
