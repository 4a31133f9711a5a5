"""More training pictures of the rare classes, each with its parent.

The plan is drawn first: which parent, which operations, which seed. What follows is a function of the plan alone, so that
any number of workers makes the same pictures, byte for byte, and a manifest can replay them.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import importlib_metadata
import numpy as np
from joblib import Parallel, delayed
from PIL import Image

from melanoma_detect.console import cache_folder, track, writing_to
from melanoma_detect.data.dataset import Dataset, Part
from melanoma_detect.data.hashes import digests
from melanoma_detect.data.images import read
from melanoma_detect.data.operations import ASSIGNMENT, Operation, parse, seeded
from melanoma_detect.data.records import Record
from melanoma_detect.errors import DatasetError

_MANIFEST = "manifest.json"
_JPEG = {"quality": 95, "subsampling": 0}
_FEW = 200  # below this, starting workers takes longer than the work


@dataclass(frozen=True)
class _Copy:
    """One picture to make: drawn beforehand, so that making it leaves nothing to chance."""

    file: str
    label: str
    parent: str
    parent_digest: str
    seed: int
    applied: tuple[str, ...]


def balance(
    data: Dataset,
    *,
    add: int | None = None,
    to: int | Literal["max"] | None = None,
    operations: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 123,
    workers: int | None = None,
    cache: "str | os.PathLike[str] | None" = None,
    progress: bool = True,
) -> Dataset:
    """Return a dataset with more training pictures, made from its own by Augmentor.

    Only the training split grows; each new record names its parent and stands in its group, so that no copy can reach
    validation or test. The pictures are written once, at the dataset's image size, to a cache folder outside your data, with a
    manifest; asked for again, they are read from there.

    Args:
        data: A dataset that is split already.
        add: How many to add to each class.
        to: How many each class shall have at least, or `"max"` for as many as the largest class, which is what happens where
            neither `add` nor `to` is given.
        operations: Augmentor's operations by name with their arguments, applied in order; by default the assignment's rotation
            by up to 10 degrees with probability 0.7.
        seed: Where parents and random amounts come from; the same seed gives the same bytes.
        workers: How many processes work; as many as there are processors where it is None.
        cache: The folder to write to; `MELANOMA_DETECT_CACHE` or the system's cache folder where it is None.
        progress: Draw a progress bar.

    Returns:
        A new Dataset; the one given stays as it is.

    Raises:
        DatasetError: Arguments that contradict each other, an unknown operation, or a class without training pictures.
        OutputError: The cache folder cannot be written.

    Examples:
        >>> balanced = balance(data, to=30, progress=False)
        >>> int(balanced.distribution()["train"].min())
        30
    """
    chosen = parse(ASSIGNMENT if operations is None else operations)
    copies = _plan(data.train, _wanted(data.train, add, to), chosen, seed)
    if not copies:
        return data
    manifest = {
        "schema": 1,
        "seed": seed,
        "image_size": list(data.image_size),
        "operations": {
            operation.name: {"probability": operation.probability, **operation.options} for operation in chosen
        },
        "made_with": {name: importlib_metadata.version(name) for name in ("augmentor", "pillow")},
        "pictures": [asdict(copy) for copy in copies],
    }
    text = json.dumps(manifest, indent=1, sort_keys=True)
    store = Path(cache).expanduser().absolute() if cache else cache_folder("balanced")
    place = store / hashlib.sha256(text.encode()).hexdigest()[:24]
    if not (place / _MANIFEST).is_file():
        with writing_to(place):
            _make_all(copies, data, chosen, place, text, workers=workers, progress=progress)
    made = _as_records(copies, data.train, place)
    if {record.id for record in made} & {record.id for record in data.records}:
        raise DatasetError("the dataset holds these very copies already; balance once, or give another seed")
    return data.with_records([*data.records, *made])


def _wanted(train: Part, add: int | None, to: int | Literal["max"] | None) -> dict[str, int]:
    """Return how many pictures each class is to get."""
    if add is not None and to is not None:
        raise DatasetError(f"add={add} and to={to!r}; expected one of them: how many more, or how many in the end")
    counts = Counter(record.label for record in train.records)
    missing = [label for label in train.classes if not counts[label]]
    if missing:
        raise DatasetError(
            f"class {missing[0]!r} has no training pictures to make more from; add some or drop the class"
        )
    if add is not None:
        _refuse_negative("add", add)
        return dict.fromkeys(train.classes, add)
    goal = max(counts.values()) if to in (None, "max") else to
    _refuse_negative("to", goal)
    return {label: max(0, int(goal) - counts[label]) for label in train.classes}


def _refuse_negative(name: str, number: Any) -> None:
    if not isinstance(number, int) or number < 0:
        raise DatasetError(f"{name}={number!r}; expected a whole number, 0 or more" + ", or 'max'" * (name == "to"))


def _plan(train: Part, wanted: Mapping[str, int], operations: Sequence[Operation], seed: int) -> list[_Copy]:
    copies: list[_Copy] = []
    for position, label in enumerate(train.classes):
        # Copies are made from pictures as they came, never from other copies.
        parents = [record for record in train.records if record.label == label and record.parent is None]
        rng = np.random.default_rng([seed, position])
        for number in range(wanted[label]):
            parent = parents[int(rng.integers(len(parents)))]
            gates = rng.random(len(operations))
            applied = tuple(op.name for op, gate in zip(operations, gates, strict=True) if gate < op.probability)
            file = f"{position:02d}/{number:05d}_{Path(parent.id).stem}.jpg"
            copies.append(_Copy(file, label, parent.id, parent.digest, int(rng.integers(2**32)), applied))
    return copies


def _make_all(
    copies: Sequence[_Copy],
    data: Dataset,
    operations: Sequence[Operation],
    place: Path,
    manifest: str,
    *,
    workers: int | None,
    progress: bool,
) -> None:
    """Make the pictures in a folder beside the place, then rename it: the place is whole or absent."""
    place.parent.mkdir(parents=True, exist_ok=True)
    paths = {record.id: record.path for record in data.train.records}
    by_name = {operation.name: operation for operation in operations}
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-", ignore_cleanup_errors=True) as partial:
        for folder in {Path(copy.file).parent for copy in copies}:
            (Path(partial) / folder).mkdir()
        jobs = (
            delayed(_make)(
                paths[copy.parent],
                data.image_size,
                [by_name[name] for name in copy.applied],
                copy.seed,
                Path(partial, copy.file),
            )
            for copy in copies
        )
        count = 1 if len(copies) < _FEW else (workers or -1)
        made = Parallel(n_jobs=count, return_as="generator_unordered")(jobs)
        for _ in track(made, "balancing", len(copies), shown=progress):
            pass
        Path(partial, _MANIFEST).write_text(manifest, encoding="utf-8")
        _publish(Path(partial), place)


def _make(path: Path, size: tuple[int, int], operations: Sequence[Operation], seed: int, out: Path) -> None:
    image = Image.fromarray(read(path, size))
    with seeded(seed):
        for operation in operations:
            image = operation.apply(image)
    image.convert("RGB").save(out, "JPEG", **_JPEG)


def _publish(partial: Path, place: Path) -> None:
    whole = place.with_name(partial.name + "-whole")
    partial.rename(whole)
    try:
        whole.rename(place)
    except OSError:
        # Another process was faster; its pictures are the same, byte for byte.
        shutil.rmtree(whole)
        if not place.is_dir():
            raise


def _as_records(copies: Sequence[_Copy], train: Part, place: Path) -> list[Record]:
    parents = {record.id: record for record in train.records}
    paths = [place / copy.file for copy in copies]
    return [
        Record(
            id=f"balanced/{place.name}/{copy.file}",
            path=path,
            label=copy.label,
            split="train",
            group=parents[copy.parent].group,
            digest=digest,
            parent=copy.parent,
            source=parents[copy.parent].source,
        )
        for copy, path, digest in zip(copies, paths, digests(paths), strict=True)
    ]
