"""Ctrl-C during long work: the KeyboardInterrupt says what was kept, and how to go on."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

_ATTRIBUTE = "melanoma_detect_interruption"


class Interruption(NamedTuple):
    """What an interrupted call leaves behind.

    Attributes:
        kept: What was kept, or that nothing was: one sentence that stands on any way of calling, Python or the command line.
        advice: How to go on in Python; the command line says it in its own words.
        path: The file or folder to go on from; None where nothing was kept.

    Examples:
        >>> print(Interruption("2 epochs are kept in runs/mine", "call fit again with resume=True", Path("runs/mine")))
        Interrupted: 2 epochs are kept in runs/mine; call fit again with resume=True.
    """

    kept: str
    advice: str = ""
    path: Path | None = None

    def __str__(self) -> str:
        return "; ".join(filter(None, (f"Interrupted: {self.kept}", self.advice))) + "."


@contextlib.contextmanager
def noting_interruption(describe: Callable[[], Interruption]) -> Iterator[None]:
    """Add to a KeyboardInterrupt of the block what was kept; it passes through, and its traceback ends with the note.

    The innermost block that describes an interruption stands.

    Args:
        describe: Called after an interruption only.

    Raises:
        KeyboardInterrupt: As in the block; `interruption_of` reads what was kept.

    Examples:
        >>> try:
        ...     with noting_interruption(lambda: Interruption("nothing was kept")):
        ...         raise KeyboardInterrupt
        ... except KeyboardInterrupt as error:
        ...     interruption_of(error).kept
        'nothing was kept'
    """
    try:
        yield
    except KeyboardInterrupt as error:
        if interruption_of(error) is None:
            interruption = describe()
            setattr(error, _ATTRIBUTE, interruption)
            error.add_note(str(interruption))
        raise


def interruption_of(error: BaseException) -> Interruption | None:
    """Return what an interrupted call has left behind.

    Args:
        error: A KeyboardInterrupt.

    Returns:
        What was kept; None where nothing is known.

    Examples:
        >>> interruption_of(KeyboardInterrupt()) is None
        True
    """
    found = getattr(error, _ATTRIBUTE, None)
    return found if isinstance(found, Interruption) else None
