"""Dataset: labelled images in train, validation and test, without a leak between them.

A `Dataset` never changes; every step returns a new one. It cannot be built with a leak: two records of one group (the same
bytes, the same lesion, the same patient) in different splits, or a record and its parent in different splits.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from melanoma_detect.data.arguments import check_choice
from melanoma_detect.data.frames import frame_of
from melanoma_detect.data.record import SPLITS, Record, SetAside, SplitName
from melanoma_detect.data.scan_cache import ScanCache
from melanoma_detect.data.selection import Condition, keep, select_labels, select_records
from melanoma_detect.data.split import Split, accept_coarse_names, normalize_fields
from melanoma_detect.errors import DatasetError, DataWarning, LeakError
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.images.reader import Resize
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.deprecation import warn_renamed
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.user_warning import warn_user


@accept_coarse_names
@dataclass(frozen=True)
class Dataset:
    """Labelled images in three splits, without a leak.

    Attributes:
        records: All images that were not excluded.
        classes: The classes, in the order of a model's outputs.
        image_size: `(height, width)` in pixels that images are read at unless told otherwise.
        batch_size: Images in a batch unless told otherwise.
        set_aside: Records that were excluded, each with its reason.
        other_files: Files of the folder that take no part: not images, or images outside class folders.
        resize: How an image of another shape is brought to `image_size`: `"squash"`, `"crop"` or `"pad"`.
        label_groups: For a label that covers several classes, as HAM10000's akiec does, those classes.
        decoded: Keeps the images once they are decoded.
        scans: Keeps what loading has read of the files, for `md.audit`.

    Raises:
        LeakError: A group, or a record and its parent, are in two splits.
        DatasetError: Two records have one id, a label is not among the classes, or a size is no number of pixels or images.
    """

    records: tuple[Record, ...]
    classes: tuple[str, ...]
    image_size: tuple[int, int] = (180, 180)
    batch_size: int = 32
    set_aside: tuple[SetAside, ...] = ()
    other_files: tuple[Path, ...] = ()
    resize: Resize = "squash"
    label_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    decoded: PixelCache = field(default_factory=PixelCache, repr=False, compare=False)
    scans: ScanCache = field(default_factory=ScanCache, repr=False, compare=False)

    _repr_html_ = notebook_view

    def __post_init__(self) -> None:
        normalize_fields(self)
        _check_labels(self.records, (*self.classes, *self.label_groups))
        _check_ids(self.records)
        _check_leaks(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.get_split(split))} {split}" for split in SPLITS)
        aside = f", {len(self.set_aside)} set aside" if self.set_aside else ""
        return f"<Dataset of {count_noun(len(self.classes), 'class', 'classes')}: {counts}{aside}>"

    @property
    def train(self) -> Split:
        """The training split."""
        return self.get_split("train")

    @property
    def validation(self) -> Split:
        """The split for early stopping, calibration and operating points."""
        return self.get_split("validation")

    @property
    def test(self) -> Split:
        """The held-out split: nothing is chosen by it."""
        return self.get_split("test")

    def get_split(self, name: SplitName) -> Split:
        """Return one split by its name.

        Args:
            name: `"train"`, `"validation"` or `"test"`.

        Returns:
            The records of that split.

        Examples:
            >>> data.get_split("train")
            <Split train: ... images of 9 classes>
        """
        check_choice("split", name, SPLITS)
        return Split(
            name=name,
            records=tuple(record for record in self.records if record.split == name),
            classes=self.classes,
            image_size=self.image_size,
            batch_size=self.batch_size,
            resize=self.resize,
            label_groups=self.label_groups,
            decoded=self.decoded,
            scans=self.scans,
        )

    def part(self, split: SplitName) -> Split:
        """Return one split by its name. Deprecated: use `get_split`.

        Args:
            split: `"train"`, `"validation"` or `"test"`.

        Returns:
            The records of that split.
        """
        warn_renamed("Dataset.part", "Dataset.get_split")
        return self.get_split(split)

    @property
    def frame(self) -> pd.DataFrame:
        """A table with the columns id, path, label, split, group, parent, source."""
        return frame_of(self.records)

    def distribution(self) -> pd.DataFrame:
        """Count the images of each class in each split.

        Returns:
            One row a class, and a label group, last; the columns train, validation, test, and total.

        Examples:
            >>> list(data.distribution().columns)
            ['train', 'validation', 'test', 'total']
        """
        counts = Counter((record.label, record.split) for record in self.records)
        labels = (*self.classes, *self.label_groups)
        rows = [[counts[label, split] for split in SPLITS] for label in labels]
        table = pd.DataFrame(rows, index=pd.Index(labels, name="class"), columns=list(SPLITS))
        return table.assign(total=table.sum(axis=1))

    def only(self, classes: str | Iterable[str], *others: str) -> "Dataset":
        """Return a dataset of some classes alone, in the order that they have here.

        A model for it has as many outputs as classes are left. Images of a label group, such as HAM10000's akiec, stay if all
        classes of the group do. Splits and groups stay as they are, and augmented copies stay with their parents.

        Args:
            classes: The classes to keep: a name or several. A label group stands for its classes.
            *others: More names, as in `only("melanoma", "nevus")`.

        Returns:
            A new Dataset; this one does not change.

        Raises:
            DatasetError: A class is unknown, or no image of them is left.

        Examples:
            >>> data.only(classes=["nevus", "melanoma"]).classes
            ('melanoma', 'nevus')
        """
        names = [classes, *others] if isinstance(classes, str) else [*classes, *others]
        kept, groups = select_labels(names, self.classes, self.label_groups)
        labels = {*kept, *groups}
        return self._select(
            lambda record: record.label in labels, [name for name in self.classes if name in kept], groups
        )

    def where(self, condition: Condition | Mapping[str, Any] | None = None, /, **columns: Any) -> "Dataset":
        """Return a dataset of the images that a condition holds for.

        Splits and groups stay as they are. A class of which no image is left is no class any more, so that a model for the new
        dataset may have fewer outputs. A copy that `balance` made has the columns of its parent, and stays only with it.

        Args:
            condition: A function of a `Record`; or values by column, for names that are no keywords, such as
                `{"anatomical site": "back"}`.
            **columns: The columns of `frame`, or of the table that the images came with: a value, several values, None for "no
                value", or a function of the value (a number where it is one), which is not asked about images without one.
                Case does not matter, and 45 is the same as "45.0". Every condition must hold.

        Returns:
            A new Dataset; this one does not change.

        Raises:
            DatasetError: There is no such column, no image has such a value, or no image is left.

        Warns:
            DataWarning: A class has images left, but none in training.

        Examples:
            >>> len(data.where(split="test", label=["melanoma", "nevus"])) < len(data.test)
            True
            >>> len(data.where(lambda record: record.parent is None)) == len(data)
            True
        """
        is_asked = select_records(self.records, condition, columns)
        fewer = self._select(is_asked, self.classes, self.label_groups)
        used = {record.label for record in fewer.records}
        covered = {member for label in used for member in self.label_groups.get(label, ())}
        classes = tuple(label for label in self.classes if label in used | covered)
        groups = {label: members for label, members in self.label_groups.items() if label in used}
        _warn_without_training(self, fewer)
        return replace(fewer, classes=classes, label_groups=groups)

    def _select(
        self, is_asked: Condition, classes: Sequence[str], label_groups: Mapping[str, Sequence[str]]
    ) -> "Dataset":
        records = keep(self.records, is_asked)
        if not records:
            raise DatasetError(f"no image is left of {count_noun(len(self), 'image')}; ask for other classes or values")
        return replace(
            self,
            records=tuple(records),
            classes=tuple(classes),
            label_groups={label: tuple(names) for label, names in label_groups.items()},
            set_aside=tuple(entry for entry in self.set_aside if is_asked(entry.record)),
        )

    def with_records(self, records: Iterable[Record]) -> "Dataset":
        """Return this dataset with other records, checked for leaks again.

        Args:
            records: The records of the new dataset.

        Returns:
            A new Dataset; this one does not change.

        Raises:
            LeakError: A group, or a record and its parent, would be in two splits.

        Examples:
            >>> len(data.with_records(data.train.records).test)
            0
        """
        return replace(self, records=tuple(records))


def _warn_without_training(before: Dataset, after: Dataset) -> None:
    """Warn of classes that have images left, but none to train on, where there were some."""
    trained, trained_before = ({record.label for record in data.train} for data in (after, before))
    lost = sorted({record.label for record in after.records} & trained_before - trained)
    if trained and lost:
        warn_user(
            f"no training image of {', '.join(lost)} is left, and a model cannot learn it: leave it out by only(classes=...)",
            DataWarning,
        )


def _check_labels(records: Sequence[Record], labels: Sequence[str]) -> None:
    known = set(labels)
    for record in records:
        if record.label not in known:
            raise DatasetError(
                f"{record.id}: class {record.label!r} is not one of {', '.join(labels)}; correct the label, or add the class"
            )


def _check_ids(records: Sequence[Record]) -> None:
    repeated = [name for name, count in Counter(record.id for record in records).items() if count > 1]
    if repeated:
        raise DatasetError(
            f"{len(repeated)} ids occur more than once, the first is {repeated[0]}; give each record its own"
        )


def _check_leaks(records: Sequence[Record]) -> None:
    """Raise LeakError if a group, or a record and its parent, are in two splits."""
    first_of_group: dict[str, Record] = {}
    by_id = {record.id: record for record in records}
    for record in records:
        first = first_of_group.setdefault(record.group, record)
        if first.split != record.split:
            raise LeakError(
                f"{record.id} ({record.split}) and {first.id} ({first.split}) belong to one group, {record.group}: the "
                "same image, lesion or patient in two splits makes figures too good; keep a group in one split"
            )
        parent = by_id.get(record.parent) if record.parent else None
        if parent and (parent.split, parent.group) != (record.split, record.group):
            raise LeakError(
                f"{record.id} ({record.split}) was made from {parent.id} ({parent.split}): a copy belongs to its parent's "
                "split and group; balance after the split, with melanoma_detect.balance"
            )
