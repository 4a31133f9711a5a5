"""The state of a scoring run: shards that are done, saved beside the table so that an interrupted run can resume."""

import hashlib
import json
import os
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from melanoma_detect.errors import OutputError
from melanoma_detect.images.frame_names import file_of
from melanoma_detect.scoring.addresses import is_address
from melanoma_detect.scoring.inputs import split_into_chunks
from melanoma_detect.scoring.item import Item
from melanoma_detect.scoring.shard_file import pack_rows, unpack_rows
from melanoma_detect.scoring.storage import Store
from melanoma_detect.scoring.table import Row
from melanoma_detect.scoring.workers import Shard

_SETTINGS = "run.json"
_SHARD = re.compile(r"\d+-[0-9a-f]{32}\.csv")
# The same detector's probabilities differ by up to about 1e-5 between machines and versions of ONNX Runtime, those of another
# detector by far more than this.
_TOLERANCE = 1e-3
_NAMED_ONLY = "settings"  # of the detector, whose digest decides; runs of earlier versions do not have them


class ScoringState:
    """The shards of one table that are done.

    A saved shard is used again only if nothing has changed: the run's settings, and the names, paths, sizes and times of
    change of the shard's images.

    Args:
        store: Where the shards are saved.
        settings: What the rows depend on; JSON values.
        width: Cells in a row.
        overwrite: Start again if something saved does not fit, in place of raising an error.

    Raises:
        OutputError: The saved shards belong to a run with other settings, and `overwrite` is False.

    Examples:
        >>> from melanoma_detect.scoring.storage import open_store
        >>> state = ScoringState(open_store("scores.csv"), {"detector": "a"}, width=2)
        >>> [shard] = state.split([Item("a.jpg", "/a.jpg")], size=10)
        >>> state.save(shard, [["a.jpg", "nevus"]])
        >>> list(ScoringState(open_store("scores.csv"), {"detector": "a"}, width=2).rows([shard]))
        [['a.jpg', 'nevus']]
    """

    def __init__(self, store: Store, settings: Mapping[str, Any], *, width: int, overwrite: bool = False) -> None:
        self._store, self._width, self._overwrite = store, width, overwrite
        self._run = self._resume_or_start(settings)
        self._saved = saved_shards(store)
        self._saved_numbers = {int(name.partition("-")[0]) for name in self._saved}

    def split(self, items: Iterable[Item], size: int) -> Iterator[Shard]:
        """Split a stream of images into shards.

        Args:
            items: The images.
            size: Images in a shard.

        Yields:
            The shards, in order.
        """
        for number, chunk in enumerate(split_into_chunks(items, size)):
            yield Shard(number, chunk, self._digest(chunk))

    def is_done(self, shard: Shard) -> bool:
        """Return whether a shard is saved.

        Args:
            shard: From `split`.

        Returns:
            Whether it is.

        Raises:
            OutputError: The saved shard of this number was of other images, and `overwrite` is False.
        """
        name = _file_name(shard)
        if name in self._saved:  # one that was damaged since is scored again
            return self._is_sound(name, shard)
        if shard.number in self._saved_numbers and not self._overwrite:
            raise self._images_changed(f"from {shard.items[0].name} on")
        return False

    def check_complete(self, count: int) -> None:
        """Raise OutputError if the unfinished run had more images than this one.

        Args:
            count: How many shards there are.

        Raises:
            OutputError: Shards are saved whose images are gone, and `overwrite` is False.
        """
        if not self._overwrite and any(number >= count for number in self._saved_numbers):
            raise self._images_changed("some are gone")

    def save(self, shard: Shard, rows: Iterable[Row]) -> None:
        """Save the rows of a shard, completely or not at all.

        Args:
            shard: From `split`.
            rows: Its rows.

        Raises:
            OutputError: They cannot be written.
        """
        self._store.write(_file_name(shard), pack_rows(rows))

    def rows(self, shards: Iterable[Shard]) -> Iterator[list[str]]:
        """Read saved rows.

        Args:
            shards: The shards to read; their `items` may be empty.

        Yields:
            Their rows, in order.

        Raises:
            OutputError: A saved shard has been changed since it was saved.
        """
        for shard in shards:
            rows = unpack_rows(self._store.read(_file_name(shard)))
            if rows is None:
                raise OutputError(
                    f"{self._store.out}: {_file_name(shard)}, which this run had saved beside it, has been changed meanwhile; "
                    "call score again with the same arguments"
                )
            yield from rows

    def _resume_or_start(self, settings: Mapping[str, Any]) -> str:
        """Return the name of the run to resume if its settings are the same, else of a new one."""
        names = self._store.names()
        saved = _parse_settings(self._store, names)
        if saved is not None:
            changed = [name for name, value in settings.items() if not _is_same(value, saved["settings"].get(name))]
            if not changed:
                return str(saved["run"])
            if not self._overwrite and any(map(_SHARD.fullmatch, names)):
                differences = [_describe(name, saved["settings"].get(name), settings[name]) for name in changed]
                raise OutputError(
                    f"{self._store.out}: an unfinished run there had another {' and another '.join(differences)}; resume "
                    "it with the same, start again (overwrite=True), or choose another path"
                )
        self._store.remove(filter(_SHARD.fullmatch, names))
        run = uuid.uuid4().hex
        self._store.write(_SETTINGS, json.dumps({"run": run, "settings": settings}, indent=1).encode())
        return run

    def _is_sound(self, name: str, shard: Shard) -> bool:
        try:
            rows = unpack_rows(self._store.read(name))
        except OutputError:
            return False
        # An image has a row, and a file of several frames has more.
        return rows is not None and len(rows) >= len(shard.items) and {len(row) for row in rows} == {self._width}

    def _images_changed(self, where: str) -> OutputError:
        return OutputError(
            f"{self._store.out}: the images have changed since the unfinished run there ({where}); start again "
            "(overwrite=True), or choose another path"
        )

    def _digest(self, items: Iterable[Item]) -> str:
        # With the run's name: another process that still writes shards of an overwritten run must not be mistaken for this one.
        content = json.dumps([self._run, [(item.name, item.path, *_size_and_time(item.path)) for item in items]])
        return hashlib.sha256(content.encode()).hexdigest()[:32]


def _parse_settings(store: Store, names: Collection[str]) -> dict[str, Any] | None:
    """Return the settings of an unfinished run; None where a power cut, or another program, has left something else."""
    if _SETTINGS not in names:
        return None
    try:
        saved = json.loads(store.read(_SETTINGS))
    except (OutputError, ValueError, RecursionError):
        return None
    is_run = isinstance(saved, dict) and isinstance(saved.get("settings"), dict) and isinstance(saved.get("run"), str)
    return saved if is_run else None


def _file_name(shard: Shard) -> str:
    return f"{shard.number:07d}-{shard.digest}.csv"


def _size_and_time(path: str) -> tuple[int, ...]:
    """Return a local file's size and time of change; nothing for a missing or a remote one."""
    if is_address(path) or not path:  # a request for each remote file would take longer than scoring it
        return ()
    try:
        status = os.stat(file_of(path))  # noqa: PTH116 - faster than Path.stat over millions of files
    except (OSError, ValueError):  # a table may name what is no path, such as one with a zero byte
        return ()
    return status.st_size, status.st_mtime_ns


def saved_shards(store: Store) -> set[str]:
    """Return the names of the shards that are saved.

    Args:
        store: Where they are saved.

    Returns:
        The names of their files.

    Examples:
        >>> from melanoma_detect.scoring.storage import open_store
        >>> saved_shards(open_store("scores.csv"))
        set()
    """
    return {name for name in store.names() if _SHARD.fullmatch(name)}


def _is_same(value: Any, saved: Any) -> bool:
    """Compare settings: lists of floats within a tolerance, everything else exactly."""
    if isinstance(value, dict):
        compared = {name: inner for name, inner in value.items() if name != _NAMED_ONLY}
        return isinstance(saved, dict) and all(_is_same(inner, saved.get(name)) for name, inner in compared.items())
    if isinstance(value, list) and value and isinstance(value[0], float):
        numbers = isinstance(saved, list) and len(saved) == len(value) and all(isinstance(one, float) for one in saved)
        return numbers and bool(np.allclose(value, saved, atol=_TOLERANCE))
    return bool(value == saved)


def _describe(name: str, before: Any, now: Any) -> str:
    """Return which setting has changed, with its values where those are short."""
    if isinstance(before, int) and isinstance(now, int):
        return f"{name} ({before}, now {now})"
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return name
    was, is_now = before.get(_NAMED_ONLY, {}), now.get(_NAMED_ONLY, {})
    if not was:  # a run of an earlier version
        return name
    changed = [key for key in {**was, **is_now} if is_now.get(key) != was.get(key)]
    listed = ", ".join(f"{key.replace('_', ' ')} {was.get(key)}, now {is_now.get(key)}" for key in changed)
    return f"{name} setting ({listed})" if changed else name
