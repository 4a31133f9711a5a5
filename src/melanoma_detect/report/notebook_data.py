"""What a notebook shows of data: a dataset, a split, a record, an audit and its findings."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from melanoma_detect import taxonomy
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.record import SPLITS, Record, SplitName
from melanoma_detect.data.split import Split
from melanoma_detect.data_audit.audit import Audit
from melanoma_detect.data_audit.finding import Finding
from melanoma_detect.images.reader import load_rgb
from melanoma_detect.report.notebook_parts import Picture, fill_template, picture, thumbnail
from melanoma_detect.utils.counts import count_noun

_KINDS: dict[SplitName, str] = {"train": "a", "validation": "c", "test": "b"}  # colours of the bars
_MAX_CLASSES = 40  # bars; the others are counted together
_SAMPLES = 12  # images of a dataset: one of each class, the largest classes first
_EXCLUDED = 5  # reasons that are quoted of each kind
_CASES = 4  # of one finding, with at most two images each
_AUDIT_IMAGES = 40  # of all findings together: at 5 kB each the view stays under 300 kB


class ClassRow(NamedTuple):
    """The images of one class.

    Attributes:
        label: The class.
        counts: Its images in each split.
        bar: The parts of its bar: the share of the largest class, and its colour.
        melanoma: Whether it is melanoma.
    """

    label: str
    counts: tuple[int, ...]
    bar: list[tuple[float, str]]
    melanoma: bool


def dataset(value: Dataset) -> str:
    """Show a dataset: the images of each class and split, one image of each class, and what was excluded.

    Args:
        value: The dataset.

    Returns:
        HTML.

    Examples:
        >>> dataset(data).count("<img")
        9
    """
    reasons: dict[str, list[str]] = {}
    for entry in value.set_aside:
        reasons.setdefault(entry.kind, []).append(entry.reason)
    return _show_data(
        value.records,
        labels=(*value.classes, *value.label_groups),
        splits=SPLITS,
        title=f"Dataset of {count_noun(len(value.classes), 'class', 'classes')}",
        reasons=sorted(reasons.items(), key=lambda pair: -len(pair[1])),
        excluded=len(value.set_aside),
        other_files=len(value.other_files),
        size=value.image_size,
        resize=value.resize,
    )


def split(value: Split) -> str:
    """Show a split: the images of each class, and one image of each.

    Args:
        value: The split.

    Returns:
        HTML.

    Examples:
        >>> "Split test" in split(data.test)
        True
    """
    labels = (*value.classes, *value.label_groups)
    title = f"Split {value.name}"
    return _show_data(
        value.records, labels=labels, splits=(value.name,), title=title, size=value.image_size, resize=value.resize
    )


def record(value: Record) -> str:
    """Show a record: its image and what is known of it.

    Args:
        value: The record.

    Returns:
        HTML.

    Examples:
        >>> data.test[0].label in record(data.test[0])
        True
    """
    known = {"label": value.label, "split": value.split, "group": value.group, "source": value.source}
    if value.parent:
        known["made from"] = value.parent
    return fill_template(
        "record",
        record=value,
        picture=picture(lambda: load_rgb(value.image), 220),
        known=known | dict(value.metadata),
    )


def audit(value: Audit) -> str:
    """Show an audit: its findings, the most serious first, each with its effect, advice and images side by side.

    Args:
        value: The audit.

    Returns:
        HTML: findings open when they are clicked, the first one is open.

    Examples:
        >>> "images of 9 classes" in audit(md.audit(data, progress=False))
        True
    """
    left, findings = _AUDIT_IMAGES, []
    for one in value.findings:
        cases = _cases(one, left)
        left -= sum(len(case) for case in cases)
        findings.append((one, cases))
    return fill_template("audit", audit=value, findings=findings)


def finding(value: Finding) -> str:
    """Show one finding of an audit with its images.

    Args:
        value: The finding.

    Returns:
        HTML.

    Examples:
        >>> "nothing found" in finding(md.audit(data, progress=False)["two labels"])
        True
    """
    return fill_template("finding", finding=value, cases=_cases(value, _AUDIT_IMAGES, most=12))


def _show_data(records: Sequence[Record], labels: Sequence[str], splits: Sequence[SplitName], **values: object) -> str:
    counts = Counter((one.label, one.split) for one in records)
    totals = {label: sum(counts[label, name] for name in splits) for label in labels}
    largest = max(totals.values(), default=0) or 1
    melanomas = set(taxonomy.positions(tuple(labels), code=taxonomy.MELANOMA))
    rows = [
        ClassRow(
            label,
            tuple(counts[label, name] for name in splits),
            [(counts[label, name] / largest, _KINDS[name]) for name in splits],
            index in melanomas,
        )
        for index, label in enumerate(labels)
    ]
    return fill_template(
        "data",
        rows=rows[:_MAX_CLASSES],
        hidden=len(rows) - _MAX_CLASSES,
        splits=[(name, _KINDS[name], sum(one.split == name for one in records)) for name in splits],
        images=len(records),
        copies=sum(one.parent is not None for one in records),
        sources=list(dict.fromkeys(one.source for one in records if one.source)),
        samples=_samples(records, sorted(totals, key=lambda label: -totals[label])[:_SAMPLES]),
        quoted=_EXCLUDED,
        **values,
    )


def _samples(records: Sequence[Record], labels: Sequence[str]) -> list[tuple[Record, Picture]]:
    """Return the first original image of each class."""
    first: dict[str, Record] = {}
    for one in records:
        if one.parent is None:
            first.setdefault(one.label, one)
    return [(first[label], thumbnail(first[label].image)) for label in labels if label in first]


def _cases(value: Finding, images: int, most: int = _CASES) -> list[list[tuple[Record, Picture]]]:
    """Return the first cases of a finding, at most two images each, as long as there is room for images."""
    shown: list[list[tuple[Record, Picture]]] = []
    for case in value.cases[:most]:
        if images < len(case[:2]):
            break
        images -= len(case[:2])
        shown.append([(one, thumbnail(one.image)) for one in case[:2]])
    return shown
