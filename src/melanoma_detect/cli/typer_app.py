"""The Typer app: the commands, their help and their options."""

from typing import Annotated

import typer

from melanoma_detect import __version__
from melanoma_detect.cli.console import echo, escape_markup, make_console, make_table, printable
from melanoma_detect.cli.lazy_commands import LazyCommandGroup
from melanoma_detect.utils.disclaimer import DISCLAIMER

__all__ = ["app", "escape_markup", "make_console", "make_table", "printable"]

_EPILOG = """Exit status: 0 done, 1 failed, 2 wrong usage, 3 score could not read some of the images, 130 interrupted.

"""

app = typer.Typer(
    cls=LazyCommandGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Classify nine skin lesions and alert a dermatologist to melanoma.",
    epilog=_EPILOG + DISCLAIMER,
)


@app.callback(invoke_without_command=True)
def _print_version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        echo(f"melanoma-detect {__version__}")
        raise typer.Exit
