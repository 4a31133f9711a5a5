"""Images that a table labels, as in HAM10000, the ISIC challenges and the ISIC archive; also in Train and Test folders."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from melanoma_detect import taxonomy
from melanoma_detect.data.record import SplitName
from melanoma_detect.data.sources.columns import is_image_table
from melanoma_detect.data.sources.folder_names import find_splits, folders_of
from melanoma_detect.data.sources.folders import (
    Contents,
    SourceImage,
    files_besides,
    list_folder,
    make_images,
)
from melanoma_detect.data.sources.join import find_companions, join_tables, read_joined
from melanoma_detect.data.sources.left_out import describe_left_out
from melanoma_detect.data.sources.matching import Match, match_rows
from melanoma_detect.data.sources.table import FILE_NAME, Table, TableRow
from melanoma_detect.data.sources.table_file import TABLE_SUFFIXES
from melanoma_detect.data.sources.table_reader import read_columns
from melanoma_detect.data.sources.tree import Tree
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.paths import expand_path


class FoundTable(NamedTuple):
    """The tables of a source, joined.

    Attributes:
        table: All of them as one.
        paths: The files that it was read from.
    """

    table: Table
    paths: tuple[Path, ...]


def read_images(folder: Path, labels: Any) -> Contents:
    r"""Read a folder of images with the table that labels them.

    Args:
        folder: The folder; its subfolders are read too. Train and Test folders in it are kept as splits.
        labels: The table: a file, or what else `join.read_joined` takes; see there for its columns.

    Returns:
        The images that the table labels. Images that it lists without a label are `unlabelled`; those that it does not list
        are other files.

    Raises:
        DatasetError: The folder or the table is missing, or the table labels none of the images.

    Examples:
        >>> _ = Path("labels.csv").write_text("image_id,dx\nnevus_5000,nv\nmelanoma_5000,mel")
        >>> read_images(isic9 / "Test", Path("labels.csv")).classes
        ('mel', 'nv')
    """
    folder = expand_path(folder, DatasetError).absolute()
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; expected the folder that holds the images")
    return read_labelled(list_folder(folder), labels)


def read_labelled(tree: Tree, labels: Any) -> Contents:
    r"""Read listed images with the table that labels them.

    Args:
        tree: The files of the source.
        labels: The table, as for `read_images`.

    Returns:
        The contents, as of `read_images`.

    Raises:
        DatasetError: The table cannot be read, or labels none of the images.

    Examples:
        >>> _ = Path("labels.csv").write_text("image_id,dx\nnevus_5000,nv\nmelanoma_5000,mel")
        >>> len(read_labelled(list_folder(isic9), Path("labels.csv")).images)
        2
    """
    paths: tuple[Path, ...] = ()
    if isinstance(labels, Path):
        labels = expand_path(labels, DatasetError).absolute()
        if not labels.is_file():
            raise DatasetError(f"{labels}: no such table; expected a file with the label of each image")
        paths = (labels, *find_companions(labels))
    table = read_joined(labels)
    if not table.has_labels:
        raise DatasetError(
            f"{table.path}: no column says what an image shows (it has {', '.join(table.columns)}); expected label, dx, "
            "diagnosis, diagnosis_3, or one column for each code (MEL, NV, BCC, ...); rename the column that does to label"
        )
    found = FoundTable(table, paths)
    contents = label_images(tree, found, match_rows(table, tree.root, tree.images))
    images = set(tree.images)
    return replace(contents, unlisted=tuple(path for path in contents.other_files if path in images))


def find_tables(tree: Tree) -> FoundTable | None:
    """Read the tables that lie in a source and name its images.

    Args:
        tree: The files of the source.

    Returns:
        All of them as one; None where there is none.

    Raises:
        DatasetError: A `metadata.csv` is no table, or tables contradict each other.

    Examples:
        >>> find_tables(list_folder(isic9)).table.columns
        ('lesion_id',)
    """
    named = [path for path in tree.tables if names_images(path)]
    tables: list[Table] = []
    used: set[Path] = set()
    for path in sorted(named, key=lambda path: (not _labels_images(path), len(path.parts), path)):
        if path not in used:
            tables.append(read_joined(path, partial=True))
            used.update((path, *find_companions(path)))
    return FoundTable(join_tables(tables), tuple(sorted(used))) if tables else None


def label_images(tree: Tree, found: FoundTable, match: Match, by_folder: Mapping[Path, str] | None = None) -> Contents:
    """Label the images of a source by a table; the folders above an image may say what it shows, too.

    Args:
        tree: The files of the source.
        found: The table.
        match: Its rows for each image.
        by_folder: The label that its folders give an image; None where only the table counts.

    Returns:
        The contents. Where rows, or the table and the folders, agree, the finest label is taken; where they contradict each
        other, the image has the others in `other_labels`.

    Raises:
        DatasetError: No image has a label, or a folder and the table put an image into different splits.

    Examples:
        >>> table = Table(Path("t.csv"), ("dx",), (TableRow("melanoma_5000", {"dx": "mel"}),))
        >>> tree = list_folder(isic9)
        >>> match = match_rows(table, tree.root, tree.images)
        >>> label_images(tree, FoundTable(table, ()), match).images[0].label
        'mel'
    """
    table, by_folder = found.table, by_folder or {}
    labels = {path: _labels(table, match.rows.get(path, ()), by_folder.get(path, "")) for path in tree.images}
    labelled = [path for path in tree.images if labels[path]]
    if not labelled and match.rows:
        raise DatasetError(
            f"{table.path}: gives none of the {len(match.rows)} images that it names a label; expected a diagnosis, or one "
            f"column of 0 and 1 for each (a fraction is no label); its columns are {', '.join(table.columns)}"
        )
    if not labelled:
        raise DatasetError(
            f"{table.path}: labels none of the {len(tree.images)} images in {tree.root}; expected their names in its column, "
            f"as {tree.images[0].stem if tree.images else 'ISIC_0000001'}; it has "
            f"{', '.join(repr(row.name) for row in table.rows[:3]) or 'no rows'}"
        )
    root = _root(tree, labelled, found.paths)
    listed = [path for path in tree.images if labels[path] or path in match.rows]
    splits, given, unsaid = _splits(tree, labelled, listed, table, match)
    images = make_images(root, labelled, splits)
    used = {*listed, *found.paths}
    return Contents(
        root=root,
        images=[_with_labels(image, labels[image.path]) for image in images],
        classes=tuple(sorted({labels[path][0] for path in labelled})),
        other_files=files_besides(tree, used),
        splits=given,
        table=table,
        unlabelled=tuple(make_images(root, [path for path in listed if not labels[path]], splits)),
        rows=match.rows,
        notes=(*describe_unmatched(table, match), *_describe_unsaid(table, unsaid), *describe_left_out(tree)),
        outward=frozenset(tree.outward),
    )


def describe_unmatched(table: Table, match: Match) -> tuple[str, ...]:
    """Describe the rows of a table that name no image.

    Args:
        table: The table.
        match: Its rows by image.

    Returns:
        One sentence with a count; none where every row has its image.

    Examples:
        >>> describe_unmatched(Table(Path("t.csv"), (), ()), Match({}, (TableRow("a", {}),)))
        ('1 row of t.csv names an image that is not there (a)',)
    """
    if not match.unmatched:
        return ()
    names = list(dict.fromkeys(row.name or "(no name)" for row in match.unmatched))
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    count = len(match.unmatched)
    what = "row of {} names an image that is" if count == 1 else "rows of {} name images that are"
    return (f"{count} {what.format(table.path.name)} not there ({listed})",)


def finest_label(labels: Sequence[str]) -> str | None:
    """Return the label that all others agree with: the same diagnosis, or a coarser one.

    Args:
        labels: Labels of one image.

    Returns:
        The finest; None where two contradict each other.

    Examples:
        >>> finest_label(["benign", "nevus", "nv"]), finest_label(["nevus", "melanoma"])
        ('nevus', None)
    """
    for label in labels:
        others = (other for other in labels if taxonomy.meaning(other) != taxonomy.meaning(label))
        if all(taxonomy.covers(other, label) for other in others):
            return label
    return None


def _labels(table: Table, rows: Sequence[TableRow], folder: str) -> tuple[str, ...]:
    """Return the label of an image, and those that contradict it; what the taxonomy does not know contradicts no folder."""
    of_rows = list(dict.fromkeys(label for row in rows for label in table.labels(row)))
    if folder and of_rows:
        known = [label for label in of_rows if taxonomy.is_known(label)]
        of_rows = [folder, *known] if taxonomy.is_known(folder) else of_rows
    labels = of_rows or ([folder] if folder else [])
    if len(labels) < 2:
        return tuple(labels)
    finest = finest_label(labels)
    return (finest,) if finest else tuple(labels)


def _with_labels(image: SourceImage, labels: tuple[str, ...]) -> SourceImage:
    return image._replace(label=labels[0], other_labels=labels[1:])


def _splits(
    tree: Tree, labelled: Sequence[Path], listed: Sequence[Path], table: Table, match: Match
) -> tuple[dict[Path, SplitName], frozenset[SplitName], int]:
    """Return the split of each listed image, the splits that a column or the folders give, and the number without one."""
    folders = {path: folders_of(path, tree.root) for path in listed}
    named = find_splits(set(folders.values()), tree.root)
    by_folder = {path: named[folders[path]] for path in listed}
    if not {by_folder[path] for path in labelled} - {None, "train"} or len({by_folder[path] for path in labelled}) == 1:
        by_folder = dict.fromkeys(listed)
    by_column = {path: _column_split(path, table, match.rows.get(path, ())) for path in listed}
    for path in labelled:
        if by_folder[path] and by_column[path] and by_folder[path] != by_column[path]:
            raise DatasetError(
                f"{path}: lies in the folder of {by_folder[path]}, but {table.path} puts it into {by_column[path]}; correct "
                "one of them"
            )
    splits: dict[Path, SplitName] = {path: by_column[path] or by_folder[path] or "train" for path in listed}
    unsaid = sum(not (by_column[path] or by_folder[path]) for path in labelled)
    if unsaid == len(labelled):
        return splits, frozenset(), 0
    return splits, frozenset(splits[path] for path in labelled), unsaid


def _describe_unsaid(table: Table, count: int) -> tuple[str, ...]:
    column = f" in the column {table.split_column}" if table.split_column else ""
    are = "it is" if count == 1 else "they are"
    return (f"{table.path.name} gives {count_noun(count, 'image')} no split{column}: {are} in train",) if count else ()


def _column_split(path: Path, table: Table, rows: Sequence[TableRow]) -> SplitName | None:
    found = {split for row in rows if (split := table.split(row))}
    if len(found) > 1:
        raise DatasetError(f"{table.path}: puts {path} into {' and '.join(sorted(found))}; expected one split")
    return next(iter(found), None)


def _root(tree: Tree, images: Sequence[Path], tables: Sequence[Path]) -> Path:
    """Return the folder that holds the images and the tables of a source, where these lie inside it."""
    inside = [path.parent for path in tables if path.is_relative_to(tree.root)]
    if not inside:
        return tree.root
    parents = {Path(folder) for folder in {os.path.dirname(path) for path in images}}  # noqa: PTH120 - for each file
    parents = {folder for folder in parents if folder.is_relative_to(tree.root)} | set(inside)
    shared = inside[0]
    while not all(parent.is_relative_to(shared) for parent in parents):
        shared = shared.parent
    return shared


def names_images(path: Path) -> bool:
    """Return whether a table names images or lesions; only its header is read.

    Args:
        path: A file with the suffix of a table.

    Returns:
        Whether a column does.

    Raises:
        DatasetError: A `metadata.csv` is no table; other files may have a table's suffix and be none.

    Examples:
        >>> names_images(isic9 / "metadata.csv")
        True
    """
    try:
        columns = read_columns(path)
    except DatasetError:
        if path.name.lower() == FILE_NAME:
            raise
        return False
    return is_image_table(columns)


def has_label_columns(path: Path) -> bool:
    """Return whether a table names images and says what they show; only its header is read.

    Args:
        path: A file that may not be a table at all.

    Returns:
        Whether it does.

    Examples:
        >>> has_label_columns(isic9 / "metadata.csv")
        False
    """
    return path.suffix.lower() in TABLE_SUFFIXES and names_images(path) and _labels_images(path)


def _labels_images(path: Path) -> bool:
    return Table(path, read_columns(path), ()).has_labels
