"""From folders, archives and tables to a Dataset: gate, split, and say what is wrong."""

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from melanoma_detect.data.cleaning import (
    Conflicts,
    Leaks,
    contradicting_labels,
    say_conflicts,
    set_conflicts_aside,
)
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.ingest import Gathered, Place, gather, named_places, read_all
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.data.sources.aspect_ratio import Squashed, unsquash
from melanoma_detect.data.sources.table import read_table
from melanoma_detect.data.splits import cut_off, follow_given, refuse_fractions, set_leaks_aside
from melanoma_detect.errors import DatasetError, DataWarning
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.images.reader import Resize, refuse_resize


def load_dataset(
    source: Place | Sequence[Place] | None = None,
    *,
    images: Place | None = None,
    labels: Place | None = None,
    groups: str | Sequence[str] | None = None,
    conflicts: Conflicts = "drop",
    truth: Place | None = None,
    leaks: Leaks = "drop",
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 123,
    image_size: tuple[int, int] = (180, 180),
    batch_size: int = 32,
    resize: Resize = "squash",
    squashed: Squashed | None = None,
) -> Dataset:
    """Load images as a Dataset without a leak and without contradictions.

    A source is a folder with `Train` and `Test` (in any case; also `Validation`), each with one folder per diagnosis; the
    diagnosis folders alone; a folder of images with a table that labels them; or a zip of any of these. Several sources
    become one dataset, with one list of classes.

    Every file is looked at once. Images with the same bytes, images that look the same (turned, mirrored, rescaled,
    compressed again, cropped to the centre), lesions seen twice, and images of one `lesion_id` or `patient_id` form a group,
    and a group never stands in two splits. What cannot be read, what carries two labels, and what a given Test shares with
    Train is set aside, with one warning, and stays in `data.set_aside` with its reason.

    Args:
        source: A folder, a zip file, or several of them.
        images: A folder of images, in place of a source.
        labels: The table that says what each of the `images` shows; the metadata.csv beside them where it is None.
        groups: The column, or columns, of the tables that say which images belong together; `lesion_id` and `patient_id`
            where it is None.
        conflicts: What to do with an image under labels that contradict each other: `"drop"` all its files, `"resolve"` by the
            truth, `"keep"` them, or refuse with an `"error"`.
        truth: A table of authoritative labels for `"resolve"`; the source's own metadata.csv where it is None.
        leaks: What to do with Test images that Train shows too: `"drop"` them, or refuse with an `"error"`.
        validation: The fraction of the training images that is cut off for validation; 0 for none.
        test: The fraction that is cut off for the test, where a source gives none; 1 takes every image for the test, as for
            images that a detector is to be measured on.
        seed: Where the splits come from.
        image_size: `(height, width)` in pixels that images are read at unless told otherwise.
        batch_size: Images in a batch unless told otherwise.
        resize: How an image of another shape comes to that size: `"squash"` (the assignment's way), `"crop"` or `"pad"`.
        squashed: The shape that images had before they were squashed into squares, as `"4:3"`: of all sources, or by source,
            as `{"isic9": "4:3"}`. Square images are stretched back to it before anything else, so that `resize="crop"` cuts
            what a camera's image would show; images that are not square stay. Nothing is stretched that is not named here:
            of a square image nobody can see whether it was squashed or cropped. The nine-class ISIC set is squashed 4:3.

    Returns:
        The Dataset.

    Raises:
        DatasetError: The source cannot become a dataset; the message names the file and what to do.

    Warns:
        DataWarning: Images were set aside, or files take no part.

    Examples:
        >>> data = load_dataset(isic9)
        >>> data.classes[3]
        'melanoma'
    """
    _refuse_sizes(image_size, batch_size)
    refuse_resize(resize)
    refuse_fractions(validation, test)
    sources = unsquash(read_all(source, images, labels), named_places(source, images), squashed)
    decoded = PixelCache()
    gathered = gather(sources, groups, image_size, resize, decoded)
    tables = [read_table(Path(truth))] if truth else [contents.table for contents in sources if contents.table]
    given = {record.id for contents in gathered.sources if contents.splits for record in contents.records}
    kept, conflicting = set_conflicts_aside(gathered.records, gathered.images, conflicts, tables)
    # What nobody has resolved stands in Train all the same: its lesion is no news to a Test.
    unresolved = [entry.record for entry in conflicting] if conflicts == "drop" else []
    kept, leaking = _gate_leaks(follow_given(kept, given), unresolved, leaks)
    sides = 1 + bool(validation) + bool(test and not given)  # a class must show on each
    kept, dropped, lone = _drop_lone_classes(kept, gathered, 0 if test == 1 else sides)
    kept = cut_off(kept, given, validation=validation, test=test, seed=seed, classes=gathered.classes)
    without = [entry for contents in gathered.sources for entry in contents.set_aside]
    aside = (*gathered.unreadable, *without, *conflicting, *leaking, *lone)
    other = tuple(path for contents in sources for path in contents.other_files)
    _warn(gathered, aside, other, conflicts, dropped)
    classes = tuple(label for label in gathered.classes if label not in dropped)
    coarse = {
        label: tuple(found for found in covered if found not in dropped) for label, covered in gathered.coarse.items()
    }
    return Dataset(tuple(kept), classes, image_size, batch_size, aside, other, resize, coarse, decoded)


def _gate_leaks(records: list[Record], witnesses: list[Record], how: Leaks) -> tuple[list[Record], list[SetAside]]:
    if how not in ("drop", "error"):
        raise DatasetError(f"leaks={how!r}; expected 'drop' or 'error'")
    kept, leaking = set_leaks_aside(records, witnesses)
    if leaking and how == "error":
        first = leaking[0]
        raise DatasetError(f"{_say_leaks(leaking)}, the first is {first.record.id}: {first.reason}")
    return kept, leaking


def _drop_lone_classes(
    records: list[Record], gathered: Gathered, least: int
) -> tuple[list[Record], list[str], list[SetAside]]:
    """Take out the classes that lost nearly all their training images to the gate."""
    before, after = (_training_groups(found) for found in (gathered.records, records))
    lone = [label for label in gathered.classes if before[label] >= least > after[label]]
    aside = [
        SetAside(record, f"of {record.label}, too few training images are left to learn from", "lone class")
        for record in records
        if record.label in lone
    ]
    return [record for record in records if record.label not in lone], lone, aside


def _training_groups(records: Sequence[Record]) -> Counter[str]:
    return Counter(
        label for label, _ in {(record.label, record.group) for record in records if record.split == "train"}
    )


def _refuse_sizes(image_size: tuple[int, int], batch_size: int) -> None:
    whole = isinstance(image_size, Sequence) and all(isinstance(side, int) and side > 0 for side in image_size)
    if not whole or len(image_size) != 2:
        raise DatasetError(f"image_size={image_size!r}; expected (height, width) in pixels, such as (180, 180)")
    if batch_size < 1:
        raise DatasetError(f"batch_size={batch_size}; expected 1 or more")


def _warn(
    gathered: Gathered, aside: Sequence[SetAside], other: Sequence[Path], conflicts: Conflicts, lone: Sequence[str]
) -> None:
    """Say once, and with counts, what in the sources changes what a result means."""
    by_kind = {kind: [entry for entry in aside if entry.kind == kind] for kind in {entry.kind for entry in aside}}
    roots = [contents.root for contents in gathered.sources]
    found = [
        _say_unreadable(by_kind.get("unreadable", [])),
        _say_conflicts(gathered, by_kind.get("conflict", []), conflicts),
        _say_leaks(by_kind.get("leak", [])),
        _say_unlabelled(by_kind.get("no label", [])),
        _say_lone(lone),
        _say_others(roots, other),
    ]
    if any(found):
        listed = "; ".join(text for text in found if text)
        more = ". See data.set_aside, and md.audit(data)" if aside else ""
        warnings.warn(f"{', '.join(map(str, roots))}: {listed}{more}", DataWarning, stacklevel=3)


def _say_unreadable(aside: Sequence[SetAside]) -> str:
    if not aside:
        return ""
    more = f", and {len(aside) - 2} more" if len(aside) > 2 else ""
    return f"{len(aside)} files cannot be read ({'; '.join(entry.reason for entry in aside[:2])}{more})"


def _say_conflicts(gathered: Gathered, aside: Sequence[SetAside], how: Conflicts) -> str:
    found = list(contradicting_labels(gathered.records, gathered.images).values())
    against = sum("but the table says" in entry.reason for entry in aside)
    if not found and not against:
        return ""
    done = f"their {len(aside)} files are set aside" if aside else "they stay in, as conflicts='keep' asks"
    if how == "resolve":
        done = f"{len(aside)} files that the truth contradicts or does not know are set aside"
    return f"{say_conflicts(found)}: no model can get both right, so {done}"


def _say_leaks(aside: Sequence[SetAside]) -> str:
    if not aside:
        return ""
    same = sum(entry.reason.startswith("the same file") for entry in aside)
    return (
        f"{len(aside)} images are set aside because an earlier split shows them already ({same} the same file, "
        f"{len(aside) - same} the same image, lesion or patient): they would make the figures too good"
    )


def _say_unlabelled(aside: Sequence[SetAside]) -> str:
    return f"{len(aside)} images have no label" if aside else ""


def _say_lone(labels: Sequence[str]) -> str:
    return f"too little is left of {', '.join(labels)} to be a class" if labels else ""


def _say_others(roots: Sequence[Path], other: Sequence[Path]) -> str:
    if not other:
        return ""
    names = ", ".join(_below(path, roots) for path in other[:3])
    more = f" and {len(other) - 3} more" if len(other) > 3 else ""
    return f"{len(other)} files take no part ({names}{more}); see data.other_files"


def _below(path: Path, roots: Sequence[Path]) -> str:
    return next((path.relative_to(root).as_posix() for root in roots if path.is_relative_to(root)), str(path))
