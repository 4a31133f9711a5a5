"""The level of another library's log, for the time of a block."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def log_level(name: str, level: int) -> Iterator[None]:
    """Let a library log from a level on during a block.

    Args:
        name: The name of its logger.
        level: The lowest level that is logged, such as `logging.ERROR`.

    Examples:
        >>> with log_level("tensorflow", logging.ERROR):
        ...     logging.getLogger("tensorflow").isEnabledFor(logging.WARNING)
        False
    """
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
