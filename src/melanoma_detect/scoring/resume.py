"""What a run of scoring has done so far: parts kept beside the result, so that a run that was killed can go on."""

import hashlib
import io
import json
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from melanoma_detect.errors import OutputError
from melanoma_detect.scoring.inputs import Item, in_parts
from melanoma_detect.scoring.places import is_address
from melanoma_detect.scoring.storage import Store
from melanoma_detect.scoring.table import Row, parsed, written
from melanoma_detect.scoring.workers import Shard

_SETTINGS = "run.json"
_PART = re.compile(r"\d+-[0-9a-f]{32}\.csv")
_CLOSE = 1e-3  # how far answers of the same detector may lie apart: other machines, other runtimes


class Journal:
    """The parts of one result that are done.

    A part that was kept counts again only where everything is as it was: the run's settings, and the names, places, sizes and
    times of change of its images.

    Args:
        store: Where it is kept.
        settings: What the result hangs on, as JSON has it.
        overwrite: Start anew where something kept does not fit, in place of refusing.

    Raises:
        OutputError: What is kept belongs to a run with other settings, and `overwrite` is False.

    Examples:
        >>> from melanoma_detect.scoring.storage import store_of
        >>> journal = Journal(store_of("scores.csv"), {"detector": "a"})
        >>> [part] = journal.parts([Item("a.jpg", "/a.jpg")], size=10)
        >>> journal.keep(part, [["a.jpg", "nevus"]])
        >>> list(Journal(store_of("scores.csv"), {"detector": "a"}).rows([part]))
        [['a.jpg', 'nevus']]
    """

    def __init__(self, store: Store, settings: Mapping[str, Any], *, overwrite: bool = False) -> None:
        self._store, self._overwrite = store, overwrite
        self._run = self._opened(settings)
        self._kept = {name for name in store.names() if _PART.fullmatch(name)}
        self._numbers = {int(name.partition("-")[0]) for name in self._kept}

    def parts(self, items: Iterable[Item], size: int) -> Iterator[Shard]:
        """Cut a stream of images into parts.

        Args:
            items: The images.
            size: Images in a part.

        Yields:
            The parts, in order.
        """
        for number, chosen in enumerate(in_parts(items, size)):
            yield Shard(number, chosen, self._digest(chosen))

    def has(self, part: Shard) -> bool:
        """Return whether a part is done already.

        Args:
            part: From `parts`.

        Returns:
            Whether it is.

        Raises:
            OutputError: A part of this number is kept that was of other images, and `overwrite` is False.
        """
        if _name(part) in self._kept:
            return True
        if part.number in self._numbers and not self._overwrite:
            raise self._changed(f"from {part.items[0].name} on")
        return False

    def finish(self, count: int) -> None:
        """Refuse to end where the unfinished run had more images.

        Args:
            count: How many parts there are.

        Raises:
            OutputError: There are parts that were of images now gone, and `overwrite` is False.
        """
        if not self._overwrite and any(number >= count for number in self._numbers):
            raise self._changed("some are gone")

    def keep(self, part: Shard, rows: Iterable[Row]) -> None:
        """Keep the rows of a part, whole or not at all.

        Args:
            part: From `parts`.
            rows: Its rows.

        Raises:
            OutputError: The place cannot be written.
        """
        self._store.write(_name(part), written(rows).encode())

    def rows(self, parts: Iterable[Shard]) -> Iterator[list[str]]:
        """Read what was kept.

        Args:
            parts: Which parts; their images are not looked at.

        Yields:
            Their rows, in order.
        """
        for part in parts:
            yield from parsed(io.StringIO(self._store.read(_name(part)).decode(), newline=""))

    def _opened(self, settings: Mapping[str, Any]) -> str:
        """Return the name of the run: the one that is there where it fits, else a new one."""
        names = self._store.names()
        if _SETTINGS in names:
            found = json.loads(self._store.read(_SETTINGS))
            changed = [name for name, value in settings.items() if not _same(value, found["settings"].get(name))]
            if not changed:
                return str(found["run"])
            if not self._overwrite and any(map(_PART.fullmatch, names)):
                raise OutputError(
                    f"{self._store.out}: an unfinished run is kept there with another {' and another '.join(changed)}; go "
                    "on with the same, start anew (--overwrite), or choose another place"
                )
        self._store.drop(filter(_PART.fullmatch, names))
        run = uuid.uuid4().hex
        self._store.write(_SETTINGS, json.dumps({"run": run, "settings": settings}, indent=1).encode())
        return run

    def _changed(self, where: str) -> OutputError:
        return OutputError(
            f"{self._store.out}: the images have changed since the unfinished run there ({where}); start anew "
            "(--overwrite), or choose another place"
        )

    def _digest(self, items: Iterable[Item]) -> str:
        # With the run's own name: what an earlier run left behind is never taken for this one's.
        known = json.dumps([self._run, [(*item, *_stamp(item.place)) for item in items]])
        return hashlib.sha256(known.encode()).hexdigest()[:32]


def _name(part: Shard) -> str:
    return f"{part.number:07d}-{part.digest}.csv"


def _stamp(place: str) -> tuple[int, ...]:
    """Return the size and the time of change of a file on this machine; nothing where it is missing or lies elsewhere."""
    if is_address(place) or not place:
        return ()
    try:
        found = os.stat(place)  # noqa: PTH116 - for millions of files
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns


def _same(value: Any, found: Any) -> bool:
    """Compare settings: numbers with a fraction by how near they are, all else as it is."""
    if isinstance(value, dict):
        return isinstance(found, dict) and all(_same(one, found.get(name)) for name, one in value.items())
    if isinstance(value, list) and value and isinstance(value[0], float):
        return isinstance(found, list) and len(found) == len(value) and bool(np.allclose(value, found, atol=_CLOSE))
    return bool(value == found)
