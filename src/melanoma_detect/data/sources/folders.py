"""Class folders: the images of a source, with the labels and splits that its folders name."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from melanoma_detect.data.record import SPLITS, SplitName
from melanoma_detect.data.sources.table import FILE_NAME, Table, find_table
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.reader import SUFFIXES
from melanoma_detect.utils.files import is_hidden, walk_files

SPLIT_NAMES: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "valid": "validation",
    "val": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


class SourceImage(NamedTuple):
    """An image as its source names it; the file has not been opened.

    Attributes:
        id: Its path below the source's folder, with slashes.
        path: The file.
        label: Its class; empty where a table gives none.
        split: The split that the source names; train where it names none.
    """

    id: str
    path: Path
    label: str
    split: SplitName


@dataclass(frozen=True)
class Contents:
    """The contents of one source.

    Attributes:
        root: The folder that holds the split folders, the class folders, or the images.
        images: The labelled images, in a fixed order.
        classes: The class names of the training images, sorted.
        other_files: Files that take no part, sorted.
        splits: The splits that the source itself gives; empty where it gives none.
        table: The metadata of the images, or None.
        unlabelled: Images that the table lists without a label.
    """

    root: Path
    images: list[SourceImage]
    classes: tuple[str, ...]
    other_files: tuple[Path, ...]
    splits: frozenset[SplitName]
    table: Table | None = None
    unlabelled: tuple[SourceImage, ...] = ()


def read_folder(folder: "str | os.PathLike[str]") -> Contents:
    """Read a folder of images: `Train` and `Test` with a folder per class in each, or the class folders alone.

    Both may stand one folder deeper, as an archive unpacks. Files are listed by their names; none is opened but the
    `metadata.csv` beside the folders.

    Args:
        folder: The folder.

    Returns:
        Its images, in a fixed order, and its other files.

    Raises:
        DatasetError: The folder is missing or empty, has no class folders, one class only, a Train without a Test (or the
            other way round), an empty class, or a class outside Train that Train lacks.

    Examples:
        >>> contents = read_folder(isic9)
        >>> len(contents.classes), sorted(contents.splits)
        (9, ['test', 'train'])
    """
    if not isinstance(folder, (str, os.PathLike)):
        raise DatasetError(f"{folder!r} is not a folder; expected the path of one")
    # Absolute: the files are still found after a change of the working folder, and by workers that started in another one.
    root, split_folders = _find_root(Path(folder).expanduser().absolute())
    classes = _class_names(split_folders.get("train", root))
    for split, split_folder in split_folders.items():
        _check_classes(split, split_folder, classes)
    images = [
        image
        for split, split_folder in (split_folders or {"train": root}).items()
        for label in classes
        for image in _source_images(root, split_folder / label, split)
    ]
    # Class folders alone may be the Train of a set, with its table beside it.
    table = _find_table([root] if split_folders else [root, root.parent])
    used = {FILE_NAME, *(image.id for image in images)}
    other = tuple(root / name for name in walk_files(root) if name not in used)
    return Contents(root, images, classes, other, frozenset(split_folders), table)


def _source_images(root: Path, folder: Path, split: SplitName) -> list[SourceImage]:
    prefix = folder.relative_to(root).as_posix()
    return [SourceImage(f"{prefix}/{path.name}", path, folder.name, split) for path in _list_images(folder)]


def _find_table(folders: list[Path]) -> Table | None:
    paths = [folder / FILE_NAME for folder in folders]
    return next((find_table(path) for path in paths if path.is_file()), None)


def _find_root(folder: Path) -> tuple[Path, dict[SplitName, Path]]:
    """Return the folder that holds the splits or classes, and the split folders by name."""
    if not folder.is_dir():
        what = "a file" if folder.exists() else "no such folder"
        raise DatasetError(f"{folder}: {what}; expected a folder with Train/ and Test/, or with one folder per class")
    candidates = [folder, *_subfolders(folder)]
    with_splits = [(parent, splits) for parent in candidates if (splits := _split_folders(parent))]
    if with_splits:
        _check_unambiguous(folder, with_splits)
        _check_train_and_test(with_splits[0][1])
        return with_splits[0]
    with_classes = [parent for parent in candidates if any(map(_has_images, _subfolders(parent)))]
    if with_classes:
        return with_classes[0], {}
    raise DatasetError(
        f"{folder}: no images in class folders; expected Train/ and Test/ with one folder per class, or one folder per "
        f"class; found {_listing(folder)}. Name the folder that holds them"
    )


def _split_folders(folder: Path) -> dict[SplitName, Path]:
    by_split: dict[SplitName, Path] = {}
    for child in _subfolders(folder):
        split = SPLIT_NAMES.get(child.name.lower())
        if split and split in by_split:
            raise DatasetError(
                f"{folder}: both {by_split[split].name}/ and {child.name}/ are the {split} split; keep one of them"
            )
        if split:
            by_split[split] = child
    return {split: by_split[split] for split in SPLITS if split in by_split}


def _check_unambiguous(folder: Path, with_splits: list[tuple[Path, dict[SplitName, Path]]]) -> None:
    if len(with_splits) > 1 and with_splits[0][0] != folder:
        names = ", ".join(parent.name for parent, _ in with_splits)
        raise DatasetError(f"{folder}: {len(with_splits)} folders hold a Train or Test ({names}); name the one to load")


def _check_train_and_test(folders: dict[SplitName, Path]) -> None:
    if "train" not in folders:
        present = next(iter(folders.values()))
        raise DatasetError(f"{present}: stands without a Train folder beside it; add one, or load {present} by itself")
    if "test" not in folders:
        train = folders["train"]
        raise DatasetError(
            f"{train}: stands without a Test folder beside it; add one, or load {train} by itself: a test split is then "
            "taken from it"
        )


def _class_names(folder: Path) -> tuple[str, ...]:
    folders = _subfolders(folder)
    empty = [child for child in folders if not _has_images(child)]
    if empty:
        raise DatasetError(
            f"{empty[0]}: a class folder without images (found {_listing(empty[0])}); put images with the suffixes "
            f"{', '.join(sorted(SUFFIXES))} there, or remove the folder"
        )
    names = tuple(child.name for child in folders)
    if len(names) < 2:
        raise DatasetError(
            f"{folder}: {len(names)} class folder{'s' * (len(names) != 1)} ({', '.join(names) or 'none'}); expected two or "
            "more, one for each diagnosis"
        )
    return names


def _check_classes(split: SplitName, folder: Path, classes: tuple[str, ...]) -> None:
    unknown = [child for child in _subfolders(folder) if child.name not in classes and _has_images(child)]
    if unknown:
        raise DatasetError(
            f"{unknown[0]}: a class of {split} that Train lacks; a model cannot learn a class without training images. "
            f"Expected some of: {', '.join(classes)}. Rename the folder, add the class to Train, or remove it"
        )
    if not any(_has_images(folder / label) for label in classes):
        raise DatasetError(f"{folder}: no images of any class; expected folders named {', '.join(classes)}")


def _subfolders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(child for child in folder.iterdir() if child.is_dir() and not is_hidden(child.name))


def _list_images(folder: Path) -> list[Path]:
    children = folder.iterdir() if folder.is_dir() else ()
    return sorted(filter(_is_image, children), key=lambda path: path.name)


def _has_images(folder: Path) -> bool:
    return folder.is_dir() and any(map(_is_image, folder.iterdir()))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not is_hidden(path.name)


def _listing(folder: Path) -> str:
    names = sorted(child.name + "/" * child.is_dir() for child in folder.iterdir())
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return shown or "nothing"
