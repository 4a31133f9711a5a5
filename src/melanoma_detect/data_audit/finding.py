"""Findings of an audit, and the inputs that its checks work on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from melanoma_detect.data.near_duplicates import NearDuplicate
from melanoma_detect.data.properties import ImageProperties
from melanoma_detect.data.record import Record, SetAside
from melanoma_detect.data_audit.augmented_copies import Copies
from melanoma_detect.utils.notebook import notebook_view

Case = tuple[Record, ...]


@dataclass(frozen=True)
class Finding:
    """One kind of problem in a dataset.

    Attributes:
        kind: The kind, in a few words.
        count: How many images, pairs or classes; the summary names which of these.
        effect: Its effect on a result.
        advice: What to do.
        cases: The records; those that belong together form one case.
        summary: The finding in one sentence, with its figures.
        values: Further figures by name.
    """

    kind: str
    count: int
    effect: str = ""
    advice: str = ""
    cases: tuple[Case, ...] = ()
    summary: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    _repr_html_ = notebook_view

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain values.

        Returns:
            Values that `json` takes.

        Examples:
            >>> Finding("poor images", 1, "", "", ((data.records[0],),)).to_dict()["count"]
            1
        """
        cases = [
            [{"id": r.id, "label": r.label, "split": r.split, "path": str(r.path)} for r in case] for case in self.cases
        ]
        return {
            "kind": self.kind,
            "count": self.count,
            "summary": self.summary,
            "effect": self.effect,
            "advice": self.advice,
            "values": dict(self.values),
            "cases": cases,
        }


@dataclass(frozen=True)
class AuditInputs:
    """Everything that the checks of an audit work on.

    Attributes:
        records: The readable records, with the labels and splits that they came with.
        images: For each record the image that it shows: records of one image share it.
        pairs: Near duplicates among the records, by position.
        properties: The properties of each record's file.
        unreadable: The records that cannot be read.
        other_files: Files that take no part.
        copies: Copies that Augmentor made, among the records or outside the class folders.
        known: The records that are in known sets.
        labels: Labels that contradict the images, by a detector.
        strangers: Images that show no skin lesion, by a detector.
    """

    records: Sequence[Record] = ()
    images: Sequence[str] = ()
    pairs: Sequence[NearDuplicate] = ()
    properties: Sequence[ImageProperties] = ()
    unreadable: Sequence[SetAside] = ()
    other_files: Sequence[Path] = ()
    copies: Copies = field(default_factory=Copies)
    known: Finding = field(default_factory=lambda: Finding("images of known sets", 0))
    labels: Finding = field(default_factory=lambda: Finding("doubtful labels", 0))
    strangers: Finding = field(default_factory=lambda: Finding("no skin lesion", 0))
