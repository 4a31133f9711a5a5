"""The Typer app: the commands, and how their warnings, errors and interruptions are shown."""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import typer

from melanoma_detect.cli.console import escape_markup, make_console, make_table, print_note, printable
from melanoma_detect.cli.interruption import CommandGroup
from melanoma_detect.cli.wording import name_options
from melanoma_detect.errors import DataWarning, DetectorWarning, MelanomaDetectError
from melanoma_detect.utils.disclaimer import DISCLAIMER

__all__ = ["app", "escape_markup", "make_console", "make_table", "printable", "show_errors"]

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Classify nine skin lesions and alert a dermatologist to melanoma.",
    epilog=DISCLAIMER,
)


@contextlib.contextmanager
def show_errors() -> Iterator[None]:
    """Show this library's warnings and errors as one line each, and exit with status 1 after an error."""

    def show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, (DataWarning, DetectorWarning)):
            print_note("Note", name_options(message))

    warnings.showwarning = show_warning
    try:
        yield
    except MelanomaDetectError as error:
        print_note("Error", name_options(error))
        sys.exit(1)
