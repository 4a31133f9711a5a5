"""An interrupted command (Ctrl-C, SIGTERM): one line that says what was kept and which command goes on, and no traceback."""

import contextlib
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from melanoma_detect.cli.console import print_note
from melanoma_detect.cli.standard_output import discard_standard_output
from melanoma_detect.utils.interruption import interruption_of

NOTHING_KEPT = "nothing was written"
_PIPE_CLOSED = 128 + 13  # SIGPIPE, a name that Windows does not have
_RESUMED_BY_AN_OPTION = "train"  # the other commands go on when they are run again


class Terminated(KeyboardInterrupt):
    """SIGTERM, as a system sends it that shuts down or ends a batch job: treated like Ctrl-C."""


@contextlib.contextmanager
def show_interruption() -> Iterator[None]:
    """End what interrupts the block with a line and the status of its signal.

    Raises:
        SystemExit: It was interrupted, or what reads its output has enough of it.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        print_note("Interrupted", describe_interruption(error, sys.argv))
        sys.exit(128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT))
    except BrokenPipeError:
        # The program that reads the output, such as `head`, has enough: end without a word, with the status that the
        # system's own programs have then.
        discard_standard_output()
        sys.exit(_PIPE_CLOSED)
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # rich has met it, and would end with another status
            sys.exit(_PIPE_CLOSED)
        raise


def catch_termination() -> None:
    """Let SIGTERM end the program as Ctrl-C does."""

    def terminate(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends it at once
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)


def describe_interruption(error: KeyboardInterrupt, arguments: Sequence[str]) -> str:
    """Return what was kept of an interrupted command, and the command that goes on.

    Args:
        error: The interruption; the library's functions have noted on it what they have kept.
        arguments: The command line, as `sys.argv` holds it.

    Returns:
        One sentence.

    Examples:
        >>> describe_interruption(KeyboardInterrupt(), ["melanoma-detect", "audit", "my images"])
        "nothing was written. Start again with: melanoma-detect audit 'my images'"
    """
    noted = interruption_of(error)
    program = "melanoma-detect"
    if Path(arguments[0]).name == "__main__.py":
        program = f"{Path(sys.executable).name} -m melanoma_detect"
    command = shlex.join(arguments[1:])
    if noted is None or noted.path is None:
        return f"{noted.kept if noted else NOTHING_KEPT}. Start again with: {program} {command}"
    if arguments[1:2] == [_RESUMED_BY_AN_OPTION] and "--resume" not in arguments:
        command += " --resume"
    return f"{noted.kept}. Go on with: {program} {command}"
