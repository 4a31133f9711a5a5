"""Images in one folder with a table of labels: HAM10000, the ISIC challenges, the ISIC archive."""

from pathlib import Path

from melanoma_detect.data.sources.folders import SPLIT_NAMES, Contents, SourceImage
from melanoma_detect.data.sources.table import Table, has_image_labels, image_name, read_table
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.reader import SUFFIXES
from melanoma_detect.utils.files import walk_files


def read_images(folder: Path, labels: Path) -> Contents:
    r"""Read a folder of images with the table that labels them.

    Args:
        folder: The folder; its subfolders are read too.
        labels: The table: a column that names the image, and `label`, `dx`, `diagnosis`, `diagnosis_1` to `diagnosis_5`, or
            one column for each code. A column `split` (train, validation, test) is kept.

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
    folder, labels = folder.expanduser().absolute(), labels.expanduser().absolute()
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; expected the folder that holds the images")
    table = _read_labels(labels)
    files = [folder / name for name in walk_files(folder)]
    image_files = [path for path in files if path.suffix.lower() in SUFFIXES]
    listed = [_source_image(folder, path, table) for path in image_files if image_name(path) in table.rows]
    labelled = [image for image in listed if image.label]
    if not labelled:
        raise DatasetError(
            f"{labels}: labels none of the {len(image_files)} images in {folder}; expected their names in its column, as "
            f"{image_name(image_files[0]) if image_files else 'ISIC_0000001'}"
        )
    used = {labels, *(image.path for image in listed)}
    return Contents(
        root=folder,
        images=labelled,
        classes=tuple(sorted({image.label for image in labelled})),
        other_files=tuple(path for path in files if path not in used),
        splits=frozenset(image.split for image in labelled) if "split" in table.columns else frozenset(),
        table=table,
        unlabelled=tuple(image for image in listed if not image.label),
    )


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
    tables = [path for path in folder.iterdir() if path.suffix.lower() in (".csv", ".tsv") and path.is_file()]
    labelling = [path for path in tables if has_image_labels(path)]
    return labelling[0] if len(labelling) == 1 else None


def _read_labels(path: Path) -> Table:
    if not path.is_file():
        raise DatasetError(f"{path}: no such table; expected a CSV file with the label of each image")
    table = read_table(path)
    if not table.has_labels:
        raise DatasetError(
            f"{path}: no column says what an image shows (it has {', '.join(table.columns)}); expected label, dx, "
            "diagnosis, diagnosis_3, or one column for each code (MEL, NV, BCC, ...)"
        )
    return table


def _source_image(folder: Path, path: Path, table: Table) -> SourceImage:
    name = image_name(path)
    split = SPLIT_NAMES.get(table.rows[name].get("split", "train").lower(), "train")
    return SourceImage(path.relative_to(folder).as_posix(), path, table.label(name), split)
