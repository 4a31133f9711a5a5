"""Scoring with threads: each reads a batch of images and runs the model on it; rows come out shard by shard."""

import io
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import BinaryIO, NamedTuple, TypeAlias, TypeVar

import numpy as np

from melanoma_detect.errors import ImageError, SeveralFramesError
from melanoma_detect.images.capture import Capture, read_capture
from melanoma_detect.images.formats import image_error
from melanoma_detect.images.frames import Frame, frame_name, split_frame_name
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.preprocessing import ModelInput
from melanoma_detect.scoring import time_limit
from melanoma_detect.scoring.addresses import is_address, open_binary
from melanoma_detect.scoring.item import Item
from melanoma_detect.scoring.measures import measured_cells, unmeasured_cells
from melanoma_detect.scoring.table import columns, prediction_row, unreadable_row
from melanoma_detect.scoring.time_limit import Clock, read_within

# Batches per thread that may be started before their results are taken. One keeps every thread busy while the oldest batch
# is awaited, a second covers batches that take unequally long; each more would only hold more images in memory.
_LOOKAHEAD = 2
# Remote stores fail now and then under load: three attempts, 1 s and 2 s apart, outlast that without stalling a run for long.
_ATTEMPTS, _FIRST_DELAY = 3, 1.0

Rows: TypeAlias = list[list[str]]
ShardScorer: TypeAlias = Callable[[Iterable["Shard"]], Iterator[tuple["Shard", Rows]]]
Task = TypeVar("Task")
Result = TypeVar("Result")


class Shard(NamedTuple):
    """Consecutive images that are scored and saved together.

    Attributes:
        number: Its position among the shards, from 0.
        items: Its images.
        digest: Of the run and of its images' names, paths, sizes and times of change; a run resumes a shard only if its digest
            is the same.
    """

    number: int
    items: Sequence[Item]
    digest: str = ""


class ReadImage(NamedTuple):
    """An image that was read, or why it could not be.

    Attributes:
        value: Its pixels, or an error.
        capture: When and with which camera it was taken, where it could be read and a sketch asks for that.
    """

    value: ModelInput | Exception
    capture: Capture = Capture()


class Batch(NamedTuple):
    """Images that go through the model in one call.

    Attributes:
        shard: The shard that they belong to.
        items: The images.
        is_last: Whether the shard ends with this batch.
    """

    shard: Shard
    items: Sequence[Item]
    is_last: bool


def score_shards(
    predictor: Predictor,
    shards: Iterable[Shard],
    *,
    batch_size: int,
    workers: int,
    measured: bool = False,
    on_progress: Callable[[int], object] = lambda _: None,
) -> Iterator[tuple[Shard, Rows]]:
    """Score shards of images in threads, which go on to the next shard before the last one is complete.

    A batch never spans two shards, so that a shard's rows do not depend on which other shards are scored. A DICOM file of
    several frames has a row for each of them, named `lesion.dcm#1` and so on; one frame that fails leaves the others.

    Args:
        predictor: The model. Give it one thread per call (`Predictor.with_threads`).
        shards: Shards; a few are taken from the stream ahead of the results.
        batch_size: Images in one call of the model.
        workers: How many threads.
        measured: Whether each row has the further cells that a sketch is made of (`measures.MEASURES`).
        on_progress: Called with the number of images of each batch that is done; the frames of a file count as one.

    Yields:
        Each shard with its rows, in order. An image that cannot be read has a row with its error.

    Examples:
        >>> shard = Shard(0, [Item("a.jpg", "a.jpg"), Item("b.jpg", "b.jpg")])
        >>> [(_, rows)] = score_shards(detector.predictor, [shard], batch_size=32, workers=1)
        >>> rows[0][-1]
        'a.jpg: no such file; check the path'
    """
    scorer = _BatchScorer(predictor, columns(predictor.classes), batch_size, measured)

    def score(batch: Batch) -> tuple[Batch, Rows]:
        return batch, scorer.score(batch.items)

    rows: Rows = []
    for batch, batch_rows in parallel_map(score, _split_into_batches(shards, batch_size), workers=workers):
        rows += batch_rows
        on_progress(len(batch.items))
        if batch.is_last:
            yield batch.shard, rows
            rows = []


def parallel_map(function: Callable[[Task], Result], tasks: Iterable[Task], *, workers: int) -> Iterator[Result]:
    """Apply a function to a stream of tasks in threads, a bounded number of tasks ahead of the results.

    Unlike `Executor.map`, it does not take all tasks at once: memory stays bounded for any number of them.

    Args:
        function: What to apply.
        tasks: A stream of tasks.
        workers: How many threads.

    Yields:
        The results, in the order of the tasks.

    Examples:
        >>> list(parallel_map(lambda number: number**2, range(5), workers=2))
        [0, 1, 4, 9, 16]
    """
    pending: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="score")
    try:
        for task in tasks:
            pending.append(pool.submit(function, task))
            if len(pending) > _LOOKAHEAD * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def available_cores() -> int:
    """Return how many cores this process may use.

    Returns:
        At least 1.

    Examples:
        >>> available_cores() >= 1
        True
    """
    # Inside a container or a batch job fewer than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _split_into_batches(shards: Iterable[Shard], size: int) -> Iterator[Batch]:
    for shard in shards:
        for start in range(0, len(shard.items), size):
            yield Batch(shard, shard.items[start : start + size], is_last=start + size >= len(shard.items))


class _BatchScorer(NamedTuple):
    """Reads batches of images, and makes their rows."""

    predictor: Predictor
    names: Sequence[str]
    size: int
    measured: bool

    def score(self, items: Sequence[Item]) -> Rows:
        images = self._read(items, [item.path for item in items])
        rows = iter(self._rows(items, images))
        result: Rows = []
        for item, image, row in zip(items, images, rows, strict=True):
            if isinstance(image.value, SeveralFramesError):
                result += self._score_frames(item, image.value.frames)
            else:
                result.append(row)
        return result

    def _score_frames(self, item: Item, count: int) -> Rows:
        """Return a row for each frame of a file, of which a batch is decoded at a time."""
        try:
            file = _fetch_with_retries(item.path) if is_address(item.path) else None
        except Exception as error:  # noqa: BLE001 - a store that fails between two requests
            return [self._unreadable(item, error)]
        rows: Rows = []
        for start in range(1, count + 1, self.size):
            numbers = range(start, min(start + self.size, count + 1))
            items = [Item(frame_name(item.name, each), frame_name(item.path, each)) for each in numbers]
            sources = [Frame(file, each) if file else own.path for each, own in zip(numbers, items, strict=True)]
            rows += self._rows(items, self._read(items, sources))
        return rows

    def _read(self, items: Sequence[Item], sources: Sequence[str | Frame]) -> list[ReadImage]:
        reads = [partial(self._preprocess, item, source) for item, source in zip(items, sources, strict=True)]
        found: list[ReadImage] = []
        for item, image in zip(items, read_within(reads, time_limit.IMAGE_SECONDS), strict=True):
            late = f"{item.name}: {image}; make it smaller, save it again, or leave it out"
            found.append(ReadImage(ImageError(late)) if isinstance(image, TimeoutError) else image)
        return found

    def _preprocess(self, item: Item, source: str | Frame, clock: Clock) -> ReadImage:
        try:
            if not item.path:
                empty = f"{item.name}: the table names no image here; fill the cell, or remove the row"
                return ReadImage(ImageError(item.problem or empty))
            opened: str | Frame | BinaryIO = source
            if isinstance(source, str) and is_address(source):
                clock.stop()  # a store may be slow, and is asked several times
                opened = _fetch_image(item.path)
                clock.start()
            made = self.predictor.preprocess(opened)
            return ReadImage(made, read_capture(opened) if self.measured else Capture())
        except Exception as error:  # noqa: BLE001 - one broken file among millions must not stop the run
            return ReadImage(error)

    def _rows(self, items: Sequence[Item], images: Sequence[ReadImage]) -> Rows:
        """Return the row of each image, in one call of the model."""
        readable = [
            (item.name, image.value, image.capture)
            for item, image in zip(items, images, strict=True)
            if isinstance(image.value, ModelInput)
        ]
        made = iter(self._predicted(readable) if readable else ())
        return [
            self._unreadable(item, image.value) if isinstance(image.value, Exception) else next(made)
            for item, image in zip(items, images, strict=True)
        ]

    def _predicted(self, readable: Sequence[tuple[str, ModelInput, Capture]]) -> Rows:
        names, inputs, captures = zip(*readable, strict=True)
        if not self.measured:
            found = zip(names, self.predictor.predict_inputs(inputs, names), strict=True)
            return [prediction_row(name, prediction, self.names) for name, prediction in found]
        pixels = np.stack([each.pixels for each in inputs])
        batch = self.predictor.predict_batch(pixels, np.array([min(each.height, each.width) for each in inputs]))
        predictions = batch.predictions(self.predictor.classes, names)
        further = measured_cells(pixels, batch, self.predictor.files.feature_space, captures)
        return [
            prediction_row(name, prediction, self.names) + cells
            for name, prediction, cells in zip(names, predictions, further, strict=True)
        ]

    def _unreadable(self, item: Item, error: Exception) -> list[str]:
        row = unreadable_row(item.name, _reason(item, error), self.names)
        return row + unmeasured_cells() if self.measured else row


def _reason(item: Item, error: Exception) -> str:
    """Return why an image cannot be read, under the name that it has in the table."""
    message = str(error) or type(error).__name__
    return message.replace(item.path, item.name) if item.path else message


def _fetch_image(address: str) -> BinaryIO | Frame:
    """Return the image at an address, which may name a frame of a file."""
    named = split_frame_name(address)
    try:
        return _fetch_with_retries(address)
    except ImageError:
        if named is None:
            raise
        return Frame(_fetch_with_retries(named[0]), named[1])


def _fetch_with_retries(address: str) -> BinaryIO:
    for attempt in range(_ATTEMPTS - 1):
        try:
            return _fetch(address)
        except OSError:
            time.sleep(_FIRST_DELAY * 2**attempt)
    return _fetch(address)


def _fetch(address: str) -> BinaryIO:
    """Read a remote file into memory: decoders seek, and each seek would be a request."""
    try:
        with open_binary(address) as file:
            image = io.BytesIO(file.read())
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:  # a retry would not help
        raise image_error(address, error) from error
    image.name = address
    return image
