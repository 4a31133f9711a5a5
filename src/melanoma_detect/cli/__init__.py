"""The command line: `melanoma-detect --help`."""

import io
import sys
from typing import Annotated

import typer

from melanoma_detect import __version__
from melanoma_detect.cli.app import app, show_errors
from melanoma_detect.cli.interruption import catch_termination
from melanoma_detect.cli.standard_output import ClosedOutput

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line. An error is one message and an exit status, without a traceback."""
    if sys.stdout is None:
        sys.stdout = ClosedOutput()
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
