"""How the library's warnings and errors are shown: as one line each, with the exit status that belongs to them."""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from melanoma_detect.cli.console import print_note
from melanoma_detect.cli.errors import OptionError
from melanoma_detect.cli.standard_output import check_output_was_kept, discard_standard_output, is_lost_output
from melanoma_detect.cli.wording import name_options
from melanoma_detect.errors import DataWarning, DetectorWarning, MelanomaDetectError, UnknownModelError

FAILED, WRONG_USAGE = 1, 2


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
