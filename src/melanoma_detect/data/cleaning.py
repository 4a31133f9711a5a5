"""What is taken out of a dataset before anything is learned from it, and why.

A picture under two labels can teach nothing; a picture in Train and in Test measures nothing. Both are found here by what the
files show, not by what they are called, and set aside with their reasons.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from melanoma_detect import taxonomy
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.data.sources.table import Table, picture_name
from melanoma_detect.errors import DatasetError

Conflicts: TypeAlias = Literal["drop", "resolve", "keep", "error"]
Leaks: TypeAlias = Literal["drop", "error"]


def take_finer_labels(records: Sequence[Record], pictures: Mapping[str, str]) -> list[Record]:
    """Give pictures that carry a coarse and a fine label the fine one.

    Args:
        records: The records.
        pictures: For the id of each record, which picture it shows.

    Returns:
        The records in order; HAM10000's akiec, say, becomes an actinic keratosis where another source says so.

    Examples:
        >>> a, b = (replace(record, label=label) for record, label in zip(data.records, ("akiec", "actinic keratosis")))
        >>> [record.label for record in take_finer_labels([a, b], {a.id: "one", b.id: "one"})]
        ['actinic keratosis', 'actinic keratosis']
    """
    labels = _labels(records, pictures)
    finest: dict[str, str] = {}
    for picture, found in labels.items():
        if len(found) > 1 and not _contradict(found):
            finest[picture] = min(found, key=lambda label: (len(taxonomy.meaning(label)), label))
    return [replace(record, label=finest.get(pictures[record.id], record.label)) for record in records]


def set_conflicts_aside(
    records: Sequence[Record], pictures: Mapping[str, str], how: Conflicts, truth: Sequence[Table] = ()
) -> tuple[list[Record], list[SetAside]]:
    """Take out pictures that carry labels which contradict each other.

    Args:
        records: The records.
        pictures: For the id of each record, which picture it shows.
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
    contradicting = {picture: found for picture, found in _labels(records, pictures).items() if _contradict(found)}
    if contradicting and how == "error":
        raise DatasetError(
            f"{say_conflicts(list(contradicting.values()))}; take the wrong ones out, or set them aside with conflicts='drop'"
        )
    if how == "keep":
        return list(records), []
    reasons = [
        _reason(record, contradicting.get(pictures[record.id]), truth if how == "resolve" else ()) for record in records
    ]
    kept = [record for record, reason in zip(records, reasons, strict=True) if not reason]
    aside = [SetAside(record, why, "conflict") for record, why in zip(records, reasons, strict=True) if why]
    return kept, aside


def say_conflicts(labels: Sequence[frozenset[str]]) -> str:
    """Say in words how many pictures carry which labels at once.

    Args:
        labels: The labels of each such picture.

    Returns:
        Words with counts.

    Examples:
        >>> say_conflicts([frozenset({"nevus", "melanoma"})] * 2)
        '2 pictures carry labels that contradict each other (2 as melanoma / nevus)'
    """
    pairs = Counter(" / ".join(sorted(found)) for found in labels)
    listed = ", ".join(f"{count} as {pair}" for pair, count in pairs.most_common(5))
    more = f" and {len(pairs) - 5} more combinations" if len(pairs) > 5 else ""
    carry = "picture carries" if len(labels) == 1 else "pictures carry"
    return f"{len(labels)} {carry} labels that contradict each other ({listed}{more})"


def contradicting_labels(records: Sequence[Record], pictures: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return the pictures that carry labels which contradict each other, with the labels.

    Args:
        records: The records.
        pictures: For the id of each record, which picture it shows.

    Returns:
        By picture.

    Examples:
        >>> contradicting_labels(data.records, {record.id: record.id for record in data.records})
        {}
    """
    return {picture: found for picture, found in _labels(records, pictures).items() if _contradict(found)}


def _labels(records: Sequence[Record], pictures: Mapping[str, str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for record in records:
        found[pictures[record.id]].add(record.label)
    return {picture: frozenset(labels) for picture, labels in found.items()}


def _contradict(labels: frozenset[str]) -> bool:
    """Return whether no label is a finer one of all the others."""
    meanings = sorted(map(taxonomy.meaning, labels), key=len)
    return any(not meanings[0] <= other for other in meanings[1:])


def _reason(record: Record, labels: frozenset[str] | None, truth: Sequence[Table]) -> str:
    said = next((found for table in truth if (found := table.truth(picture_name(record.path)))), frozenset())
    meaning = taxonomy.meaning(record.label)
    agrees = bool(said) and (said <= meaning or meaning <= said)
    if said and not agrees:
        return f"labelled {record.label}, but the table says {' or '.join(sorted(said))}"
    if labels and not agrees:
        others = ", ".join(sorted(labels - {record.label}))
        return f"the same picture is labelled {others} as well"
    return ""
