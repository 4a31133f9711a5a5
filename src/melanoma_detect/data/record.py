"""What is known about one image, and about one that was set aside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pandas as pd

from melanoma_detect.images.reader import Squashed

SplitName: TypeAlias = Literal["train", "validation", "test"]
Reason: TypeAlias = Literal["unreadable", "conflict", "leak", "no label", "lone class"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
COLUMNS = ("id", "path", "label", "split", "group", "parent", "source")


@dataclass(frozen=True, slots=True)
class Record:
    """One image and what is known about it.

    Attributes:
        id: Its name within the dataset: the path below the folder that was loaded.
        path: Where the file lies.
        label: Its class, as the class folder is named.
        split: `"train"`, `"validation"` or `"test"`.
        group: Records of one group show the same image, lesion or patient and stay in one split.
        digest: SHA-256 of the file's bytes.
        parent: The id of the record that this one was made from by `balance`; None for an image as it came.
        source: The folder, archive or table that it came from.
        metadata: What a table says about it, as `{"age": "45.0", "sex": "male"}`.
        fingerprint: Its perceptual hash, 64 hexadecimal digits; empty where it was not taken.
        weight: How often an epoch shows it, on average.
        aspect: Width over height that the image had before it was squashed into a square; None where it was not.
    """

    id: str
    path: Path
    label: str
    split: SplitName
    group: str
    digest: str
    parent: str | None = None
    source: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    fingerprint: str = ""
    weight: float = 1.0
    aspect: float | None = None

    @property
    def image(self) -> Path | Squashed:
        """What to read: the file, or the file stretched back to the shape that it had."""
        return Squashed(self.path, self.aspect) if self.aspect else self.path

    @property
    def key(self) -> str:
        """What its pixels are known by: files of the same bytes may be read in two ways."""
        return f"{self.digest}@{self.aspect:.4f}" if self.aspect else self.digest


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that takes no part, and why.

    Attributes:
        record: The record, with the label and the split that it came with.
        reason: Why, in words that name the other image.
        kind: `"unreadable"`, `"conflict"`, `"leak"`, `"no label"` or `"lone class"`.
    """

    record: Record
    reason: str
    kind: Reason = "leak"


def frame_of(records: Sequence[Record]) -> pd.DataFrame:
    """Lay records out as a table.

    Args:
        records: The records.

    Returns:
        One row a record; the columns id, path, label, split, group, parent, source.

    Examples:
        >>> len(frame_of(data.records)) == len(data)
        True
    """
    rows: list[list[Any]] = [[getattr(record, column) for column in COLUMNS] for record in records]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"path": object})
