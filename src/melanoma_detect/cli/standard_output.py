"""Standard output that is closed, full, or no longer read: an answer that went nowhere is no success."""

import errno
import io
import os
import sys

from melanoma_detect.errors import OutputError

_LOST = (errno.ENOSPC, errno.EIO, errno.EBADF)


class ClosedOutput(io.TextIOBase):
    """Stands for a standard output that was closed before the program began, and notes whether anything was written.

    The work goes on, since most commands also write files; the program fails when it has ended.

    Attributes:
        was_written: Whether something was.

    Examples:
        >>> output = ClosedOutput()
        >>> output.write("one alert"), output.was_written
        (9, True)
    """

    def __init__(self) -> None:
        self.was_written = False

    @property
    def buffer(self) -> "ClosedOutput":
        """Itself: bytes are lost like text."""
        return self

    def write(self, text: "str | bytes") -> int:
        """Lose what is written.

        Args:
            text: Text or bytes.

        Returns:
            How long it is.
        """
        self.was_written = self.was_written or bool(text)
        return len(text)


def check_output_was_kept() -> None:
    """Raise OutputError if something was written to a closed standard output.

    Raises:
        OutputError: It was.
    """
    if isinstance(sys.stdout, ClosedOutput) and sys.stdout.was_written:
        raise OutputError("standard output is closed, and the answer is lost; send it to a file or a program")


def is_lost_output(error: OSError) -> bool:
    """Return whether an error means that standard output cannot be written.

    Args:
        error: An error without a file's name; those of files are named by the library.

    Returns:
        Whether its disk is full, say.

    Examples:
        >>> is_lost_output(OSError(errno.ENOSPC, "No space left on device"))
        True
    """
    return error.filename is None and error.errno in _LOST


def discard_standard_output() -> None:
    """Lose what is still to be written: Python flushes standard output at its end, and would complain of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
