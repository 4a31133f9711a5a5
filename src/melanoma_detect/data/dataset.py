"""What a set of labelled images is: its records, its three splits, and what was set aside.

A `Dataset` never changes; every step returns a new one. It refuses to exist with a leak: two records of one group (the same
bytes, the same lesion, the same patient) in different splits, or a record and its parent in different splits.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma_detect.data.record import SPLITS, Record, SetAside, SplitName, frame_of
from melanoma_detect.errors import DatasetError, LeakError
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.images.reader import Resize, Squashed

if TYPE_CHECKING:
    import tensorflow as tf

    from melanoma_detect.data.batches import Batches
    from melanoma_detect.images.reader import Pixels


@dataclass(frozen=True)
class Split:
    """One split of a dataset: what training, evaluation and figures take.

    Attributes:
        name: `"train"`, `"validation"` or `"test"`.
        records: Its records.
        classes: Every class of the dataset, in the order of a model's outputs.
        image_size: `(height, width)` in pixels that images are read at unless told otherwise.
        batch_size: Images in a batch unless told otherwise.
        resize: How an image of another shape comes to that size; see `data.images.read`.
        coarse: For a label that covers several classes, those classes.
        decoded: Where images are kept once they are decoded.
    """

    name: SplitName
    records: tuple[Record, ...]
    classes: tuple[str, ...]
    image_size: tuple[int, int]
    batch_size: int
    resize: Resize = "squash"
    coarse: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    decoded: PixelCache = field(default_factory=PixelCache, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __getitem__(self, index: int) -> Record:
        return self.records[index]

    def __repr__(self) -> str:
        return f"<Part {self.name}: {len(self)} images of {len(self.classes)} classes>"

    @property
    def paths(self) -> list[Path]:
        """The files, in order."""
        return [record.path for record in self.records]

    @property
    def images(self) -> list[Path | Squashed]:
        """What to read, in order: the files, stretched back where they were squashed."""
        return [record.image for record in self.records]

    @property
    def labels(self) -> NDArray[np.int64]:
        """The classes as numbers, `(n,)`: positions in `classes`, then in `coarse`; the rows of `targets`."""
        position = {label: index for index, label in enumerate((*self.classes, *self.coarse))}
        return np.array([position[record.label] for record in self.records], dtype=np.int64)

    @property
    def targets(self) -> NDArray[np.bool_]:
        """Which classes each label covers, `(classes + coarse labels, classes)`: one each, several for a coarse one."""
        covered = [[label] for label in self.classes] + [list(found) for found in self.coarse.values()]
        return np.array([[label in labels for label in self.classes] for labels in covered], dtype=np.bool_)

    @property
    def groups(self) -> list[str]:
        """The group of each record, in order."""
        return [record.group for record in self.records]

    @property
    def frame(self) -> pd.DataFrame:
        """A table with the columns id, path, label, split, group, parent, source."""
        return frame_of(self.records)

    def pixels(self, image_size: tuple[int, int] | None = None) -> "Pixels":
        """Read every image.

        Args:
            image_size: `(height, width)` in pixels; the dataset's own where it is None.

        Returns:
            A uint8 array `(n, height, width, 3)`, RGB, 0 to 255.

        Raises:
            ImageError: An image cannot be decoded; the message names it.

        Examples:
            >>> data.test.pixels(image_size=(32, 32)).shape[1:]
            (32, 32, 3)
        """
        keys = [record.key for record in self.records]
        return self.decoded.pixels(keys, self.images, image_size or self.image_size, self.resize)

    def batches(
        self,
        image_size: tuple[int, int] | None = None,
        *,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int = 123,
    ) -> "Batches":
        """Return batches that `keras.Model.fit`, `evaluate` and `predict` take, under every backend of Keras.

        Images are decoded once and kept as uint8, in memory or in a file that is mapped into it. Where records have weights
        (see `balance`), an epoch shows each image as often as its weight says.

        Args:
            image_size: `(height, width)` in pixels; the dataset's own where it is None.
            batch_size: Images in a batch; the dataset's own where it is None.
            shuffle: A new order in each epoch.
            seed: Where that order comes from.

        Returns:
            Batches of `(images, labels)`: uint8 `(batch, height, width, 3)`, and int64 `(batch,)`.

        Raises:
            ImageError: An image cannot be decoded; the message names it.

        Examples:
            >>> images, labels = data.train.batches(image_size=(32, 32))[0]
            >>> images.shape
            (32, 32, 32, 3)
        """
        from melanoma_detect.data.batches import Batches  # noqa: PLC0415 - a thin door: imports Keras

        weights = np.array([record.weight for record in self.records])
        size = batch_size or self.batch_size
        return Batches(self.pixels(image_size), self.labels, size, weights=weights, shuffle=shuffle, seed=seed)

    def tf_dataset(
        self,
        image_size: tuple[int, int] | None = None,
        *,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int = 123,
    ) -> "tf.data.Dataset":
        """Return a `tf.data.Dataset` of `(images, labels)` batches, decoded on the way.

        For those who have a TensorFlow pipeline of their own; memory does not grow with the number of images.

        Args:
            image_size: `(height, width)` in pixels; the dataset's own where it is None.
            batch_size: Images in a batch; the dataset's own where it is None.
            shuffle: A new order in each epoch.
            seed: Where that order comes from.

        Returns:
            Batches of uint8 `(batch, height, width, 3)` and int64 `(batch,)`.

        Examples:
            >>> images, labels = next(iter(data.test.tf_dataset(image_size=(32, 32))))
            >>> images.dtype.name
            'uint8'
        """
        from melanoma_detect.data.batches import tf_dataset  # noqa: PLC0415 - a thin door: imports TensorFlow

        size = image_size or self.image_size
        batch = batch_size or self.batch_size
        return tf_dataset(self.images, self.labels, size, batch, resize=self.resize, shuffle=shuffle, seed=seed)


@dataclass(frozen=True)
class Dataset:
    """Labelled images in three splits, without a leak.

    Attributes:
        records: Every image that takes part.
        classes: The classes, in the order of a model's outputs.
        image_size: `(height, width)` in pixels that images are read at unless told otherwise.
        batch_size: Images in a batch unless told otherwise.
        set_aside: Records that were taken out, each with its reason.
        other_files: Files of the folder that take no part: no images, or images outside class folders.
        resize: How an image of another shape comes to `image_size`: `"squash"`, `"crop"` or `"pad"`.
        coarse: For a label that covers several classes, as HAM10000's akiec does, those classes.
        decoded: Where images are kept once they are decoded.

    Raises:
        LeakError: A group, or a record and its parent, stand in two splits.
        DatasetError: Two records have one id, or a label is not among the classes.
    """

    records: tuple[Record, ...]
    classes: tuple[str, ...]
    image_size: tuple[int, int] = (180, 180)
    batch_size: int = 32
    set_aside: tuple[SetAside, ...] = ()
    other_files: tuple[Path, ...] = ()
    resize: Resize = "squash"
    coarse: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    decoded: PixelCache = field(default_factory=PixelCache, repr=False, compare=False)

    def __post_init__(self) -> None:
        _refuse_unknown(self.records, (*self.classes, *self.coarse))
        _refuse_leaks(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.part(split))} {split}" for split in SPLITS)
        aside = f", {len(self.set_aside)} set aside" if self.set_aside else ""
        return f"<Dataset of {len(self.classes)} classes: {counts}{aside}>"

    @property
    def train(self) -> Split:
        """The split that a model learns from."""
        return self.part("train")

    @property
    def validation(self) -> Split:
        """The split that training stops by and thresholds are set on."""
        return self.part("validation")

    @property
    def test(self) -> Split:
        """The split that nothing is chosen by."""
        return self.part("test")

    def part(self, split: SplitName) -> Split:
        """Return one split by its name.

        Args:
            split: `"train"`, `"validation"` or `"test"`.

        Returns:
            The records of that split.

        Examples:
            >>> data.part("train")
            <Part train: ... images of 9 classes>
        """
        chosen = tuple(record for record in self.records if record.split == split)
        kept = (self.classes, self.image_size, self.batch_size, self.resize, self.coarse, self.decoded)
        return Split(split, chosen, *kept)

    @property
    def frame(self) -> pd.DataFrame:
        """A table with the columns id, path, label, split, group, parent, source."""
        return frame_of(self.records)

    def distribution(self) -> pd.DataFrame:
        """Count the images of each class in each split.

        Returns:
            One row a class (and a coarse label, last); the columns train, validation, test, and total.

        Examples:
            >>> list(data.distribution().columns)
            ['train', 'validation', 'test', 'total']
        """
        counts = Counter((record.label, record.split) for record in self.records)
        labels = (*self.classes, *self.coarse)
        rows = [[counts[label, split] for split in SPLITS] for label in labels]
        table = pd.DataFrame(rows, index=pd.Index(labels, name="class"), columns=list(SPLITS))
        return table.assign(total=table.sum(axis=1))

    def with_records(self, records: Iterable[Record]) -> "Dataset":
        """Return this dataset with other records, checked for leaks again.

        Args:
            records: The records of the new dataset.

        Returns:
            A new Dataset; this one stays as it is.

        Raises:
            LeakError: A group, or a record and its parent, would stand in two splits.

        Examples:
            >>> len(data.with_records(data.train.records).test)
            0
        """
        return replace(self, records=tuple(records))


def _refuse_unknown(records: Sequence[Record], classes: Sequence[str]) -> None:
    known = set(classes)
    for record in records:
        if record.label not in known:
            raise DatasetError(f"{record.id}: class {record.label!r} is not one of {', '.join(classes)}")
    twice = [name for name, count in Counter(record.id for record in records).items() if count > 1]
    if twice:
        raise DatasetError(f"{len(twice)} ids stand more than once, the first is {twice[0]}; give each record its own")


def _refuse_leaks(records: Sequence[Record]) -> None:
    seen: dict[str, Record] = {}
    by_id = {record.id: record for record in records}
    for record in records:
        first = seen.setdefault(record.group, record)
        if first.split != record.split:
            raise LeakError(
                f"{record.id} ({record.split}) and {first.id} ({first.split}) belong to one group, {record.group}: the "
                "same image, lesion or patient on two sides makes figures too good; keep a group in one split"
            )
        parent = by_id.get(record.parent) if record.parent else None
        if parent and (parent.split, parent.group) != (record.split, record.group):
            raise LeakError(
                f"{record.id} ({record.split}) was made from {parent.id} ({parent.split}): a copy stands in its parent's "
                "split and group; balance after the split, with melanoma_detect.balance"
            )
