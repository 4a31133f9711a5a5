"""Split: the training, validation or test images of a dataset."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma_detect.data.arguments import check_batch_size, check_image_size
from melanoma_detect.data.frames import frame_of
from melanoma_detect.data.record import Record, SplitName
from melanoma_detect.data.scan_cache import ScanCache
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.images.reader import Resize, StretchedImage
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.deprecation import warn_renamed
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.random import check_seed

if TYPE_CHECKING:
    import tensorflow as tf

    from melanoma_detect.data.batches import Batches
    from melanoma_detect.images.reader import Pixels

Class = TypeVar("Class")


def accept_coarse_names(cls: type[Class]) -> type[Class]:
    """Let a class take and give its `label_groups` under the deprecated name `coarse` too.

    Args:
        cls: A dataclass with `label_groups`.

    Returns:
        The same class.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     data.coarse == data.label_groups
        True
    """
    old: Any = cls
    init = old.__init__

    @functools.wraps(init)
    def init_with_old_keyword(self: Any, *args: Any, **options: Any) -> None:
        if "coarse" in options:
            warn_renamed(f"{cls.__name__}(coarse=)", "label_groups=")
            options["label_groups"] = options.pop("coarse")
        init(self, *args, **options)

    def coarse(self: Any) -> Mapping[str, tuple[str, ...]]:
        """Deprecated: use `label_groups`."""
        warn_renamed(f"{cls.__name__}.coarse", f"{cls.__name__}.label_groups")
        groups: Mapping[str, tuple[str, ...]] = self.label_groups
        return groups

    old.__init__, old.coarse = init_with_old_keyword, property(coarse)
    return cls


def normalize_fields(data: Any) -> None:
    """Make the fields of a Dataset or a Split what they are declared to be: tuples, and plain numbers.

    Args:
        data: A Dataset or a Split that is being made, perhaps with lists or NumPy's numbers.

    Raises:
        DatasetError: The image size or the batch size is out of range.

    Examples:
        >>> from dataclasses import replace
        >>> replace(data.train, image_size=[32, 48], classes=list(data.classes)).image_size
        (32, 48)
    """
    values = {
        "records": tuple(data.records),
        "classes": tuple(map(str, data.classes)),
        "image_size": check_image_size(data.image_size),
        "batch_size": check_batch_size(data.batch_size),
        "label_groups": {label: tuple(names) for label, names in data.label_groups.items()},
    }
    for name, value in values.items():
        object.__setattr__(data, name, value)  # a frozen dataclass


@accept_coarse_names
@dataclass(frozen=True)
class Split:
    """One split of a dataset, as training, evaluation and figures take it.

    Attributes:
        name: `"train"`, `"validation"` or `"test"`.
        records: Its records.
        classes: Every class of the dataset, in the order of a model's outputs.
        image_size: `(height, width)` in pixels that images are read at unless told otherwise.
        batch_size: Images in a batch unless told otherwise.
        resize: How an image of another shape is brought to that size; see `images.reader.read_pixels`.
        label_groups: For a label that covers several classes, as HAM10000's akiec does, those classes.
        decoded: Keeps the images once they are decoded.
        scans: Keeps what loading has read of the files.
    """

    name: SplitName
    records: tuple[Record, ...]
    classes: tuple[str, ...]
    image_size: tuple[int, int]
    batch_size: int
    resize: Resize = "squash"
    label_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    decoded: PixelCache = field(default_factory=PixelCache, repr=False, compare=False)
    scans: ScanCache = field(default_factory=ScanCache, repr=False, compare=False)

    _repr_html_ = notebook_view

    def __post_init__(self) -> None:
        normalize_fields(self)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __getitem__(self, index: int) -> Record:
        return self.records[index]

    def __repr__(self) -> str:
        classes = count_noun(len(self.classes), "class", "classes")
        return f"<Split {self.name}: {count_noun(len(self), 'image')} of {classes}>"

    @property
    def paths(self) -> list[Path]:
        """The files, in order."""
        return [record.path for record in self.records]

    @property
    def images(self) -> list[Path | StretchedImage]:
        """What to read, in order: the files, stretched back to their original aspect ratio where they were squashed."""
        return [record.image for record in self.records]

    @property
    def pictures(self) -> list[Path | StretchedImage]:
        """Deprecated: use `images`."""
        warn_renamed("Split.pictures", "Split.images")
        return self.images

    @property
    def _keys(self) -> list[str]:
        return [record.key for record in self.records]

    @property
    def labels(self) -> NDArray[np.int64]:
        """The labels as numbers, `(n,)`: positions in `classes`, then in `label_groups`; the rows of `targets`."""
        position = {label: index for index, label in enumerate((*self.classes, *self.label_groups))}
        return np.array([position[record.label] for record in self.records], dtype=np.int64)

    @property
    def targets(self) -> NDArray[np.bool_]:
        """The classes that each label covers, `(classes + label groups, classes)`: one, or several for a label group."""
        covered = [(label,) for label in self.classes] + list(self.label_groups.values())
        return np.array([[label in names for label in self.classes] for names in covered], dtype=np.bool_)

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
        return self.decoded.pixels(keys, self.images, self._size(image_size), self.resize)

    def _size(self, image_size: tuple[int, int] | None) -> tuple[int, int]:
        return self.image_size if image_size is None else check_image_size(image_size)

    def _batch_size(self, batch_size: int | None) -> int:
        return self.batch_size if batch_size is None else check_batch_size(batch_size)

    @property
    def _weights(self) -> NDArray[np.float64]:
        return np.array([record.weight for record in self.records], dtype=np.float64)

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
        (see `balance`), an epoch shows each image that many times on average.

        Args:
            image_size: `(height, width)` in pixels; the dataset's own where it is None.
            batch_size: Images in a batch; the dataset's own where it is None.
            shuffle: Draw a new order for each epoch.
            seed: Of that order.

        Returns:
            Batches of `(images, labels)`: uint8 `(batch, height, width, 3)`, and int64 `(batch,)`.

        Raises:
            ImageError: An image cannot be decoded; the message names it.

        Examples:
            >>> images, labels = data.train.batches(image_size=(32, 32))[0]
            >>> images.shape
            (32, 32, 32, 3)
        """
        from melanoma_detect.data.batches import Batches  # noqa: PLC0415 - imports Keras

        seed = check_seed(seed, DatasetError)
        size, pixels = self._batch_size(batch_size), self.pixels(image_size)
        return Batches(pixels, self.labels, size, weights=self._weights, shuffle=shuffle, seed=seed)

    def tf_dataset(
        self,
        image_size: tuple[int, int] | None = None,
        *,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int = 123,
    ) -> "tf.data.Dataset":
        """Return a `tf.data.Dataset` of `(images, labels)` batches, for a TensorFlow pipeline of your own.

        Images that are not in memory yet are decoded batch by batch: memory does not grow with their number. Where records have
        weights (see `balance`), a pass over the dataset shows each image that many times on average.

        Args:
            image_size: `(height, width)` in pixels; the dataset's own where it is None.
            batch_size: Images in a batch; the dataset's own where it is None.
            shuffle: Draw a new order for each epoch.
            seed: Of that order.

        Returns:
            Batches of uint8 `(batch, height, width, 3)` and int64 `(batch,)`.

        Examples:
            >>> images, labels = next(iter(data.test.tf_dataset(image_size=(32, 32))))
            >>> images.dtype.name
            'uint8'
        """
        from melanoma_detect.data.batches import tf_dataset  # noqa: PLC0415 - imports Keras

        seed = check_seed(seed, DatasetError)
        size, keys = self._size(image_size), self._keys
        return tf_dataset(
            self.images,
            self.labels,
            size,
            self._batch_size(batch_size),
            resize=self.resize,
            kept=lambda position: self.decoded.get(keys[position], size, self.resize),
            weights=self._weights,
            shuffle=shuffle,
            seed=seed,
        )
