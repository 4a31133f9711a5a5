"""Images in one folder with a table that says what each shows: HAM10000, the ISIC challenges, the ISIC archive."""

from collections.abc import Sequence
from pathlib import Path

from melanoma_detect.data.record import Record, SetAside, SplitName
from melanoma_detect.data.sources.folders import SPLIT_NAMES, Contents, files_below
from melanoma_detect.data.sources.table import Table, image_name, read_table
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.reader import SUFFIXES


def read_images(images: Path, labels: Path) -> Contents:
    r"""Read a folder of images with the table that labels them.

    Args:
        images: The folder; its subfolders are read too.
        labels: The table: a column that names the image, and `label`, `dx`, `diagnosis`, `diagnosis_1` to `diagnosis_5`, or
            one column for each code. A column `split` (train, validation, test) is kept.

    Returns:
        A record for each image that the table labels. Images that it knows without a label are set aside; those that it
        does not know are other files.

    Raises:
        DatasetError: The folder or the table is missing, or the table labels none of the images.

    Examples:
        >>> _ = Path("labels.csv").write_text("image_id,dx\nnevus_5000,nv\nmelanoma_5000,mel")
        >>> read_images(isic9 / "Test", Path("labels.csv")).classes
        ('mel', 'nv')
    """
    images, labels = images.expanduser().absolute(), labels.expanduser().absolute()
    if not images.is_dir():
        raise DatasetError(f"{images}: no such folder; expected the folder that holds the images")
    if not labels.is_file():
        raise DatasetError(f"{labels}: no such table; expected a CSV file that says what each image shows")
    table = read_table(labels)
    if not table.has_labels:
        raise DatasetError(
            f"{labels}: no column says what an image shows (it has {', '.join(table.columns)}); expected label, dx, "
            "diagnosis, diagnosis_3, or one column for each code (MEL, NV, BCC, ...)"
        )
    files = list(files_below(images))
    image_files = [path for path in files if path.suffix.lower() in SUFFIXES]
    known = [path for path in image_files if image_name(path) in table.rows]
    records = [_record(images, path, table) for path in known]
    labelled = [record for record in records if record.label]
    if not labelled:
        raise DatasetError(
            f"{labels}: labels none of the {len(image_files)} images in {images}; expected their names in its column, as "
            f"{image_name(image_files[0]) if image_files else 'ISIC_0000001'}"
        )
    aside = [SetAside(record, f"{labels.name} gives it no label", "no label") for record in records if not record.label]
    taken = {*known, labels}
    return Contents(
        root=images,
        records=labelled,
        classes=tuple(sorted({record.label for record in labelled})),
        other_files=tuple(path for path in files if path not in taken),
        splits=frozenset(record.split for record in labelled) if "split" in table.columns else frozenset(),
        table=table,
        set_aside=tuple(aside),
    )


def _record(root: Path, path: Path, table: Table) -> Record:
    name = path.relative_to(root).as_posix()
    row = table.rows[image_name(path)]
    split: SplitName = SPLIT_NAMES.get(row.get("split", "train").lower(), "train")
    return Record(name, path, table.label(image_name(path)), split, group=name, digest="", source=root.name)


def find_labels(folder: Path) -> Path | None:
    """Return the table that labels the images of a folder without class folders, where there is just one.

    Args:
        folder: A folder.

    Returns:
        The table, or None.

    Examples:
        >>> find_labels(isic9) is None
        True
    """
    if not folder.is_dir():
        return None
    found = [path for path in _tables(folder) if read_table(path).has_labels]
    return found[0] if len(found) == 1 else None


def _tables(folder: Path) -> Sequence[Path]:
    named = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".csv", ".tsv") and path.is_file())
    return [path for path in named if _names_images(path)]


def _names_images(path: Path) -> bool:
    try:
        read_table(path)
    except DatasetError:
        return False
    return True
