"""Whichever layout a source has: class folders, images with tables, or both, which must then agree."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from melanoma_detect import taxonomy
from melanoma_detect.data.sources.archives import unpack
from melanoma_detect.data.sources.folder_names import folders_of, known_label
from melanoma_detect.data.sources.folders import Contents, list_folder, read_class_folders
from melanoma_detect.data.sources.hdf5 import unpack_images
from melanoma_detect.data.sources.join import find_companions, read_joined
from melanoma_detect.data.sources.labelled_folder import (
    FoundTable,
    describe_unmatched,
    find_tables,
    has_label_columns,
    label_images,
    names_images,
)
from melanoma_detect.data.sources.matching import Match, match_rows
from melanoma_detect.data.sources.table import FILE_NAME
from melanoma_detect.data.sources.table_file import TABLE_SUFFIXES
from melanoma_detect.data.sources.tree import HDF5_SUFFIXES, Tree
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.files import is_hidden

_OTHER_ARCHIVES = (".tar", ".tgz", ".tar.gz", ".tbz", ".tar.bz2", ".txz", ".tar.xz", ".7z", ".rar", ".gz")


def open_source(path: Path) -> Tree:
    """List the files of a folder, a zip file, or an HDF5 file of images.

    Args:
        path: Its absolute path.

    Returns:
        The files; images of HDF5 files inside are unpacked into this library's cache.

    Raises:
        DatasetError: It is none of these.

    Examples:
        >>> len(open_source(isic9).images) > 100
        True
    """
    suffix = path.suffix.lower()
    if path.is_file() and suffix == ".zip":
        return _unpack_hdf5(list_folder(unpack(path)))
    if path.is_file() and suffix in HDF5_SUFFIXES:
        return list_folder(unpack_images(path))
    if path.is_file() and suffix in TABLE_SUFFIXES:
        raise DatasetError(
            f"{path}: is a table; name the folder of its images too: load_dataset(images='folder', labels={path.name!r})"
        )
    if path.is_file() and path.name.lower().endswith(_OTHER_ARCHIVES):
        raise DatasetError(f"{path}: only zip archives are read; unpack it, and name the folder")
    return _unpack_hdf5(list_folder(path))


def read_layout(tree: Tree) -> Contents:
    """Read a source whose layout is not known.

    Class folders label images by their names, a table by its rows. Where both do, an image takes the finer label, and what
    contradicts each other is kept in `other_labels`. Train and Test folders are splits in every layout.

    Args:
        tree: The files of the source.

    Returns:
        Its contents.

    Raises:
        DatasetError: It has no layout that is known, or two readings.

    Examples:
        >>> contents = read_layout(open_source(isic9))
        >>> len(contents.classes), contents.table.columns
        (9, ('lesion_id',))
    """
    found = find_tables(tree)
    match = match_rows(found.table, tree.root, tree.images) if found else None
    if not found or not match:
        return _read_beside(tree)
    if found.table.has_labels and (labelled := _count_labelled(found, match)):
        return label_images(tree, found, match, _folder_labels(tree, found, labelled))
    try:
        contents = read_class_folders(tree)
    except DatasetError as error:
        if not found.table.has_labels:
            raise
        raise DatasetError(
            f"{found.table.path}: labels none of the {len(tree.images)} images in {tree.root}; and as class folders: {error}"
        ) from error
    return add_metadata(contents, found, match)


def read_with_table_beside(tree: Tree) -> Contents:
    r"""Read a folder of images whose table lies in it, or beside it.

    Args:
        tree: The files of the folder.

    Returns:
        The contents.

    Raises:
        DatasetError: No table labels the images, or several do.

    Examples:
        >>> import shutil
        >>> Path("set").mkdir()
        >>> _ = shutil.copytree(isic9 / "Test" / "nevus", "set/images")
        >>> _ = Path("set/labels.csv").write_text("image,label\nnevus_5000,nevus\nnevus_5001,wart")
        >>> read_with_table_beside(list_folder(Path("set/images").absolute())).classes
        ('nevus', 'wart')
    """
    found = find_tables(tree)
    if not (found and found.table.has_labels):
        found = _labels_beside(tree.root)
    if not found:
        raise DatasetError(f"{tree.root}: no table says what these images show; name one with labels=")
    return label_images(tree, found, match_rows(found.table, tree.root, tree.images))


def add_metadata(contents: Contents, found: FoundTable, match: Match) -> Contents:
    """Add the rows of a table without labels to the images of class folders.

    Args:
        contents: The class folders.
        found: The table.
        match: Its rows by image.

    Returns:
        The contents with the table.

    Examples:
        >>> tree = open_source(isic9)
        >>> found = find_tables(tree)
        >>> match = match_rows(found.table, tree.root, tree.images)
        >>> len(add_metadata(read_class_folders(tree), found, match).rows) == len(tree.images)
        True
    """
    table = found.table
    keys = any(table.group_keys(row) for rows in match.rows.values() for row in rows)
    reason = "" if match.rows else f"none of its {len(table.rows)} rows names an image here"
    if match.rows and not keys and not table.has_labels:
        reason = f"it has the columns {', '.join(table.columns)} and names no lesion or patient of an image here"
    unused = (f"{table.path} groups nothing: {reason}; expected lesion_id or patient_id",) if reason else ()
    return replace(
        contents,
        table=table,
        rows=match.rows,
        other_files=tuple(path for path in contents.other_files if path not in found.paths),
        notes=(*contents.notes, *unused, *(describe_unmatched(table, match) if not unused else ())),
    )


def _read_beside(tree: Tree) -> Contents:
    """Read a source without a table in it; class folders alone may be the Train of a set, with its table beside it."""
    path = tree.root.parent / FILE_NAME
    if not path.is_file() or is_hidden(path.name) or not names_images(path):
        return read_class_folders(tree)
    found = FoundTable(read_joined(path), (path,))
    match = match_rows(found.table, tree.root, tree.images)
    if not match.rows:
        return read_class_folders(tree)
    # Its other rows are those of the folders beside this one.
    here = Match(match.rows, ())
    if found.table.has_labels and (labelled := _count_labelled(found, match)):
        return label_images(tree, found, here, _folder_labels(tree, found, labelled))
    return add_metadata(read_class_folders(tree), found, here)


def _labels_beside(folder: Path) -> FoundTable | None:
    tables = [path for path in sorted(folder.parent.iterdir()) if path.is_file() and has_label_columns(path)]
    if not tables:
        return None
    joined = {tables[0], *find_companions(tables[0])}
    if not joined >= set(tables):
        names = ", ".join(path.name for path in tables)
        raise DatasetError(
            f"{folder.parent}: {len(tables)} tables may label these images ({names}); name one with labels="
        )
    return FoundTable(read_joined(tables[0]), tuple(joined))


def _count_labelled(found: FoundTable, match: Match) -> int:
    return sum(any(found.table.labels(row) for row in rows) for rows in match.rows.values())


def _folder_labels(tree: Tree, found: FoundTable, labelled: int) -> Mapping[Path, str]:
    """Return what the folders say of each image beside a table: all, where they are class folders, or what is a diagnosis."""
    try:
        labels = {image.path: image.label for image in read_class_folders(tree).images}
    except DatasetError:
        return {path: known_label(folders_of(path, tree.root)) for path in tree.images}
    names = set(labels.values())
    known = set(filter(taxonomy.is_known, names))
    if 2 * len(known) >= len(names):
        return labels
    if 2 * labelled < len(tree.images):
        raise DatasetError(
            f"{tree.root}: has two readings: {found.table.path.name} labels {labelled} of its {len(tree.images)} images, and "
            f"its folders {', '.join(sorted(names)[:5])} may be classes; name the folder of images and the table with images= "
            "and labels=, or move the table away"
        )
    return {path: label for path, label in labels.items() if label in known}


def _unpack_hdf5(tree: Tree) -> Tree:
    """Add the images of HDF5 files (ISIC 2024), unless the same images lie there unpacked."""
    names = {path.stem for path in tree.images}
    images, packed = list(tree.images), []
    for path in tree.hdf5:
        try:
            unpacked = list_folder(unpack_images(path)).images
        except DatasetError:
            packed.append(path)
            continue
        images += [image for image in unpacked if image.stem not in names]
    read = set(tree.hdf5) - set(packed)
    files = tuple(path for path in tree.files if path not in read)
    return replace(tree, files=files, images=tuple(images), hdf5=tuple(packed))
