"""The Typer app: the commands, and how their warnings, errors and interruptions are shown."""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import typer

from melanoma_detect.cli.checks import OptionError
from melanoma_detect.cli.console import escape_markup, make_console, make_table, print_note, printable
from melanoma_detect.cli.lazy_commands import LazyCommandGroup
from melanoma_detect.cli.standard_output import check_output_was_kept, discard_standard_output, is_lost_output
from melanoma_detect.cli.wording import name_options
from melanoma_detect.errors import DataWarning, DetectorWarning, MelanomaDetectError, UnknownModelError
from melanoma_detect.utils.disclaimer import DISCLAIMER

__all__ = ["app", "escape_markup", "make_console", "make_table", "printable", "show_errors"]

FAILED, WRONG_USAGE = 1, 2
_EPILOG = """Exit status: 0 done, 1 failed, 2 wrong usage, 3 score could not read some of the images, 130 interrupted.

"""

app = typer.Typer(
    cls=LazyCommandGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Classify nine skin lesions and alert a dermatologist to melanoma.",
    epilog=_EPILOG + DISCLAIMER,
)


@contextlib.contextmanager
def show_errors() -> Iterator[None]:
    """Show this library's warnings and errors as one line each, and exit with the status of an error.

    It is 2 for wrong usage, as for a command that does not exist, and 1 for work that failed.
    """

    def show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, (DataWarning, DetectorWarning)):
            print_note("Note", name_options(message))

    warnings.showwarning = show_warning
    try:
        try:
            yield
        finally:
            check_output_was_kept()
    except MelanomaDetectError as error:
        print_note("Error", name_options(error))
        sys.exit(WRONG_USAGE if isinstance(error, (OptionError, UnknownModelError)) else FAILED)
    except OSError as error:
        if not is_lost_output(error):
            raise
        print_note("Error", f"standard output cannot be written ({error.strerror}); free its disk, or choose another")
        discard_standard_output()
        sys.exit(FAILED)
