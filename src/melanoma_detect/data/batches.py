"""Batches of a dataset's images, for Keras and for TensorFlow."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.reader import ImageLike, Pixels, Resize, read_pixels


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Decoded images and their labels, batch by batch, in a new order each epoch.

    Args:
        pixels: uint8 `(m, height, width, 3)`.
        labels: int64 `(n,)`.
        batch_size: Images in a batch; the last one may be smaller.
        rows: The row of each image in `pixels`, `(n,)`; the images in order where it is None.
        weights: How often an epoch shows each image, on average, `(n,)`; once each where it is None.
        shuffle: Draw a new order for each epoch, drawn from the seed and the epoch's number.
        seed: Of the order.

    Examples:
        >>> batches = Batches(np.zeros((5, 8, 8, 3), np.uint8), np.arange(5), batch_size=2)
        >>> len(batches), batches[2][0].shape
        (3, (1, 8, 8, 3))
    """

    def __init__(
        self,
        pixels: Pixels,
        labels: NDArray[np.int64],
        batch_size: int,
        *,
        rows: NDArray[np.int64] | None = None,
        weights: NDArray[np.float64] | None = None,
        shuffle: bool = False,
        seed: int = 123,
    ) -> None:
        super().__init__()
        self.pixels, self.labels, self.batch_size = pixels, labels, batch_size
        self._rows = np.arange(len(labels)) if rows is None else rows
        self._weights = None if weights is None or (weights == 1).all() else weights
        self._seed, self._shuffle, self._epoch = seed, shuffle, 0
        self._multiple, self._process, self._processes = 1, 0, 1
        self._order = self._draw()

    def __len__(self) -> int:
        whole, rest = divmod(len(self._order), self.batch_size)
        return whole + (rest >= self._multiple)

    def __getitem__(self, index: int) -> tuple[Pixels, NDArray[np.int64]]:
        """Return one batch: uint8 images, which Keras converts to what the model takes, and their labels."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        own = chosen[: len(chosen) // self._multiple * self._multiple][self._process :: self._processes]
        return self.pixels[self._rows[own]], self.labels[own]

    def start_at(self, epoch: int) -> None:
        """Take the order that this epoch has: a training that goes on sees the images as if it had not stopped.

        Args:
            epoch: Its number, from 0.

        Examples:
            >>> batches = Batches(np.zeros((5, 8, 8, 3), np.uint8), np.arange(5), batch_size=5, shuffle=True)
            >>> batches.on_epoch_end()
            >>> second = batches[0][1]
            >>> batches.start_at(1)
            >>> bool((batches[0][1] == second).all())
            True
        """
        self._epoch = epoch
        self._order = self._draw()

    def divide(self, *, multiple: int, process: int, processes: int) -> None:
        """Give each of several processes its own part of every batch.

        What does not divide evenly is left out of its batch: at most `multiple` - 1 images.

        Args:
            multiple: What a batch has to be a multiple of: the number of devices.
            process: The number of this process, from 0.
            processes: How many processes there are.

        Raises:
            DetectorError: A batch is smaller than the number of devices.

        Examples:
            >>> batches = Batches(np.zeros((5, 8, 8, 3), np.uint8), np.arange(5), batch_size=4)
            >>> batches.divide(multiple=2, process=1, processes=2)
            >>> len(batches), batches[0][1].tolist()
            (1, [1, 3])
        """
        if min(self.batch_size, len(self._order)) < multiple:
            raise DetectorError(
                f"a batch has {min(self.batch_size, len(self._order))} images for {multiple} devices; load the dataset with "
                "a larger batch_size, or train on fewer devices"
            )
        self._multiple, self._process, self._processes = multiple, process, processes

    def on_epoch_end(self) -> None:
        """Draw the next epoch's order."""
        self._epoch += 1
        self._order = self._draw()

    def _draw(self) -> NDArray[np.int64]:
        return _draw_epoch(self.labels, self._weights, shuffle=self._shuffle, seed=self._seed, epoch=self._epoch)


def _draw_epoch(
    labels: NDArray[np.int64], weights: NDArray[np.float64] | None, *, shuffle: bool, seed: int, epoch: int
) -> NDArray[np.int64]:
    """Return the positions of the images that an epoch shows, in its order."""
    rng = np.random.default_rng([seed, epoch])
    order = np.arange(len(labels)) if weights is None else _draw_by_weight(weights, labels, rng)
    return rng.permutation(order) if shuffle else order


def _draw_by_weight(
    weights: NDArray[np.float64], labels: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return which images an epoch shows: each as often as its weight says, whole times and a chance for the rest.

    Systematic sampling (one random start, then equal steps along the summed weights), class by class, keeps every class within
    one image of its exact share. Within a class the order is drawn again: no image always falls between two steps.
    """
    order = np.lexsort((rng.random(len(weights)), labels))
    ends = np.cumsum(weights[order])
    steps = np.arange(round(float(ends[-1]))) + rng.random()
    return np.sort(order[np.searchsorted(ends, np.minimum(steps, ends[-1] - 1e-9), side="right")])


def tf_dataset(
    paths: Sequence[ImageLike],
    labels: NDArray[np.int64],
    size: tuple[int, int],
    batch_size: int,
    *,
    resize: Resize = "squash",
    kept: Callable[[int], Pixels | None] | None = None,
    weights: NDArray[np.float64] | None = None,
    shuffle: bool = False,
    seed: int = 123,
) -> Any:
    """Return a `tf.data.Dataset` that reads the images through this library's own reader.

    Args:
        paths: Image files.
        labels: int64 `(n,)`.
        size: `(height, width)` in pixels.
        batch_size: Images in a batch.
        resize: How images of another shape are brought to that size.
        kept: Returns the pixels of the image at a position where they have been read before, else None.
        weights: How often an epoch shows each image, on average, `(n,)`; once each where it is None. Each pass over the dataset
            draws again.
        shuffle: Draw a new order for each epoch.
        seed: Of the order.

    Returns:
        Batches of uint8 `(batch, height, width, 3)` and int64 `(batch,)`.

    Examples:
        >>> dataset = tf_dataset(data.test.paths, data.test.labels, (32, 32), batch_size=4)
        >>> tuple(dataset.element_spec[0].shape)
        (None, 32, 32, 3)
    """
    import tensorflow as tf  # noqa: PLC0415 - Keras may run on another backend

    def image(index: NDArray[np.int64]) -> Pixels:
        pixels = kept(int(index)) if kept else None
        return read_pixels(paths[int(index)], size, resize) if pixels is None else pixels

    def load(index: Any, label: Any) -> tuple[Any, Any]:
        pixels = tf.numpy_function(image, [index], tf.uint8, stateful=False)
        return tf.ensure_shape(pixels, (*size, 3)), label

    if weights is not None and (weights != 1).any():
        dataset = _draw_with_tensorflow(labels, weights, shuffle=shuffle, seed=seed)
    else:
        dataset = tf.data.Dataset.from_tensor_slices((np.arange(len(labels)), labels))
        if shuffle:
            dataset = dataset.shuffle(len(labels), seed=seed, reshuffle_each_iteration=True)
    return dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size).prefetch(tf.data.AUTOTUNE)


def _draw_with_tensorflow(labels: NDArray[np.int64], weights: NDArray[np.float64], *, shuffle: bool, seed: int) -> Any:
    """Return a `tf.data.Dataset` of positions and labels that draws a new epoch in each pass."""
    import tensorflow as tf  # noqa: PLC0415 - Keras may run on another backend

    epochs = itertools.count()

    def draw() -> Iterator[tuple[np.int64, np.int64]]:
        order = _draw_epoch(labels, weights, shuffle=shuffle, seed=seed, epoch=next(epochs))
        yield from zip(order, labels[order], strict=True)

    signature = (tf.TensorSpec((), tf.int64), tf.TensorSpec((), tf.int64))
    dataset = tf.data.Dataset.from_generator(draw, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(round(float(weights.sum()))))
