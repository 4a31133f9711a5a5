"""Balancing: more training images of the rare classes, made by Augmentor, each with its parent.

The plan is drawn first: which parent, which operations, which seed. What follows is a function of the plan alone, so that
any number of workers makes the same images, byte for byte, and a manifest can replay them.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

import importlib_metadata
import numpy as np
from joblib import Parallel, delayed
from PIL import Image

from melanoma_detect.data.arguments import check_choice, check_image_size
from melanoma_detect.data.augmentor import ASSIGNMENT, Operation, parse
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.record import Record
from melanoma_detect.data.scan import digests
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DatasetError, OutputError
from melanoma_detect.images.reader import ImageLike, Resize, read_pixels
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.file_names import fitting_name
from melanoma_detect.utils.files import atomic_file, atomic_folder, cache_folder, convert_write_errors, is_hidden
from melanoma_detect.utils.interruption import Interruption, noting_interruption
from melanoma_detect.utils.locks import one_at_a_time
from melanoma_detect.utils.outputs import check_is_path
from melanoma_detect.utils.partial_paths import remove_path
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.progress import progress_bar
from melanoma_detect.utils.random import check_seed, seeded

_ID_PREFIX = "balanced/"  # of the ids of copies
_MANIFEST = "manifest.json"
_JPEG = {"quality": 95, "subsampling": 0}
_JPEG_END = b"\xff\xd9"
_PARENTS = 16  # handed to a worker at once
_FEW = 200  # below this, starting workers takes longer than the work


@dataclass(frozen=True)
class _Copy:
    """One image to make. Everything random about it is drawn beforehand."""

    file: str
    label: str
    parent: str
    parent_digest: str
    seed: int
    applied: tuple[str, ...]


@dataclass(frozen=True)
class _Work:
    """What a worker needs to know to make copies of any parent."""

    folder: Path
    size: tuple[int, int]
    resize: Resize
    operations: tuple[Operation, ...]

    def make(self, image: ImageLike, copies: Sequence[_Copy]) -> int:
        """Make all copies of one parent, which is decoded once; return how many."""
        parent = Image.fromarray(read_pixels(image, self.size, self.resize))
        for copy in copies:
            changed = parent
            with seeded(copy.seed):
                for operation in self.operations:
                    if operation.name in copy.applied:
                        changed = operation.apply(changed)
            # A file under its own name is complete: a call that was killed goes on from there.
            with atomic_file(self.folder / copy.file, one_of_many=True) as partial:
                changed.convert("RGB").save(partial, "JPEG", **_JPEG)
        return len(copies)


def balance(
    data: Dataset,
    *,
    add: int | None = None,
    to: int | Literal["max"] | None = None,
    method: Literal["files", "weights"] = "files",
    operations: Mapping[str, Mapping[str, Any]] | None = None,
    image_size: tuple[int, int] | None = None,
    seed: int = 123,
    workers: int | None = None,
    cache: "str | os.PathLike[str] | None" = None,
    progress: bool = True,
) -> Dataset:
    """Return a dataset with more training images, made from its own by Augmentor.

    Only the training split grows; each new record names its parent and belongs to its group, so that no copy can reach
    validation or test. The images are written once, at the dataset's image size, to a cache folder outside your data, with a
    manifest; asked for again, they are read from there. A call that was killed goes on where it stopped.

    Args:
        data: A dataset that is split already.
        add: How many to add to each class: 500 is 500 of every class, however few images it has. Where most images of a class
            are copies then, a line says so.
        to: How many each class shall have at least, or `"max"` for as many as the largest class, which is what happens where
            neither `add` nor `to` is given.
        method: `"files"` makes images; `"weights"` makes none: each epoch draws the images of rare classes more often, as
            many times as the files would have shown them.
        operations: Augmentor's operations by name with their arguments, applied in order; by default the assignment's rotation
            by up to 10 degrees with probability 0.7.
        image_size: `(height, width)` in pixels to make them at; the dataset's where it is None.
        seed: Of the choice of parents and random amounts; the same seed gives the same bytes.
        workers: How many processes work; as many as there are processors where it is None.
        cache: The folder to write to; `MELANOMA_DETECT_CACHE` or the system's cache folder where it is None.
        progress: Draw a progress bar.

    Returns:
        A new Dataset; the given one does not change.

    Raises:
        DatasetError: Arguments that contradict each other, an unknown operation, or a class without training images.
        OutputError: The cache folder cannot be written.

    Examples:
        >>> balanced = balance(data, to=30, progress=False)
        >>> int(balanced.distribution()["train"].min())
        30
    """
    _check_dataset(data)
    seed = check_seed(seed, DatasetError)
    check_choice("method", method, ("files", "weights"))
    wanted = _wanted(data.train, add, to)
    if method == "weights":
        _check_files_options(operations=operations, image_size=image_size, workers=workers, cache=cache)
        return _weighted(data, wanted)
    size = data.image_size if image_size is None else check_image_size(image_size)
    chosen = parse(ASSIGNMENT if operations is None else operations)
    copies = _plan(data.train, wanted, chosen, seed)
    if not copies:
        return data
    text = json.dumps(_manifest(copies, chosen, seed, size, data.resize), indent=1, sort_keys=True)
    if cache is not None:
        check_is_path(cache)
    store = expand_path(cache).absolute() if cache else cache_folder("balanced")
    folder = store / hashlib.sha256(text.encode()).hexdigest()[:24]
    if not _is_complete(folder):
        kept = Interruption(
            "the copies made so far are kept in the cache folder", "the same call goes on from there", store
        )
        with noting_interruption(lambda: kept), one_at_a_time(folder):
            if not _is_complete(folder):  # the process that we have waited for may have made it
                # Resumed, and shared by machines at the same time: all of them make the same images, byte for byte.
                with convert_write_errors(folder), atomic_folder(folder, resume=True) as partial:
                    work = _Work(partial, size, data.resize, chosen)
                    _make_all(copies, data, work, text, workers=workers, progress=progress)
    made = _as_records(copies, data.train, folder)
    with progress_bar("balancing", shown=progress) as bar:
        if line := _describe_copies([*data.train.records, *made]):
            bar.print(line)
    if {record.id for record in made} & {record.id for record in data.records}:
        raise DatasetError("these copies are in the dataset already; balance once, or give another seed")
    return data.with_records([*data.records, *made])


def _check_dataset(data: Any) -> None:
    if not isinstance(data, Dataset):
        grows = ", whose training split grows" if isinstance(data, Split) else ": load_dataset(folder)"
        raise DatasetError(f"data is a {type(data).__name__}; expected the whole Dataset{grows}")


def _describe_copies(records: Sequence[Record]) -> str:
    """Describe the classes of which most training images are copies; empty where there is none."""
    counts = Counter(record.label for record in records)
    copies = Counter(record.label for record in records if record.parent is not None)
    mostly = {label: copies[label] / counts[label] for label in copies if copies[label] > 0.5 * counts[label]}
    if not mostly:
        return ""
    label = max(mostly, key=lambda name: mostly[name])
    others = f" and over half of those of {count_noun(len(mostly) - 1, 'other class', 'other classes')}"
    return (
        f"{100 * mostly[label]:.0f} % of the training images of {label}{others if len(mostly) > 1 else ''} are copies: a "
        f"model sees only {counts[label] - copies[label]} different images of it"
    )


def _is_complete(folder: Path) -> bool:
    """Return whether a cached set is there; raise OutputError if a part of it was deleted."""
    is_filled = folder.is_dir() and any(folder.iterdir())
    # In this order: another process may rename the complete folder in between.
    if (folder / _MANIFEST).is_file():
        return True
    if is_filled:
        raise OutputError(
            f"{folder}: holds files, but no {_MANIFEST}, so some of them may be missing; delete this folder"
        )
    return False


def _check_files_options(**options: Any) -> None:
    if given := [name for name, value in options.items() if value is not None]:
        raise DatasetError(f"{given[0]}= goes with method='files'; method='weights' makes no images")


def _weighted(data: Dataset, wanted: Mapping[str, int]) -> Dataset:
    """Return the dataset with weights that show each class as often as files would."""
    counts = Counter(record.label for record in data.train.records)
    share = {label: (count + wanted.get(label, 0)) / count for label, count in counts.items()}
    return data.with_records(
        replace(record, weight=share[record.label]) if record.split == "train" else record for record in data.records
    )


def _manifest(
    copies: Sequence[_Copy], operations: Sequence[Operation], seed: int, size: tuple[int, int], resize: Resize
) -> dict[str, Any]:
    return {
        "schema": 2,
        "seed": seed,
        "image_size": list(size),
        "resize": resize,
        "operations": {
            operation.name: {"probability": operation.probability, **operation.options} for operation in operations
        },
        "made_with": {name: importlib_metadata.version(name) for name in ("augmentor", "pillow")},
        "images": [asdict(copy) for copy in copies],
    }


def _wanted(train: Split, add: int | None, to: int | Literal["max"] | None) -> dict[str, int]:
    """Return how many images each class is to get."""
    if add is not None and to is not None:
        raise DatasetError(f"add={add} and to={to!r}; expected one of them: how many more, or how many in the end")
    # A coarse label is no class: its images may be of any of the classes that it covers.
    counts = Counter(record.label for record in train.records if record.label in train.classes)
    missing = [label for label in train.classes if not counts[label]]
    if missing:
        raise DatasetError(f"class {missing[0]!r} has no training images to make more from; add some or drop the class")
    if add is not None:
        _check_count("add", add)
        return dict.fromkeys(train.classes, int(add))
    goal = max(counts.values()) if to in (None, "max") else to
    _check_count("to", goal)
    return {label: max(0, int(goal) - counts[label]) for label in train.classes}


def _check_count(name: str, number: Any) -> None:
    if isinstance(number, bool) or not isinstance(number, Integral) or int(number) < 0:
        raise DatasetError(f"{name}={number!r}; expected a whole number, 0 or more" + ", or 'max'" * (name == "to"))


def _plan(train: Split, wanted: Mapping[str, int], operations: Sequence[Operation], seed: int) -> list[_Copy]:
    copies: list[_Copy] = []
    for position, label in enumerate(train.classes):
        # Copies are made from images as they came, never from other copies.
        parents = [record for record in train.records if record.label == label and record.parent is None]
        rng = np.random.default_rng([seed, position])
        for number in range(wanted[label]):
            parent = parents[int(rng.integers(len(parents)))]
            draws = rng.random(len(operations))
            applied = tuple(op.name for op, draw in zip(operations, draws, strict=True) if draw < op.probability)
            file = f"{position:02d}/{number:05d}_{fitting_name(Path(parent.id).stem)}.jpg"
            copies.append(_Copy(file, label, parent.id, parent.key, int(rng.integers(2**32)), applied))
    return copies


def _make_all(
    copies: Sequence[_Copy],
    data: Dataset,
    work: _Work,
    manifest: str,
    *,
    workers: int | None,
    progress: bool,
) -> None:
    """Make the images that are not in the folder yet, then write the manifest."""
    images = {record.id: record.image for record in data.train.records}
    folders = [work.folder / folder for folder in {Path(copy.file).parent for copy in copies}]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    missing = [copy for copy in copies if not _is_whole(work.folder / copy.file)]
    of_parent: dict[str, list[_Copy]] = {}
    for copy in missing:
        of_parent.setdefault(copy.parent, []).append(copy)
    jobs = [(images[parent], own) for parent, own in of_parent.items()]
    count = 1 if len(missing) < _FEW else (workers or os.cpu_count() or 1)
    made = (
        (work.make(image, own) for image, own in jobs)
        if count == 1
        else Parallel(n_jobs=count, batch_size=_PARENTS, return_as="generator_unordered")(
            delayed(work.make)(image, own) for image, own in jobs
        )
    )
    done = len(copies) - len(missing)
    with progress_bar("balancing", shown=progress) as bar:
        bar.restart(total=len(copies), completed=done)
        for number in made:
            bar.advance(number)
    for leftover in (path for folder in folders for path in folder.iterdir() if is_hidden(path.name)):
        remove_path(leftover)  # of a process that was killed, here or on another machine
    with atomic_file(work.folder / _MANIFEST) as partial:
        partial.write_text(manifest, encoding="utf-8", newline="\n")


def _is_whole(path: Path) -> bool:
    """Return whether a copy is there to its end: a power cut may leave an empty file under its own name."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_JPEG_END), os.SEEK_END)
            return file.read() == _JPEG_END
    except OSError:
        return False


def is_balanced_copy(record: Record) -> bool:
    """Return whether an image was made by `balance`, rather than found in a source, whatever the source's folder is named.

    Args:
        record: A record.

    Returns:
        True for a copy.

    Examples:
        >>> any(is_balanced_copy(record) for record in data.train)
        False
    """
    is_named = record.parent is not None and record.id.startswith(_ID_PREFIX)
    return is_named and any((folder / _MANIFEST).is_file() for folder in record.path.parents[:2])


def _as_records(copies: Sequence[_Copy], train: Split, folder: Path) -> list[Record]:
    parents = {record.id: record for record in train.records}
    paths = [folder / copy.file for copy in copies]
    return [
        Record(
            id=f"{_ID_PREFIX}{folder.name}/{copy.file}",
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
