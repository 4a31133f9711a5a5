"""What `load_dataset` is given: folders, zip files, pairs of images and labels, lists of image files."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from melanoma_detect.data.sources.folders import Contents
from melanoma_detect.data.sources.labelled_folder import read_labelled
from melanoma_detect.data.sources.layout import open_source, read_layout, read_with_table_beside
from melanoma_detect.data.sources.tree import Tree, tree_of_files
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.links import describe_link
from melanoma_detect.utils.paths import expand_path, path_text

PathLike: TypeAlias = str | os.PathLike[str]
Labels: TypeAlias = Any  # a path, or a table in memory: whatever join.read_joined takes
Source: TypeAlias = PathLike | tuple[PathLike, Labels]

_WANTED = "the path of a folder or of a zip file, a pair (images, labels), or a list of these"
_EXPECTED = f"expected {_WANTED}"


def read_sources(
    source: Source | Sequence[Source] | None, images: PathLike | Sequence[PathLike] | None, labels: Labels | None
) -> list[Contents]:
    """Read the sources that `load_dataset` was given.

    Args:
        source: A folder or a zip file; a list of these, or of pairs (images, labels); or None.
        images: A folder or a zip file of images, or a list of image files; or None.
        labels: The table that labels the images; or None.

    Returns:
        The contents of each source.

    Raises:
        DatasetError: Arguments of another type, or that contradict each other, or a source that cannot be read.

    Examples:
        >>> [len(contents.classes) for contents in read_sources([isic9], None, None)]
        [9]
    """
    if (source is None) == (images is None):
        raise DatasetError(
            "expected a source (a folder, a zip file, or several), or images= with labels=; one of the two"
        )
    if images is not None:
        return [_read_images(images, labels)]
    if labels is not None:
        raise DatasetError(
            "labels= goes with images=; expected load_dataset(images=folder, labels=table), or pairs of both in a list"
        )
    return [read_source(item) for item in _listed(source)]


def read_source(source: Source) -> Contents:
    """Read a folder or a zip file, whichever layout it has, or a folder of images with the table that labels them.

    Args:
        source: The folder, the zip file, or the pair (images, labels).

    Returns:
        Its contents.

    Raises:
        DatasetError: It has none of the layouts.

    Examples:
        >>> len(read_source(isic9).classes)
        9
    """
    if isinstance(source, tuple) and len(source) == 2:
        images, labels = source
        return _read_images(images, labels)
    tree = open_source(_absolute(source))
    with _telling_links(tree):
        return read_layout(tree)


def source_paths(source: Source | Sequence[Source] | None, images: PathLike | Sequence[PathLike] | None) -> list[Path]:
    """Return the sources that `load_dataset` was given as absolute paths, in the order of `read_sources`.

    Args:
        source: As for `read_sources`.
        images: As for `read_sources`.

    Returns:
        The path of each: the images of a pair, and the common folder of a list of files.

    Raises:
        DatasetError: Arguments of another type.

    Examples:
        >>> [path.name for path in source_paths(["isic9", ("ham.zip", "labels.csv")], None)]
        ['isic9', 'ham.zip']
    """
    if images is not None:
        return [_path_of(images)]
    return [_path_of(item[0] if isinstance(item, tuple) else item) for item in _listed(source)]


def _listed(source: Any) -> list[Any]:
    if isinstance(source, (str, os.PathLike)):
        return [source]
    if not isinstance(source, Sequence) or isinstance(source, (bytes, bytearray)):
        raise DatasetError(f"{_named(source)} is not a folder; {_EXPECTED}")
    if not source:
        raise DatasetError("no source; expected a folder, a zip file, or several of them")
    return list(source)


def _read_images(images: Any, labels: Any) -> Contents:
    tree = _tree(images)
    with _telling_links(tree):
        if labels is None:
            return read_with_table_beside(tree)
        return read_labelled(tree, _absolute(labels) if isinstance(labels, (str, os.PathLike)) else labels)


@contextlib.contextmanager
def _telling_links(tree: Tree) -> Iterator[None]:
    """Say in an error of the block that links were not followed, which may be why something is missing."""
    try:
        yield
    except DatasetError as error:
        if not tree.outward:
            raise
        raise DatasetError(f"{error}. {describe_link(tree.outward[0])}") from error


def _tree(images: Any) -> Tree:
    if isinstance(images, (str, os.PathLike)):
        return open_source(_absolute(images))
    return tree_of_files(_files(images))


def _path_of(images: Any) -> Path:
    return _absolute(images) if isinstance(images, (str, os.PathLike)) else tree_of_files(_files(images)).root


def _files(images: Any) -> list[Path]:
    if not isinstance(images, Sequence) or isinstance(images, (bytes, bytearray)):
        raise DatasetError(
            f"{_named(images)} names no images; expected the path of a folder or of a zip file, or a list of image files"
        )
    if not images:
        raise DatasetError("images= is empty; expected a folder, a zip file, or a list of image files")
    return [_absolute(path) for path in images]


def _absolute(path: Any) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise DatasetError(f"{_named(path)} is not a folder; {_EXPECTED}")
    text = path_text(path, DatasetError, _WANTED)
    if not text.strip():
        raise DatasetError(f"{path!r} names no folder; {_EXPECTED}; the current folder is '.'")
    # Absolute: the files are still found after a change of the working folder, and by workers that started in another one.
    try:
        absolute = expand_path(text).absolute()
        absolute.exists()
    except (OSError, RuntimeError) as error:  # no such user; a name that is too long
        raise DatasetError(f"{text[:80]}: cannot be opened ({error}); {_EXPECTED}") from error
    return absolute


def _named(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 and "\n" not in text else f"an object of the type {type(value).__name__}"
