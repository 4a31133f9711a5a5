"""Readers of sources: where the images of a dataset lie, and what their folders say about them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from melanoma_detect.data.record import Record, SetAside, SplitName
from melanoma_detect.data.sources.table import FILE_NAME, Table, find_table
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.reader import SUFFIXES

SPLIT_NAMES: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "valid": "validation",
    "val": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_CLUTTER = frozenset({".ds_store", "thumbs.db", "desktop.ini", "__macosx", ".git", ".ipynb_checkpoints"})


@dataclass(frozen=True)
class Contents:
    """What a reader found in a source.

    Attributes:
        root: The folder that holds the split folders, the class folders, or the images.
        records: A record an image, each a group of its own, not hashed yet.
        classes: The class names of the training images, sorted.
        other_files: Files that take no part, sorted.
        splits: The splits that the source itself gives; empty where it gives none.
        table: What is said about the images, or None.
        set_aside: Images without a label.
    """

    root: Path
    records: list[Record]
    classes: tuple[str, ...]
    other_files: tuple[Path, ...]
    splits: frozenset[SplitName]
    table: Table | None = None
    set_aside: tuple[SetAside, ...] = ()


def read_folder(folder: "str | os.PathLike[str]") -> Contents:
    """Read a folder of images: `Train` and `Test` with a folder per class in each, or the class folders alone.

    Both may stand one folder deeper, as an archive unpacks. Files are listed by their names; none is opened but the
    `metadata.csv` beside the folders.

    Args:
        folder: The folder.

    Returns:
        Its images, in a fixed order, and whatever else lies there.

    Raises:
        DatasetError: The folder is missing or empty, has no class folders, one class only, a Train without a Test (or the
            other way round), an empty class, or a class outside Train that Train lacks.

    Examples:
        >>> contents = read_folder(isic9)
        >>> len(contents.classes), sorted(contents.splits)
        (9, ['test', 'train'])
    """
    if not isinstance(folder, (str, os.PathLike)):
        raise DatasetError(f"{folder!r} is no folder; expected the path of one")
    # Absolute: whoever changes the working folder later, and workers that started in another one, still find the files.
    root, split_folders = _find_root(Path(folder).expanduser().absolute())
    classes = _class_names(split_folders.get("train", root))
    for split, place in split_folders.items():
        _refuse_strangers(split, place, classes)
    splits = split_folders or {"train": root}
    images = [
        (path, label, split) for split, place in splits.items() for label in classes for path in _images(place / label)
    ]
    records = _records(root, images)
    table = _find_table([root] if split_folders else [root, root.parent])
    taken = {record.path for record in records} | {place / FILE_NAME for place in (root, root.parent)}
    other = tuple(path for path in files_below(root) if path not in taken)
    return Contents(root, records, classes, other, frozenset(split_folders), table)


def files_below(root: Path) -> Iterator[Path]:
    """Yield every file of a folder and its subfolders in a fixed order, without a system's own clutter.

    Args:
        root: The folder.

    Yields:
        Paths.

    Examples:
        >>> sum(path.suffix == ".csv" for path in files_below(isic9))
        1
    """
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if not _clutter(Path(name)))
        yield from (Path(folder, name) for name in sorted(names) if not _clutter(Path(name)))


def _find_table(places: list[Path]) -> Table | None:
    """Return the metadata.csv of a folder; class folders alone may be the Train of a set, with its table beside it."""
    found = next((place / FILE_NAME for place in places if (place / FILE_NAME).is_file()), None)
    return find_table(found) if found else None


def _find_root(folder: Path) -> tuple[Path, dict[SplitName, Path]]:
    """Return the folder that holds the splits or classes, and the split folders by name."""
    if not folder.is_dir():
        what = "a file" if folder.exists() else "no such folder"
        raise DatasetError(f"{folder}: {what}; expected a folder with Train/ and Test/, or with one folder per class")
    candidates = [folder, *_subfolders(folder)]
    with_splits = [(place, found) for place in candidates if (found := _split_folders(place))]
    if with_splits:
        place, found = with_splits[0]
        _refuse_ambiguous(folder, with_splits)
        _refuse_half(found)
        return place, found
    with_classes = [place for place in candidates if any(map(_images, _subfolders(place)))]
    if with_classes:
        return with_classes[0], {}
    raise DatasetError(
        f"{folder}: no images in class folders; expected Train/ and Test/ with one folder per class, or one folder per "
        f"class; found {_listing(folder)}. Name the folder that holds them"
    )


def _split_folders(place: Path) -> dict[SplitName, Path]:
    found: dict[SplitName, Path] = {}
    for child in _subfolders(place):
        split = SPLIT_NAMES.get(child.name.lower())
        if split and split in found:
            raise DatasetError(f"{place}: both {found[split].name}/ and {child.name}/ say {split}; keep one of them")
        if split:
            found[split] = child
    return {split: found[split] for split in ("train", "validation", "test") if split in found}


def _refuse_ambiguous(folder: Path, found: list[tuple[Path, dict[SplitName, Path]]]) -> None:
    if len(found) > 1 and found[0][0] != folder:
        names = ", ".join(place.name for place, _ in found)
        raise DatasetError(f"{folder}: {len(found)} folders hold a Train or Test ({names}); name the one to load")


def _refuse_half(found: dict[SplitName, Path]) -> None:
    if "train" not in found:
        present = next(iter(found.values()))
        raise DatasetError(f"{present}: stands without a Train folder beside it; add one, or load {present} by itself")
    if "test" not in found:
        train = found["train"]
        raise DatasetError(
            f"{train}: stands without a Test folder beside it; add one, or load {train} by itself: a test part is then cut "
            "off from it"
        )


def _class_names(place: Path) -> tuple[str, ...]:
    folders = _subfolders(place)
    empty = [folder for folder in folders if not _images(folder)]
    if empty:
        raise DatasetError(
            f"{empty[0]}: a class folder without images (found {_listing(empty[0])}); put images with the suffixes "
            f"{', '.join(sorted(SUFFIXES))} there, or take the folder out"
        )
    names = tuple(folder.name for folder in folders)
    if len(names) < 2:
        raise DatasetError(
            f"{place}: {len(names)} class folder{'s' * (len(names) != 1)} ({', '.join(names) or 'none'}); expected two or "
            "more, one for each diagnosis to tell apart"
        )
    return names


def _refuse_strangers(split: SplitName, place: Path, classes: tuple[str, ...]) -> None:
    strangers = [folder for folder in _subfolders(place) if folder.name not in classes and _images(folder)]
    if strangers:
        raise DatasetError(
            f"{strangers[0]}: a class of {split} that Train lacks; a model can only tell what it was shown. Expected some "
            f"of: {', '.join(classes)}. Rename the folder, add the class to Train, or take it out"
        )
    if not any(_images(place / label) for label in classes):
        raise DatasetError(f"{place}: no images of any class; expected folders named {', '.join(classes)}")


def _records(root: Path, images: list[tuple[Path, str, SplitName]]) -> list[Record]:
    ids = [path.relative_to(root).as_posix() for path, _, _ in images]
    return [
        Record(name, path, label, split, group=name, digest="", source=root.name)
        for name, (path, label, split) in zip(ids, images, strict=True)
    ]


def _subfolders(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted(child for child in place.iterdir() if child.is_dir() and not _clutter(child))


def _images(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted(child for child in place.iterdir() if child.suffix.lower() in SUFFIXES and not _clutter(child))


def _clutter(path: Path) -> bool:
    return path.name.lower() in _CLUTTER or path.name.startswith(".")


def _listing(place: Path) -> str:
    names = sorted(child.name + "/" * child.is_dir() for child in place.iterdir())
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return shown or "nothing"
