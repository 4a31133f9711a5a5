"""load_dataset: from folders, archives and tables to a Dataset that is cleaned, grouped and split."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from melanoma_detect.data.arguments import check_batch_size, check_choice, check_image_size
from melanoma_detect.data.cleaning import (
    Conflicts,
    Leaks,
    describe_leaks,
    exclude_conflicts,
    exclude_leaks,
    exclude_untrained,
    find_conflicts,
)
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.ingest import Ingested, ingest
from melanoma_detect.data.known_images.index import KnownImages
from melanoma_detect.data.known_images.overlap import Known, codes_to_look_up, find_overlap, known_images
from melanoma_detect.data.label_map import LabelMap, apply_label_map
from melanoma_detect.data.load_warning import (
    describe_conflicting,
    describe_gone,
    describe_no_test,
    describe_other_files,
    describe_rare,
    describe_unknown,
    describe_unlabelled,
    describe_unreadable,
    describe_untrained,
    warn_once,
)
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.data.scan_cache import ScanCache
from melanoma_detect.data.sources.aspect_ratio import AspectRatios, find_aspect_ratios
from melanoma_detect.data.sources.folders import Contents
from melanoma_detect.data.sources.matching import match_rows
from melanoma_detect.data.sources.read import PathLike, read_sources, source_paths
from melanoma_detect.data.sources.table import Table, TableRow
from melanoma_detect.data.sources.table_reader import read_table
from melanoma_detect.data.splits import assign_splits, check_fractions, propagate_splits, rare_labels
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.images.reader import Resize, check_resize
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.progress import progress_bar
from melanoma_detect.utils.random import check_seed

Rare: TypeAlias = Literal["train", "exclude", "error"]


def load_dataset(
    source: PathLike | Sequence[PathLike] | None = None,
    *,
    images: PathLike | None = None,
    labels: PathLike | None = None,
    label_map: LabelMap | None = None,
    rare: Rare = "train",
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
    known: Known = (),
    progress: bool = True,
) -> Dataset:
    """Load images as a Dataset without a leak and without contradictions.

    A source is a folder with `Train` and `Test` (in any case; also `Validation`), each with one folder per diagnosis; the
    diagnosis folders alone; a folder of images with a table that labels them; or a zip of any of these. Several sources
    become one dataset, with one list of classes.

    Every file is read once. What the scan found (digest and perceptual hashes, no pixels) is kept for 90 days in the folder
    `scans` of the cache folder (`MELANOMA_DETECT_CACHE`, or the system's), so that a later load reads only files whose path,
    size or time of change is another; delete that folder to have all of them read again.

    Files with the same bytes, near duplicates (turned, mirrored, rescaled, compressed again, cropped to the centre), images of
    one lesion, and images of one `lesion_id` or `patient_id` form a group, and a group is never in two splits. Files that
    cannot be read, images with contradicting labels, and images of a given Test that Train shows too are excluded, with one
    warning; `data.set_aside` holds them with their reasons.

    Args:
        source: A folder, a zip file, or several of them.
        images: A folder of images, in place of a source.
        labels: The table with the label of each of the `images`; the metadata.csv beside them where it is None.
        label_map: New names of labels, as `{"nv": "nevus", "scar": None}`; None drops the images of a label. A name stands for
            the label that is written so, else for every spelling of its diagnosis. See `label_map.map_labels`.
        rare: What to do with a class of fewer lesions or patients than there are splits to fill: `"train"` leaves its images in
            train, `"exclude"` sets them aside, `"error"` raises.
        groups: The column, or columns, of the tables that name the images that belong together; `lesion_id` and `patient_id`
            where it is None. Of several sources each groups by those of them that its own table has.
        conflicts: What to do with an image whose labels contradict each other: `"drop"` excludes all its files, `"resolve"`
            keeps those that the truth confirms, `"keep"` keeps all, `"error"` raises.
        truth: A table of authoritative labels for `"resolve"`; the source's own metadata.csv where it is None.
        leaks: What to do with Test images that Train shows too: `"drop"` excludes them, `"error"` raises.
        validation: The fraction of the training images that becomes the validation split; 0 for none.
        test: The fraction that becomes the test split, where a source gives none; 1 takes every image for the test, as for
            images that a detector is to be evaluated on. With 1, no validation split is taken.
        seed: Of the random splits.
        image_size: `(height, width)` in pixels that images are read at unless told otherwise.
        batch_size: Images in a batch unless told otherwise.
        resize: How an image of another shape is brought to that size: `"squash"` (the assignment's way), `"crop"` or `"pad"`.
        squashed: The aspect ratio that images had before they were squashed into squares, as `"4:3"`: of all sources, or by
            source, as `{"isic9": "4:3"}`. Square images are stretched back to it before anything else, so that `resize="crop"`
            crops what the camera showed; images that are not square stay. Sources that are not named here are not stretched:
            a square image does not show whether it was squashed or cropped. The nine-class ISIC set is squashed 4:3.
        known: Indexes of further sets in which the images are looked up, as `md.fingerprint` makes them, or paths of such; None
            to look up no set, not even the public ones that the package knows. Which images are in which set is logged, at
            level INFO; the warning counts images that have another diagnosis there.
        progress: Draw a progress bar where loading takes more than two seconds.

    Returns:
        The Dataset. Its classes are the labels that images have after cleaning. One that has images in validation or test
        alone is no class: they are set aside, and the warning counts them.

    Raises:
        DatasetError: The source cannot become a dataset; the message names the file and what to do.

    Warns:
        DataWarning: Images were excluded, a class is rare or unknown to the taxonomy, or files take no part; one warning, with
            counts.

    Examples:
        >>> data = load_dataset(isic9)
        >>> data.classes[3]
        'melanoma'
    """
    size, batch_size, seed = check_image_size(image_size), check_batch_size(batch_size), check_seed(seed, DatasetError)
    check_resize(resize)
    check_fractions(validation, test)
    check_choice("rare", rare, ("train", "exclude", "error"))
    index = known_images(known)
    with progress_bar("loading", shown=progress):
        read = read_sources(source, images, labels)
        aspects = find_aspect_ratios(source_paths(source, images), squashed)
        sources, dropped = apply_label_map(read, label_map) if label_map else (read, [])
        _check_named(sources)
        decoded, scans = PixelCache(), ScanCache()
        ingested = ingest(sources, aspects, groups=groups, image_size=size, resize=resize, decoded=decoded, scans=scans)
    # Without truth= or "resolve" nobody asks for it, and a large table takes a while.
    true_codes = _read_truth(sources, truth) if truth is not None or conflicts == "resolve" else None
    records, conflicting = exclude_conflicts(
        ingested.records, ingested.images, conflicts, true_codes, ingested.second_labels
    )
    # An image whose conflict is not resolved was in Train all the same: a model may not be tested on its lesion.
    unresolved = [entry.record for entry in conflicting] if conflicts == "drop" else []
    records, leaking = exclude_leaks(propagate_splits(records, ingested.given), leaks, unresolved)
    fractions = {"validation": validation, "test": test}
    few = rare_labels(records, ingested.given, ingested.classes, **fractions)
    records, of_rare = _exclude_rare(records, few, rare)
    records = assign_splits(records, ingested.given, **fractions, seed=seed, rare=few.keys())
    records, untrained = exclude_untrained(records, ingested.label_groups)
    classes, label_groups = _present(records, ingested)
    earlier = (*ingested.unreadable, *ingested.unlabelled, *dropped, *conflicting, *leaking, *of_rare)
    contradicting = find_conflicts(ingested.records, ingested.images, ingested.second_labels)
    messages = [
        describe_unreadable(ingested.unreadable),
        describe_conflicting(list(contradicting.values()), conflicting, conflicts),
        describe_leaks(leaking),
        describe_unlabelled(ingested.unlabelled),
        describe_rare(few, excluded=rare == "exclude"),
        describe_untrained(untrained),
        describe_no_test(records, ingested.given) if test else "",
        _look_up(ingested.records, index, scans),
        describe_gone((*records, *(entry.record for entry in untrained)), earlier, label_groups),
        describe_unknown([record.label for record in records]),
        *(note for contents in sources for note in contents.notes),
        describe_other_files([contents.root for contents in sources], _unexpected(sources)),
    ]
    if not records:
        listed = "; ".join(message for message in messages if message)
        raise DatasetError(
            f"{', '.join(str(contents.root) for contents in sources)}: no image is left to load; {listed}"
        )
    warn_once([contents.root for contents in sources], messages, (*earlier, *untrained))
    return Dataset(
        records=tuple(records),
        classes=classes,
        image_size=size,
        batch_size=batch_size,
        set_aside=(*earlier, *untrained),
        other_files=tuple(path for contents in sources for path in contents.other_files),
        resize=resize,
        label_groups=label_groups,
        decoded=decoded,
        scans=scans,
    )


def _look_up(records: Sequence[Record], index: KnownImages, scans: ScanCache) -> str:
    """Log which images are in known sets, and return the part of it that is to be warned of."""
    overlap = find_overlap(records, index, codes_to_look_up(records, scans.fingerprint_of))
    if overlap:
        logging.getLogger("melanoma_detect").info("%s", overlap)
    return overlap.describe_other_diagnoses()


def _check_named(sources: Sequence[Contents]) -> None:
    """Raise DatasetError if nothing is left, or if a table gives numbers in place of labels."""
    if not any(contents.images for contents in sources):
        raise DatasetError(
            f"{', '.join(str(contents.root) for contents in sources)}: no image with a label is left; expected one or more"
        )
    for contents in sources:
        numbers = sorted(label for label in contents.classes if label.strip().isdecimal())
        if contents.table and contents.table.has_labels and len(numbers) == len(contents.classes):
            raise DatasetError(
                f"{contents.table.path}: the labels are numbers ({', '.join(numbers)}), which say nothing of melanoma; name "
                f'them with label_map={{"{numbers[0]}": "nevus", ...}}'
            )


def _read_truth(sources: Sequence[Contents], truth: Any) -> dict[Path, frozenset[str]] | None:
    """Return the authoritative diagnosis of each file: by the table that is named, or by those of the sources."""
    if truth is None:
        tables = [(contents.table, contents.rows) for contents in sources if contents.table]
    else:
        table = read_table(expand_path(truth, DatasetError) if isinstance(truth, (str, os.PathLike)) else truth)
        files = [(contents.root, [image.path for image in contents.images]) for contents in sources]
        tables = [(table, match_rows(table, root, paths).rows) for root, paths in files]
    found = {path: _truth_of(table, own) for table, rows in tables for path, own in rows.items()}
    return found if tables else None


def _truth_of(table: Table, rows: Sequence[TableRow]) -> frozenset[str]:
    """Return the finest diagnosis of an image's rows; none where they contradict each other."""
    known = sorted({codes for row in rows if (codes := table.truth(row))}, key=len)
    return known[0] if known and all(known[0] <= codes for codes in known) else frozenset()


def _unexpected(sources: Sequence[Contents]) -> list[Path]:
    """Return the files that take no part, and count quietly those that a named table leaves out on purpose."""
    unlisted = {path for contents in sources for path in contents.unlisted}
    if unlisted:
        name = "image is" if len(unlisted) == 1 else "images are"
        logging.getLogger("melanoma_detect").info("%d %s not in the table, and not loaded", len(unlisted), name)
    return [path for contents in sources for path in contents.other_files if path not in unlisted]


def _exclude_rare(records: list[Record], few: Mapping[str, int], rare: Rare) -> tuple[list[Record], list[SetAside]]:
    """Exclude the rare classes, or raise, as the user asks."""
    if few and rare == "error":
        name = min(few)
        image = next(record for record in records if record.label == name)
        raise DatasetError(
            f"{describe_rare(few, excluded=False).partition(';')[0]}; the first is {image.path}. Add images of them, remove "
            "them, or take rare='train' or rare='exclude'"
        )
    if rare != "exclude":
        return records, []
    excluded = [
        SetAside(
            record, f"too few different lesions or patients show {record.label} to be in every split", "lone class"
        )
        for record in records
        if record.label in few
    ]
    remaining = [record for record in records if record.label not in few]
    if excluded and not remaining:
        raise DatasetError(f"{describe_rare(few, excluded=True)}, and nothing is left; take rare='train'")
    return remaining, excluded


def _present(records: Sequence[Record], ingested: Ingested) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the classes that images are left of, and what the coarse labels cover of them.

    A coarse label that covers none of them is a class.
    """
    used = {record.label for record in records}
    classes = {label for label in ingested.classes if label in used}
    covered = {
        label: tuple(name for name in names if name in classes) for label, names in ingested.label_groups.items()
    }
    alone = {label for label, names in covered.items() if not names and label in used}
    return (
        tuple(sorted(classes | alone)) if alone else tuple(label for label in ingested.classes if label in classes),
        {label: names for label, names in covered.items() if names},
    )
