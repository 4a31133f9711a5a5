"""Whether this package has caused a call, which other libraries may have passed on."""

from types import FrameType

_PACKAGE = __name__.partition(".")[0]


def is_asked_by_package(frame: FrameType | None) -> bool:
    """Return whether a call comes from this package, directly or through Keras or a plugin.

    Args:
        frame: The innermost call.

    Returns:
        Whether one of the calls is of this package.

    Examples:
        >>> is_asked_by_package(None)
        False
    """
    while frame:
        if str(frame.f_globals.get("__name__", "")).startswith(f"{_PACKAGE}."):
            return True
        frame = frame.f_back
    return False
