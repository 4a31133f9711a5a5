"""The warning of `load_dataset`: one, which counts everything that changes the meaning of a result."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from melanoma_detect import taxonomy
from melanoma_detect.data.cleaning import Conflicts, describe_conflicts
from melanoma_detect.data.labels import unknown_labels
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.errors import DataWarning
from melanoma_detect.utils.counts import count_noun, is_or_are
from melanoma_detect.utils.user_warning import warn_user

_LISTED = 8  # labels named in a message


def warn_once(roots: Sequence[Path], messages: Sequence[str], excluded: Sequence[SetAside]) -> None:
    """Warn once, with counts, of everything in the sources that changes the meaning of a result.

    Args:
        roots: The folders of the sources.
        messages: What is to be said; empty ones are left out, and nothing is said where all are.
        excluded: The excluded images.

    Examples:
        >>> warn_once([Path("isic9")], ["", ""], [])
    """
    if any(messages):
        listed = "; ".join(message for message in messages if message)
        more = ". See data.set_aside, and md.audit(data)" if excluded else ""
        warn_user(f"{', '.join(map(str, roots))}: {listed}{more}", DataWarning)


def describe_unreadable(unreadable: Sequence[SetAside]) -> str:
    """Describe the files that cannot be read.

    Args:
        unreadable: The files, with their reasons.

    Returns:
        A sentence with counts; empty where there is none.

    Examples:
        >>> describe_unreadable([SetAside(data.records[0], "a.jpg: is empty", "unreadable")])
        '1 file cannot be read (a.jpg: is empty)'
    """
    if not unreadable:
        return ""
    more = f", and {len(unreadable) - 2} more" if len(unreadable) > 2 else ""
    return f"{count_noun(len(unreadable), 'file')} cannot be read ({'; '.join(entry.reason for entry in unreadable[:2])}{more})"


def describe_conflicting(
    labels: Sequence[frozenset[str]], conflicting: Sequence[SetAside], conflicts: Conflicts
) -> str:
    """Describe the images with contradicting labels, and what was done with them.

    Args:
        labels: The labels of each such image.
        conflicting: The excluded files.
        conflicts: What `load_dataset` was asked to do with them.

    Returns:
        A sentence with counts; empty where there is none.

    Examples:
        >>> describe_conflicting([], [], "drop")
        ''
    """
    if not labels and not any("but the table says" in entry.reason for entry in conflicting):
        return ""
    files, verb = count_noun(len(conflicting), "file"), is_or_are(len(conflicting))
    done = f"their {files} {verb} set aside" if conflicting else "they stay in, as conflicts='keep' asks"
    if conflicts == "resolve":
        done = f"{files} that the truth contradicts or does not know {verb} set aside"
    return f"{describe_conflicts(labels)}: no model can get both right, so {done}"


def describe_unlabelled(unlabelled: Sequence[SetAside]) -> str:
    """Describe the images without a label.

    Args:
        unlabelled: The images.

    Returns:
        A sentence with their number; empty where there is none.

    Examples:
        >>> describe_unlabelled([SetAside(data.records[0], "no label", "no label")])
        '1 image has no label'
    """
    has = "has" if len(unlabelled) == 1 else "have"
    return f"{count_noun(len(unlabelled), 'image')} {has} no label" if unlabelled else ""


def describe_rare(rare: Mapping[str, int], *, excluded: bool) -> str:
    """Describe the classes with too few lesions or patients for every split.

    Args:
        rare: The number of training images of each such class.
        excluded: Whether they were set aside; else they stay in train.

    Returns:
        A sentence with counts; empty where there is none.

    Examples:
        >>> describe_rare({"wart": 2, "scar": 1}, excluded=False)
        'scar (1), wart (2): too few different lesions or patients to be in every split; these images stay in train'
    """
    if not rare:
        return ""
    done = "their images are set aside" if excluded else "these images stay in train"
    return f"{_count(rare)}: too few different lesions or patients to be in every split; {done}"


def describe_untrained(excluded: Sequence[SetAside]) -> str:
    """Describe the classes that were excluded because no training image shows them.

    Args:
        excluded: Their records.

    Returns:
        A sentence with counts; empty where there is none.

    Examples:
        >>> describe_untrained([])
        ''
    """
    counts = Counter(entry.record.label for entry in excluded)
    return f"{_count(counts)}: in validation or test alone, set aside: no model can learn it" if counts else ""


def describe_no_test(records: Sequence[Record], given: Collection[str]) -> str:
    """Say that the sources give their own splits, and no test among them.

    Args:
        records: The records, in their splits.
        given: The ids of the records whose splits their source gives.

    Returns:
        A sentence; empty where there are test images, or no source gives a split.

    Examples:
        >>> describe_no_test(data.records, {data.records[0].id})
        ''
    """
    if not given or any(record.split == "test" for record in records):
        return ""
    return "no image is in test, since the sources give their own splits and no test among them"


def describe_gone(records: Sequence[Record], excluded: Sequence[SetAside], label_groups: Iterable[str]) -> str:
    """Describe the classes of which cleaning has left no image.

    Args:
        records: The records that are left.
        excluded: What was set aside.
        label_groups: The labels that cover several classes.

    Returns:
        A sentence with counts; empty where every class has images.

    Examples:
        >>> describe_gone(data.records, data.set_aside, data.label_groups)
        ''
    """
    kept = {taxonomy.meaning(label) for label in (*{record.label for record in records}, *label_groups)}
    asked = ("dropped", "lone class", "no label")
    gone = Counter(
        entry.record.label
        for entry in excluded
        if entry.kind not in asked and taxonomy.meaning(entry.record.label) not in kept
    )
    return f"no image is left of {_count(gone)}: no class any more" if gone else ""


def describe_unknown(labels: Sequence[str]) -> str:
    """Describe the labels that the taxonomy does not know.

    Args:
        labels: The label of each image.

    Returns:
        A sentence with counts; empty where all are known.

    Examples:
        >>> describe_unknown(["nevus", "banana", "banana"])
        'labels that the taxonomy does not know: banana (2); each is a class of its own (rename or drop them with label_map=)'
    """
    unknown = unknown_labels([label for label in labels if label])
    if not unknown:
        return ""
    return (
        f"labels that the taxonomy does not know: {_count(unknown)}; each is a class of its own (rename or drop them with "
        "label_map=)"
    )


def describe_other_files(roots: Sequence[Path], other: Sequence[Path]) -> str:
    """Describe the files that take no part.

    Args:
        roots: The folders of the sources.
        other: The files.

    Returns:
        A sentence with counts; empty where there is none.

    Examples:
        >>> describe_other_files([Path("isic9")], [Path("isic9/notes.txt")])
        '1 file takes no part (notes.txt); see data.other_files'
    """
    inside: list[Path] = []
    beside: list[Path] = []
    for path in other:
        (inside if any(path.is_relative_to(root) for root in roots) else beside).append(path)
    listed = [
        _name_files(inside, [_relative(path, roots) for path in inside]) if inside else "",
        _name_files(beside, [path.name for path in beside], f" beside {' and '.join(root.name for root in roots)}")
        if beside
        else "",
    ]
    return f"{' and '.join(filter(None, listed))}; see data.other_files" if other else ""


def _name_files(paths: Sequence[Path], names: Sequence[str], where: str = "") -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    takes = "takes" if len(paths) == 1 else "take"
    return f"{count_noun(len(paths), 'file')}{where} {takes} no part ({', '.join(names[:3])}{more})"


def _count(counts: Mapping[str, int]) -> str:
    listed = [f"{label} ({counts[label]})" for label in sorted(counts)]
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + more


def _relative(path: Path, roots: Sequence[Path]) -> str:
    return next((path.relative_to(root).as_posix() for root in roots if path.is_relative_to(root)), str(path))
