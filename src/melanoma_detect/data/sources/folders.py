"""Class folders: the images of a source, with the labels and splits that its folders name."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from melanoma_detect import taxonomy
from melanoma_detect.data.record import SPLITS, SplitName
from melanoma_detect.data.sources.folder_names import (
    Folders,
    Place,
    class_labels,
    common_start,
    find_places,
    folders_of,
    split_of,
)
from melanoma_detect.data.sources.left_out import describe_left_out
from melanoma_detect.data.sources.table import Table, TableRow
from melanoma_detect.data.sources.tree import Tree, read_tree
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.formats import SUFFIXES
from melanoma_detect.utils.files import is_hidden, readable_name
from melanoma_detect.utils.paths import expand_path


class SourceImage(NamedTuple):
    """An image as its source names it; the file has not been opened.

    Attributes:
        id: Its path below the source's folder, with slashes.
        path: The file.
        label: Its class; empty where a table gives none.
        split: The split that the source names; train where it names none.
        other_labels: Labels of the source that contradict the first.
    """

    id: str
    path: Path
    label: str
    split: SplitName
    other_labels: tuple[str, ...] = ()


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
        unlabelled: Images that the source lists without a label.
        rows: The rows of the table for each image that it names.
        notes: Sentences with counts of what was left out, for one warning.
        outward: Links that lead out of its folder and are not followed; images among them count as unreadable.
        unlisted: Images among the other files that a table, named by the user, does not list.
    """

    root: Path
    images: list[SourceImage]
    classes: tuple[str, ...]
    other_files: tuple[Path, ...]
    splits: frozenset[SplitName]
    table: Table | None = None
    unlabelled: tuple[SourceImage, ...] = ()
    rows: Mapping[Path, tuple[TableRow, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unlisted: tuple[Path, ...] = ()
    outward: frozenset[Path] = frozenset()


def read_folder(folder: "str | os.PathLike[str]") -> Contents:
    """Read class folders: `Train` and `Test` with the classes in each, or the class folders alone.

    They may stand at any depth, and the classes in any nesting, such as `benign/nevus`. Files are listed by their names; tables
    are not read.

    Args:
        folder: The folder.

    Returns:
        Its images, in a fixed order, and its other files.

    Raises:
        DatasetError: The folder is missing or empty, has no class folders, one class only, a Train without a Test (or the
            other way round), an empty class, a class outside Train that Train lacks, or two readings.

    Examples:
        >>> contents = read_folder(isic9)
        >>> len(contents.classes), sorted(contents.splits)
        (9, ['test', 'train'])
    """
    # Absolute: the files are still found after a change of the working folder, and by workers that started in another one.
    return read_class_folders(list_folder(expand_path(folder, DatasetError).absolute()))


def list_folder(folder: Path) -> Tree:
    """List the files of a folder that must be there.

    Args:
        folder: The folder, as an absolute path.

    Returns:
        Its files.

    Raises:
        DatasetError: There is no such folder.

    Examples:
        >>> len(list_folder(isic9).tables)
        1
    """
    if not folder.is_dir():
        no_folder = "no such folder", f"; write_samples({folder.name!r}) draws one to try"
        what, hint = ("a file", "") if folder.exists() else no_folder
        expected = f"expected a folder with Train/ and Test/, or with one folder per class{hint}"
        raise DatasetError(f"{folder}: {what}; {expected}")
    return read_tree(folder)


def read_class_folders(tree: Tree) -> Contents:
    """Read the images of class folders.

    Args:
        tree: The files of the source.

    Returns:
        The contents, without a table.

    Raises:
        DatasetError: As for `read_folder`.

    Examples:
        >>> len(read_class_folders(list_folder(isic9)).classes)
        9
    """
    folders = {path: folders_of(path, tree.root) for path in tree.images}
    places = find_places(set(folders.values()), tree.root)
    with_split = {own: place for own, place in places.items() if place.split}
    chosen = with_split or {own: place for own, place in places.items() if own}
    root = _root(tree, folders, chosen, given=bool(with_split))
    split_folders = _split_folders(root) if with_split else {}
    # In melanoma/train and nevus/train the root holds no folder of a split.
    split_folders |= {
        place.split: tree.root.joinpath(*own)
        for own, place in with_split.items()
        if place.split and place.split not in split_folders
    }
    if with_split:
        _check_train_and_test(split_folders)
    below = class_labels({place.below for place in chosen.values()}, root)
    labels = {own: below[place.below].strip() for own, place in chosen.items()}
    _check_labels(tree, root, labels, places)
    placeholders = {label for label in set(labels.values()) if taxonomy.is_missing(label)}
    named = [path for path, own in folders.items() if labels.get(own, "") not in placeholders | {""}]
    missing = [path for path, own in folders.items() if labels.get(own) and labels[own] in placeholders]
    images, unlabelled = (
        make_images(root, paths, {path: places[folders[path]].split or "train" for path in paths})
        for paths in (named, missing)
    )
    images = [image._replace(label=labels[folders[image.path]]) for image in images]
    images.sort(key=lambda image: (SPLITS.index(image.split), places[folders[image.path]].below, image.path.name))
    classes = _check_classes(root, images, split_folders)
    return Contents(
        root=root,
        images=images,
        classes=classes,
        other_files=files_besides(tree, {image.path for image in (*images, *unlabelled)}),
        splits=frozenset(place.split for place in with_split.values() if place.split),
        unlabelled=tuple(unlabelled),
        notes=describe_left_out(tree),
        outward=frozenset(tree.outward),
    )


def make_images(root: Path, paths: Sequence[Path], splits: Mapping[Path, SplitName]) -> list[SourceImage]:
    """Return images without labels; their ids are unique.

    Args:
        root: The folder that their ids start below.
        paths: The files.
        splits: The split of each.

    Returns:
        One image a file, in order.

    Examples:
        >>> make_images(Path("/set"), [Path("/set/a/1.jpg")], {Path("/set/a/1.jpg"): "train"})[0].id
        'a/1.jpg'
    """
    seen: dict[str, int] = {}
    images, start = [], os.fspath(root).rstrip(os.sep) + os.sep
    for path in paths:
        file = os.fspath(path)
        name = readable_name((file[len(start) :] if file.startswith(start) else path.name).replace(os.sep, "/"))
        # Two names that are no UTF-8 may read alike.
        seen[name] = seen.get(name, 0) + 1
        images.append(SourceImage(f"{name} #{seen[name]}" if seen[name] > 1 else name, path, "", splits[path]))
    return images


def files_besides(tree: Tree, used: Collection[Path]) -> tuple[Path, ...]:
    """Return the files of a source that take no part.

    Args:
        tree: Its files.
        used: Those that do.

    Returns:
        The others, in the order of a walk.

    Examples:
        >>> tree = list_folder(isic9)
        >>> [path.name for path in files_besides(tree, tree.images)]
        ['metadata.csv']
    """
    chosen = set(used)
    return tuple(path for path in tree.files if path not in chosen)


def _root(tree: Tree, folders: Mapping[Path, Folders], chosen: Mapping[Folders, Place], *, given: bool) -> Path:
    """Return the folder that holds the split folders or the class folders."""
    if not chosen:
        raise DatasetError(
            f"{tree.root}: no images in class folders; expected Train/ and Test/ with one folder per class, or one folder per "
            f"class, or a table that labels the images; found {_listing(tree.root)}. Name the folder that holds them"
        )
    depth = len(next(iter(chosen.values())).base) if given else common_start(chosen)
    path = next(path for path, own in folders.items() if own in chosen)
    # The names as they are on the disk: those in `folders` are in one Unicode form.
    return tree.root.joinpath(*path.relative_to(tree.root).parts[:depth])


def _split_folders(root: Path) -> dict[SplitName, Path]:
    folders = subfolders(root)
    loose = not any(split_of(folder.name) for folder in folders)
    found = {split: folder for folder in folders if (split := split_of(folder.name, loose=loose))}
    return {split: found[split] for split in SPLITS if split in found}


def _check_train_and_test(folders: Mapping[SplitName, Path]) -> None:
    if "train" not in folders:
        present = next(iter(folders.values()))
        raise DatasetError(f"{present}: stands without a Train folder beside it; add one, or load {present} by itself")
    if "test" not in folders:
        train = folders["train"]
        raise DatasetError(
            f"{train}: stands without a Test folder beside it; add one, or load {train} by itself: a test split is then "
            "taken from it"
        )


def _check_labels(tree: Tree, root: Path, labels: Mapping[Folders, str], places: Mapping[Folders, Place]) -> None:
    """Raise an error where folders are parts of a download, or a class folder has no images."""
    if not any(labels.values()):
        named = sorted({places[own].below[-1] for own in labels if places[own].below}) or [_listing(root)]
        raise DatasetError(
            f"{root}: {', '.join(named[:5])} name no diagnoses, and no table there labels the images; put the table beside "
            "them, name it with labels=, or sort the images into one folder per diagnosis"
        )
    direct = {os.path.dirname(path) for path in (*tree.images, *tree.masks, *tree.tables)}  # noqa: PTH120 - for each file
    filled = {parent for folder in direct for parent in (Path(folder), *Path(folder).parents)}
    train = _split_folders(root).get("train", root) if any(place.split for place in places.values()) else root
    if empty := [folder for folder in subfolders(train) if folder not in filled]:
        raise DatasetError(
            f"{empty[0]}: a class folder without images (found {_listing(empty[0])}); put images with the suffixes "
            f"{', '.join(sorted(SUFFIXES))} there, or remove the folder"
        )


def _check_classes(root: Path, images: Sequence[SourceImage], splits: Mapping[SplitName, Path]) -> tuple[str, ...]:
    """Return the classes of the training images; those of the other splits must be among them."""
    classes = tuple(sorted({image.label for image in images if image.split == "train"}))
    meanings = {taxonomy.meaning(label) for label in classes}
    if len(meanings) < 2:
        names = tuple(classes)
        raise DatasetError(
            f"{splits.get('train', root)}: {len(names)} class folder{'s' * (len(names) != 1)} ({', '.join(names) or 'none'}); "
            "expected two or more, one for each diagnosis"
        )
    known = frozenset[str]().union(*meanings)
    for split, folder in splits.items():
        own = [image for image in images if image.split == split]
        if not own:
            raise DatasetError(f"{folder}: no images of any class; expected folders named {', '.join(classes)}")
        if unknown := [image for image in own if known.isdisjoint(taxonomy.meaning(image.label))]:
            raise DatasetError(
                f"{unknown[0].path.parent}: a class of {split} that Train lacks; a model cannot learn a class without "
                f"training images. Expected some of: {', '.join(classes)}. Rename the folder, add the class to Train, or "
                "remove it"
            )
    return classes


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted, without hidden ones.

    Args:
        folder: A folder.

    Returns:
        Their paths.

    Examples:
        >>> [path.name for path in subfolders(isic9)]
        ['Test', 'Train']
    """
    return sorted(child for child in folder.iterdir() if child.is_dir() and not is_hidden(child.name))


def _listing(folder: Path) -> str:
    names = sorted(readable_name(child.name) + "/" * child.is_dir() for child in folder.iterdir())
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return shown or "nothing"
