"""What is taken out of a dataset before anything is learned from it, and why.

An image under two labels can teach nothing; an image in Train and in Test measures nothing. Both are found here by what the
files show, not by what they are called, and set aside with their reasons.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from melanoma_detect import taxonomy
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.data.sources.table import Table, image_name
from melanoma_detect.errors import DatasetError

Conflicts: TypeAlias = Literal["drop", "resolve", "keep", "error"]
Leaks: TypeAlias = Literal["drop", "error"]


def take_finer_labels(records: Sequence[Record], images: Mapping[str, str]) -> list[Record]:
    """Give images that carry a coarse and a fine label the fine one.

    Args:
        records: The records.
        images: For the id of each record, which image it shows.

    Returns:
        The records in order; HAM10000's akiec, say, becomes an actinic keratosis where another source says so.

    Examples:
        >>> a, b = (replace(record, label=label) for record, label in zip(data.records, ("akiec", "actinic keratosis")))
        >>> [record.label for record in take_finer_labels([a, b], {a.id: "one", b.id: "one"})]
        ['actinic keratosis', 'actinic keratosis']
    """
    labels = _labels(records, images)
    finest: dict[str, str] = {}
    for image, found in labels.items():
        if len(found) > 1 and not _contradict(found):
            finest[image] = min(found, key=lambda label: (len(taxonomy.meaning(label)), label))
    return [replace(record, label=finest.get(images[record.id], record.label)) for record in records]


def set_conflicts_aside(
    records: Sequence[Record], images: Mapping[str, str], how: Conflicts, truth: Sequence[Table] = ()
) -> tuple[list[Record], list[SetAside]]:
    """Take out images that carry labels which contradict each other.

    Args:
        records: The records.
        images: For the id of each record, which image it shows.
        how: `"drop"` all of them; `"resolve"`: keep those whose label the truth agrees with, drop the others, and drop as well
            what carries a single label that the truth contradicts; `"keep"` them; `"error"`: refuse.
        truth: Tables of authoritative labels.

    Returns:
        The records that stay, and those set aside.

    Raises:
        DatasetError: There are conflicts and they are to be an error, or `"resolve"` lacks a table.

    Examples:
        >>> a, b = (replace(record, label=label) for record, label in zip(data.records, ("nevus", "melanoma")))
        >>> kept, aside = set_conflicts_aside([a, b], {a.id: "one", b.id: "one"}, "drop")
        >>> len(kept), aside[0].kind
        (0, 'conflict')
    """
    if how not in ("drop", "resolve", "keep", "error"):
        raise DatasetError(f"conflicts={how!r}; expected 'drop', 'resolve', 'keep' or 'error'")
    if how == "resolve" and not truth:
        raise DatasetError(
            "conflicts='resolve' needs a table of authoritative labels; name one with truth=, or put a metadata.csv with the "
            "column isic2019_diagnosis beside Train"
        )
    contradicting = {image: found for image, found in _labels(records, images).items() if _contradict(found)}
    if contradicting and how == "error":
        raise DatasetError(
            f"{say_conflicts(list(contradicting.values()))}; take the wrong ones out, or set them aside with conflicts='drop'"
        )
    if how == "keep":
        return list(records), []
    reasons = [
        _reason(record, contradicting.get(images[record.id]), truth if how == "resolve" else ()) for record in records
    ]
    kept = [record for record, reason in zip(records, reasons, strict=True) if not reason]
    aside = [SetAside(record, why, "conflict") for record, why in zip(records, reasons, strict=True) if why]
    return kept, aside


def say_conflicts(labels: Sequence[frozenset[str]]) -> str:
    """Say in words how many images carry which labels at once.

    Args:
        labels: The labels of each such image.

    Returns:
        Words with counts.

    Examples:
        >>> say_conflicts([frozenset({"nevus", "melanoma"})] * 2)
        '2 images carry labels that contradict each other (2 as melanoma / nevus)'
    """
    pairs = Counter(" / ".join(sorted(found)) for found in labels)
    listed = ", ".join(f"{count} as {pair}" for pair, count in pairs.most_common(5))
    more = f" and {len(pairs) - 5} more combinations" if len(pairs) > 5 else ""
    carry = "image carries" if len(labels) == 1 else "images carry"
    return f"{len(labels)} {carry} labels that contradict each other ({listed}{more})"


def contradicting_labels(records: Sequence[Record], images: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return the images that carry labels which contradict each other, with the labels.

    Args:
        records: The records.
        images: For the id of each record, which image it shows.

    Returns:
        By image.

    Examples:
        >>> contradicting_labels(data.records, {record.id: record.id for record in data.records})
        {}
    """
    return {image: found for image, found in _labels(records, images).items() if _contradict(found)}


def _labels(records: Sequence[Record], images: Mapping[str, str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for record in records:
        found[images[record.id]].add(record.label)
    return {image: frozenset(labels) for image, labels in found.items()}


def _contradict(labels: frozenset[str]) -> bool:
    """Return whether no label is a finer one of all the others."""
    meanings = sorted(map(taxonomy.meaning, labels), key=len)
    return any(not meanings[0] <= other for other in meanings[1:])


def _reason(record: Record, labels: frozenset[str] | None, truth: Sequence[Table]) -> str:
    said = next((found for table in truth if (found := table.truth(image_name(record.path)))), frozenset())
    meaning = taxonomy.meaning(record.label)
    agrees = bool(said) and (said <= meaning or meaning <= said)
    if said and not agrees:
        return f"labelled {record.label}, but the table says {' or '.join(sorted(said))}"
    if labels and not agrees:
        others = ", ".join(sorted(labels - {record.label}))
        return f"the same image is labelled {others} as well"
    return ""
