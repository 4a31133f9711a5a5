"""The command line: `melanoma-detect --help`."""

import io
import sys
from typing import Annotated

import typer

from melanoma_detect import __version__

# Importing a module registers its commands; --help lists them in this order.
from melanoma_detect.cli import (  # isort: skip
    train,
    evaluate,
    localize,
    predict,
    explain,
    export,
    score,
    data,
    balance,
    models,
    new_plugin,
)
from melanoma_detect.cli.app import app, show_errors
from melanoma_detect.cli.interruption import catch_termination

__all__ = [
    "app",
    "balance",
    "data",
    "evaluate",
    "explain",
    "export",
    "localize",
    "main",
    "models",
    "new_plugin",
    "predict",
    "score",
    "train",
]


def main() -> None:
    """Run the command line. An error of this library is one message and exit status 1, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files may hold what the terminal's encoding lacks: shown escaped, and no reason to stop.
            stream.reconfigure(errors="backslashreplace")
    catch_termination()
    with show_errors():
        app()


@app.callback(invoke_without_command=True)
def _print_version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"melanoma-detect {__version__}")
        raise typer.Exit
