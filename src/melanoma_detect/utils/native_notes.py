"""Keeps TensorFlow's start-up notes out of standard error, where its C++ code writes them past every setting.

Errors stay: a line that is not known to be such a note is passed on, also if the process is aborted.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

# Notes and warnings of Abseil's log, which precede its initialisation and so obey no level; and the line that says so.
_NOTES = (
    r"WARNING: All log messages before absl::InitializeLog\(\)",
    r"[IW]\d{4} \d\d:\d\d:[\d.:]+ +\d+ \S+:\d+\] ",
    r"\d{4}-\d\d-\d\d \d\d:\d\d:[\d.]+: [IW] ",
    r"To enable the following instructions: ",
    r"INFO: Created TensorFlow Lite XNNPACK delegate",
    # An error by its level only: where a processor has no fast bfloat16, TensorFlow computes it in another way.
    r"[^\]]*\] oneDNN supports DT_BFLOAT16 only on",
)
# TensorFlow reports a missing GPU as an error; where there is a GPU, it is one.
_NO_GPU = (r".*failed call to cuInit",)
_FILTER = """
import re, sys
notes = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not notes.match(line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""
_LOCK = threading.RLock()


def has_gpu() -> bool:
    """Return whether the system shows an NVIDIA GPU, without loading a driver.

    Returns:
        Whether there is a device file of one.

    Examples:
        >>> has_gpu() in (True, False)
        True
    """
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()  # dxg: Windows's subsystem for Linux


@contextlib.contextmanager
def without_native_notes() -> Iterator[None]:
    """Keep TensorFlow's start-up notes out of standard error during a block, whatever language writes them.

    A process of its own reads what the block writes to file descriptor 2 and passes on what is not a note, so that the last
    words of a block that aborts the process are shown too. Where no such process can be started, everything is shown.

    Examples:
        >>> with without_native_notes():
        ...     _ = os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.")
    """
    with _LOCK:  # descriptor 2 is the whole process's
        if not (started := _start_filter()):
            yield
            return
        filtering, original = started
        try:
            yield
        finally:
            _flush()
            os.dup2(original, 2)
            os.close(original)
            with contextlib.suppress(subprocess.TimeoutExpired):  # a process that the block started may hold the pipe
                filtering.wait(timeout=2)


def _start_filter() -> tuple["subprocess.Popen[bytes]", int] | None:
    """Put a filtering process before descriptor 2; return it and a copy of the original descriptor."""
    if getattr(sys, "frozen", False) or not sys.executable or sys.platform == "win32":
        return None  # a bundled program is no Python interpreter; TensorFlow for Windows knows no GPU to miss
    notes = "|".join((*_NOTES, *(() if has_gpu() else _NO_GPU)))
    _flush()
    try:
        original = os.dup(2)
    except OSError:  # a process without standard error
        return None
    try:
        command = [sys.executable, "-I", "-S", "-c", _FILTER, notes]
        filtering = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)  # noqa: S603
    except OSError:
        os.close(original)
        return None
    assert filtering.stdin is not None  # noqa: S101 - for the type checker
    os.dup2(filtering.stdin.fileno(), 2)
    filtering.stdin.close()
    return filtering, original


def _flush() -> None:
    with contextlib.suppress(AttributeError, OSError, ValueError):  # none, a broken or a closed stream
        sys.stderr.flush()
