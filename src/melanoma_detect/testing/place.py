"""Where an error was raised in the code of an architecture's author."""

import traceback
from collections.abc import Iterator
from types import FrameType

from melanoma_detect.models.registry import Builder


def raised_at(error: BaseException, builder: Builder) -> str | None:
    """Return the line of an architecture's own code that raised an error, or that called what raised it.

    Args:
        error: An error; the errors that it was raised from are searched too.
        builder: The architecture's builder. Its code is all of its package, or for a script or notebook its module.

    Returns:
        `file, line N`; None if no line of the architecture's code took part.

    Examples:
        >>> def build(*, input_shape, num_classes):
        ...     raise ValueError("64×64 only")
        >>> try:
        ...     build(input_shape=(32, 32, 3), num_classes=9)
        ... except ValueError as error:
        ...     place = raised_at(error, build)
        >>> place
        '<doctest ..., line 2'
    """
    own = [
        f"{frame.f_code.co_filename}, line {line}"
        for each in _causes(error)
        for frame, line in traceback.walk_tb(each.__traceback__)
        if _is_own(frame, builder)
    ]
    return own[-1] if own else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from, the first cause last."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        current = current.__cause__ or current.__context__
    yield from seen


def _is_own(frame: FrameType, builder: Builder) -> bool:
    if frame.f_code is getattr(builder, "__code__", None):
        return True
    module, own = str(frame.f_globals.get("__name__", "")), str(getattr(builder, "__module__", "") or "")
    package = own.partition(".")[0]
    # Of this library's own architectures only the module itself: the rest of the package calls it.
    return module == own if package == __name__.partition(".")[0] else module.partition(".")[0] == package
