"""Data cleaning: images with contradicting labels, and images that a training and a test split share.

An image with two labels teaches nothing; an image in both train and test measures nothing. Both are recognised by what the
files show, not by their names.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from melanoma_detect import taxonomy
from melanoma_detect.data.arguments import check_choice
from melanoma_detect.data.record import SPLITS, Record, SetAside
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.counts import count_noun, is_or_are

Conflicts: TypeAlias = Literal["drop", "resolve", "keep", "error"]
Leaks: TypeAlias = Literal["drop", "error"]


def contradicting_labels(labels: Iterable[str], images: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the images with contradicting labels.

    A coarse label and a finer one that it covers do not contradict each other.

    Args:
        labels: The label of each file.
        images: The image that each file shows.

    Returns:
        For each such image its labels.

    Examples:
        >>> contradicting_labels(["nevus", "nevus", "melanoma"], ["a", "b", "b"])["b"] == {"nevus", "melanoma"}
        True
    """
    return {image: names for image, names in _labels_by_image(labels, images).items() if _contradict(names)}


def describe_conflicts(labels: Sequence[frozenset[str]]) -> str:
    """Describe how many images carry which labels at once.

    Args:
        labels: The labels of each such image.

    Returns:
        A sentence with counts.

    Examples:
        >>> describe_conflicts([frozenset({"nevus", "melanoma"})] * 2)
        '2 images carry labels that contradict each other (2 as melanoma / nevus)'
    """
    pairs = Counter(" / ".join(sorted(names)) for names in labels)
    listed = ", ".join(f"{count} as {pair}" for pair, count in pairs.most_common(5))
    more = f" and {len(pairs) - 5} more combinations" if len(pairs) > 5 else ""
    carry = "carries" if len(labels) == 1 else "carry"
    return f"{count_noun(len(labels), 'image')} {carry} labels that contradict each other ({listed}{more})"


def take_finer_labels(labels: Sequence[str], images: Sequence[str]) -> list[str]:
    """Replace the coarse label of an image that also carries a finer one.

    Args:
        labels: The label of each file.
        images: The image that each file shows.

    Returns:
        The labels in order; HAM10000's akiec, say, becomes an actinic keratosis where another source says so.

    Examples:
        >>> take_finer_labels(["akiec", "actinic keratosis"], ["a", "a"])
        ['actinic keratosis', 'actinic keratosis']
    """
    finest = {
        image: min(names, key=lambda label: (len(taxonomy.meaning(label)), label))
        for image, names in _labels_by_image(labels, images).items()
        if len(names) > 1 and not _contradict(names)
    }
    return [finest.get(image, label) for label, image in zip(labels, images, strict=True)]


def exclude_conflicts(
    records: Sequence[Record],
    images: Sequence[str],
    conflicts: Conflicts,
    truth: Mapping[Path, frozenset[str]] | None = None,
    second_labels: Mapping[str, Sequence[str]] | None = None,
) -> tuple[list[Record], list[SetAside]]:
    """Exclude images with contradicting labels.

    Args:
        records: The records.
        images: The image that each record shows.
        conflicts: `"drop"` excludes all of them. `"resolve"` keeps those whose label the truth confirms and excludes the
            others, and also what carries a single label that the truth contradicts. `"keep"` keeps them. `"error"` raises.
        truth: The codes of the authoritative diagnosis of each file; None where there is no table of them.
        second_labels: By the id of a record, what its source says of it beside its label.

    Returns:
        The remaining records, and the excluded ones with their reasons.

    Raises:
        DatasetError: There are conflicts and `conflicts` is `"error"`, or it is `"resolve"` without a table.

    Examples:
        >>> from dataclasses import replace
        >>> a, b = (replace(record, label=label) for record, label in zip(data.records, ("nevus", "melanoma")))
        >>> remaining, excluded = exclude_conflicts([a, b], ["one", "one"], "drop")
        >>> len(remaining), excluded[0].kind
        (0, 'conflict')
    """
    check_choice("conflicts", conflicts, ("drop", "resolve", "keep", "error"))
    if conflicts == "resolve" and truth is None:
        raise DatasetError(
            "conflicts='resolve' needs a table of authoritative labels; name one with truth=, or put a metadata.csv with the "
            "column isic2019_diagnosis beside Train"
        )
    second = second_labels or {}
    contradicting = find_conflicts(records, images, second)
    if contradicting and conflicts == "error":
        raise DatasetError(
            f"{describe_conflicts(list(contradicting.values()))}; remove the wrong ones, or exclude them with "
            "conflicts='drop'"
        )
    if conflicts == "keep":
        return list(records), []
    known = (truth or {}) if conflicts == "resolve" else {}
    reasons = [
        _conflict_reason(
            record, contradicting.get(image), known.get(record.path, frozenset()), second.get(record.id, ())
        )
        for record, image in zip(records, images, strict=True)
    ]
    remaining = [record for record, reason in zip(records, reasons, strict=True) if not reason]
    excluded = [SetAside(record, why, "conflict") for record, why in zip(records, reasons, strict=True) if why]
    return remaining, excluded


def find_conflicts(
    records: Sequence[Record], images: Sequence[str], second_labels: Mapping[str, Sequence[str]]
) -> dict[str, frozenset[str]]:
    """Return the images with contradicting labels: of several files, or of several rows for one file.

    Args:
        records: The records.
        images: The image that each record shows.
        second_labels: By the id of a record, what its source says of it beside its label.

    Returns:
        For each such image its labels.

    Examples:
        >>> record = data.train[0]
        >>> sorted(find_conflicts([record], ["a"], {record.id: ["scar"]})["a"]) == sorted([record.label, "scar"])
        True
    """
    pairs = [(record.label, image) for record, image in zip(records, images, strict=True)]
    pairs += [
        (label, image)
        for record, image in zip(records, images, strict=True)
        for label in second_labels.get(record.id, ())
    ]
    return contradicting_labels((label for label, _ in pairs), (image for _, image in pairs))


def exclude_leaks(
    records: Sequence[Record], leaks: Leaks, also_shown: Sequence[Record] = ()
) -> tuple[list[Record], list[SetAside]]:
    """Exclude from later splits the images, lesions and patients of an earlier one (train, then validation, then test).

    Args:
        records: Records in the splits that their sources give, with their groups.
        leaks: `"drop"` excludes them, `"error"` raises.
        also_shown: Excluded records whose images were in an earlier split all the same.

    Returns:
        The remaining records, and the excluded ones; each reason names the record of the earlier split.

    Raises:
        DatasetError: There are leaks and `leaks` is `"error"`.

    Examples:
        >>> remaining, excluded = exclude_leaks(data.records, "drop")
        >>> len(remaining) == len(data), excluded
        (True, [])
    """
    check_choice("leaks", leaks, ("drop", "error"))
    first: dict[str, Record] = {}
    for record in sorted([*records, *also_shown], key=lambda record: SPLITS.index(record.split)):
        first.setdefault(record.group, record)
        first.setdefault(record.digest, record)
    remaining = [record for record in records if first[record.group].split == record.split]
    excluded = [
        SetAside(record, _leak_reason(record, first)) for record in records if first[record.group].split != record.split
    ]
    if excluded and leaks == "error":
        raise DatasetError(
            f"{describe_leaks(excluded)}, the first is {excluded[0].record.id}: {excluded[0].reason}; remove them, or "
            "exclude them with leaks='drop'"
        )
    return remaining, excluded


def exclude_untrained(
    records: Sequence[Record], label_groups: Mapping[str, Sequence[str]]
) -> tuple[list[Record], list[SetAside]]:
    """Exclude the classes without a training image: a model would have an output for them that never learns.

    Args:
        records: The records, in their splits.
        label_groups: For a coarse label the classes that it covers; these learn from its images.

    Returns:
        The remaining records, and the excluded ones. Without any training image, as in a set for evaluation, all remain.

    Examples:
        >>> exclude_untrained(data.records, {})[1]
        []
    """
    trained = {record.label for record in records if record.split == "train"}
    learned = trained.union(*(label_groups.get(label, ()) for label in trained))
    learned.update(label for label, covered in label_groups.items() if learned.intersection(covered))
    if not trained:
        return list(records), []
    reason = "no training image shows {}: a model cannot learn it"
    return (
        [record for record in records if record.label in learned],
        [
            SetAside(record, reason.format(record.label), "lone class")
            for record in records
            if record.label not in learned
        ],
    )


def describe_leaks(excluded: Sequence[SetAside]) -> str:
    """Describe how many images were excluded because an earlier split shows them.

    Args:
        excluded: The excluded records.

    Returns:
        A sentence with counts; empty where there is none.

    Examples:
        >>> describe_leaks([])
        ''
    """
    if not excluded:
        return ""
    same_file = sum(entry.reason.startswith("the same file") for entry in excluded)
    return (
        f"{count_noun(len(excluded), 'image')} {is_or_are(len(excluded))} set aside because "
        f"an earlier split shows them already ({same_file} the same file, "
        f"{len(excluded) - same_file} the same image, lesion or patient): they would make the figures too good"
    )


def _labels_by_image(labels: Iterable[str], images: Iterable[str]) -> dict[str, frozenset[str]]:
    by_image: dict[str, set[str]] = defaultdict(set)
    for label, image in zip(labels, images, strict=True):
        by_image[image].add(label)
    return {image: frozenset(names) for image, names in by_image.items()}


def _contradict(labels: frozenset[str]) -> bool:
    """Return whether no label is a finer one of all the others."""
    meanings = sorted(map(taxonomy.meaning, labels), key=len)
    return any(not meanings[0] <= other for other in meanings[1:])


def _conflict_reason(record: Record, labels: frozenset[str] | None, true: frozenset[str], second: Sequence[str]) -> str:
    """Return why a record is excluded; empty for one that stays."""
    meaning = taxonomy.meaning(record.label)
    confirmed = bool(true) and (true <= meaning or meaning <= true)
    if true and not confirmed:
        return f"labelled {record.label}, but the table says {' or '.join(sorted(true))}"
    if labels and not confirmed:
        if second:
            return (
                f"labelled {record.label}, and {', '.join(second)} as well, by its folder and its table, or by two rows"
            )
        return f"the same image is labelled {', '.join(sorted(labels - {record.label}))} as well"
    return ""


def _leak_reason(record: Record, first: Mapping[str, Record]) -> str:
    twin = first[record.digest]
    shared, earlier = (
        ("file", twin) if twin.split != record.split else ("image, lesion or patient", first[record.group])
    )
    return f"the same {shared} as {earlier.id}, which is in {earlier.split}"
