"""load_dataset: from folders, archives and tables to a Dataset that is cleaned, grouped and split."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from melanoma_detect.data.cleaning import (
    Conflicts,
    Leaks,
    contradicting_labels,
    describe_conflicts,
    describe_leaks,
    exclude_conflicts,
    exclude_leaks,
)
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.ingest import Ingested, PathLike, ingest, read_sources, source_paths
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.data.scan_cache import ScanCache
from melanoma_detect.data.sources.aspect_ratio import AspectRatios, find_aspect_ratios
from melanoma_detect.data.sources.table import read_table
from melanoma_detect.data.splits import assign_splits, check_fractions, propagate_splits
from melanoma_detect.errors import DatasetError, DataWarning
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.images.reader import Resize, check_resize
from melanoma_detect.utils.user_warning import warn_user


def load_dataset(
    source: PathLike | Sequence[PathLike] | None = None,
    *,
    images: PathLike | None = None,
    labels: PathLike | None = None,
    groups: str | Sequence[str] | None = None,
    conflicts: Conflicts = "drop",
    truth: PathLike | None = None,
    leaks: Leaks = "drop",
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 123,
    image_size: tuple[int, int] = (180, 180),
    batch_size: int = 32,
    resize: Resize = "squash",
    squashed: AspectRatios | None = None,
) -> Dataset:
    """Load images as a Dataset without a leak and without contradictions.

    A source is a folder with `Train` and `Test` (in any case; also `Validation`), each with one folder per diagnosis; the
    diagnosis folders alone; a folder of images with a table that labels them; or a zip of any of these. Several sources
    become one dataset, with one list of classes.

    Every file is read once. Files with the same bytes, near duplicates (turned, mirrored, rescaled, compressed again, cropped
    to the centre), images of one lesion, and images of one `lesion_id` or `patient_id` form a group, and a group is never in
    two splits. Files that cannot be read, images with contradicting labels, and images of a given Test that Train shows too
    are excluded, with one warning; `data.set_aside` holds them with their reasons.

    Args:
        source: A folder, a zip file, or several of them.
        images: A folder of images, in place of a source.
        labels: The table with the label of each of the `images`; the metadata.csv beside them where it is None.
        groups: The column, or columns, of the tables that name the images that belong together; `lesion_id` and `patient_id`
            where it is None.
        conflicts: What to do with an image whose labels contradict each other: `"drop"` excludes all its files, `"resolve"`
            keeps those that the truth confirms, `"keep"` keeps all, `"error"` raises.
        truth: A table of authoritative labels for `"resolve"`; the source's own metadata.csv where it is None.
        leaks: What to do with Test images that Train shows too: `"drop"` excludes them, `"error"` raises.
        validation: The fraction of the training images that becomes the validation split; 0 for none.
        test: The fraction that becomes the test split, where a source gives none; 1 takes every image for the test, as for
            images that a detector is to be evaluated on.
        seed: Of the random splits.
        image_size: `(height, width)` in pixels that images are read at unless told otherwise.
        batch_size: Images in a batch unless told otherwise.
        resize: How an image of another shape is brought to that size: `"squash"` (the assignment's way), `"crop"` or `"pad"`.
        squashed: The aspect ratio that images had before they were squashed into squares, as `"4:3"`: of all sources, or by
            source, as `{"isic9": "4:3"}`. Square images are stretched back to it before anything else, so that `resize="crop"`
            crops what the camera showed; images that are not square stay. Sources that are not named here are not stretched:
            a square image does not show whether it was squashed or cropped. The nine-class ISIC set is squashed 4:3.

    Returns:
        The Dataset.

    Raises:
        DatasetError: The source cannot become a dataset; the message names the file and what to do.

    Warns:
        DataWarning: Images were excluded, or files take no part.

    Examples:
        >>> data = load_dataset(isic9)
        >>> data.classes[3]
        'melanoma'
    """
    _check_sizes(image_size, batch_size)
    check_resize(resize)
    check_fractions(validation, test)
    sources = read_sources(source, images, labels)
    aspects = find_aspect_ratios(source_paths(source, images), squashed)
    decoded, scans = PixelCache(), ScanCache()
    ingested = ingest(
        sources, aspects, groups=groups, image_size=image_size, resize=resize, decoded=decoded, scans=scans
    )
    tables = [read_table(Path(truth))] if truth else [contents.table for contents in sources if contents.table]
    records, conflicting = exclude_conflicts(ingested.records, ingested.images, conflicts, tables)
    # An image whose conflict is not resolved was in Train all the same: a model may not be tested on its lesion.
    unresolved = [entry.record for entry in conflicting] if conflicts == "drop" else []
    records, leaking = exclude_leaks(propagate_splits(records, ingested.given), leaks, unresolved)
    splits = 0 if test == 1 else 1 + bool(validation) + bool(test and not ingested.given)
    records, small_classes, of_small_classes = _exclude_small_classes(records, ingested, min_groups=splits)
    records = assign_splits(
        records, ingested.given, validation=validation, test=test, seed=seed, classes=ingested.classes
    )
    excluded = (*ingested.unreadable, *ingested.unlabelled, *conflicting, *leaking, *of_small_classes)
    other = tuple(path for contents in sources for path in contents.other_files)
    messages = [
        _describe_unreadable(ingested.unreadable),
        _describe_conflicts(ingested, conflicting, conflicts),
        describe_leaks(leaking),
        f"{len(ingested.unlabelled)} images have no label" if ingested.unlabelled else "",
        f"too little is left of {', '.join(small_classes)} to be a class" if small_classes else "",
        _describe_other_files([contents.root for contents in sources], other),
    ]
    _warn([contents.root for contents in sources], messages, excluded)
    return Dataset(
        records=tuple(records),
        classes=tuple(label for label in ingested.classes if label not in small_classes),
        image_size=image_size,
        batch_size=batch_size,
        set_aside=excluded,
        other_files=other,
        resize=resize,
        label_groups={
            label: tuple(name for name in covered if name not in small_classes)
            for label, covered in ingested.label_groups.items()
        },
        decoded=decoded,
        scans=scans,
    )


def _exclude_small_classes(
    records: list[Record], ingested: Ingested, *, min_groups: int
) -> tuple[list[Record], list[str], list[SetAside]]:
    """Exclude the classes of which cleaning has left fewer training groups than there are splits to fill."""
    before, after = (_training_groups(chosen) for chosen in (ingested.records, records))
    # A class that was too small from the start is an error, which assign_splits raises.
    small = [label for label in ingested.classes if before[label] >= min_groups > after[label]]
    excluded = [
        SetAside(record, f"of {record.label}, too few training images are left to learn from", "lone class")
        for record in records
        if record.label in small
    ]
    return [record for record in records if record.label not in small], small, excluded


def _training_groups(records: Sequence[Record]) -> Counter[str]:
    return Counter(
        label for label, _ in {(record.label, record.group) for record in records if record.split == "train"}
    )


def _check_sizes(image_size: tuple[int, int], batch_size: int) -> None:
    whole = isinstance(image_size, Sequence) and all(isinstance(side, int) and side > 0 for side in image_size)
    if not whole or len(image_size) != 2:
        raise DatasetError(f"image_size={image_size!r}; expected (height, width) in pixels, such as (180, 180)")
    if batch_size < 1:
        raise DatasetError(f"batch_size={batch_size}; expected 1 or more")


def _warn(roots: Sequence[Path], messages: Sequence[str], excluded: Sequence[SetAside]) -> None:
    """Warn once, with counts, of everything in the sources that changes the meaning of a result."""
    if any(messages):
        listed = "; ".join(message for message in messages if message)
        more = ". See data.set_aside, and md.audit(data)" if excluded else ""
        warn_user(f"{', '.join(map(str, roots))}: {listed}{more}", DataWarning)


def _describe_unreadable(unreadable: Sequence[SetAside]) -> str:
    if not unreadable:
        return ""
    more = f", and {len(unreadable) - 2} more" if len(unreadable) > 2 else ""
    return f"{len(unreadable)} files cannot be read ({'; '.join(entry.reason for entry in unreadable[:2])}{more})"


def _describe_conflicts(ingested: Ingested, conflicting: Sequence[SetAside], conflicts: Conflicts) -> str:
    labels = list(contradicting_labels((record.label for record in ingested.records), ingested.images).values())
    if not labels and not any("but the table says" in entry.reason for entry in conflicting):
        return ""
    done = f"their {len(conflicting)} files are set aside" if conflicting else "they stay in, as conflicts='keep' asks"
    if conflicts == "resolve":
        done = f"{len(conflicting)} files that the truth contradicts or does not know are set aside"
    return f"{describe_conflicts(labels)}: no model can get both right, so {done}"


def _describe_other_files(roots: Sequence[Path], other: Sequence[Path]) -> str:
    if not other:
        return ""
    names = ", ".join(_relative(path, roots) for path in other[:3])
    more = f" and {len(other) - 3} more" if len(other) > 3 else ""
    return f"{len(other)} files take no part ({names}{more}); see data.other_files"


def _relative(path: Path, roots: Sequence[Path]) -> str:
    return next((path.relative_to(root).as_posix() for root in roots if path.is_relative_to(root)), str(path))
