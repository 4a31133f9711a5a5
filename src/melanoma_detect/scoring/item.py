"""An image to be scored: what it is called, and where it lies."""

from typing import NamedTuple


class Item(NamedTuple):
    """An image to be scored.

    Attributes:
        name: What it is called in the result: the path as it was given, or as a table has it.
        path: An absolute path or an address; empty where a table names no image, or one that cannot be told.
        problem: Why the path is empty, for a table that does name something.
    """

    name: str
    path: str
    problem: str = ""
