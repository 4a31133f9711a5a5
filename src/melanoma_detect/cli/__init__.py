"""The command line: `melanoma-detect --help`."""

import io
import sys
from typing import TYPE_CHECKING, Any

from melanoma_detect.cli.interruption import catch_termination, show_interruption
from melanoma_detect.cli.messages import show_errors
from melanoma_detect.cli.predict_images import plain_predict, print_predictions
from melanoma_detect.cli.standard_output import ClosedOutput

if TYPE_CHECKING:
    from melanoma_detect.cli.typer_app import app

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
        plain = plain_predict(sys.argv[1:])
        if plain is None:
            __getattr__("app")()
            return
        with show_interruption():
            complete = print_predictions(plain.images, {"detector": plain.detector}, as_json=plain.as_json)
    sys.exit(0 if complete else 1)


def __getattr__(name: str) -> Any:
    """Import the Typer app when it is used: a command line that needs no parser does not wait for Typer."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from melanoma_detect.cli.typer_app import app  # noqa: PLC0415 - see above

    return app
