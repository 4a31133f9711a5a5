"""The same verbs on the command line: `melanoma-detect --help`."""

import os
from typing import Annotated

import typer

from melanoma_detect import __version__

# A verb is there once its module is imported; in this order help lists them.
from melanoma_detect.cli import train, predict, data, models  # isort: skip
from melanoma_detect.cli.app import app, messages

__all__ = ["app", "data", "main", "models", "predict", "train"]


def main() -> None:
    """Run the command line: errors of this library are one message and exit status 1, never a traceback."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes on GPUs are not what a user came for
    with messages():
        app()


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"melanoma-detect {__version__}")
        raise typer.Exit
