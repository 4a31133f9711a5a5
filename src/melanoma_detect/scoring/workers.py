"""Scoring with threads: each reads a batch of images and runs the model on it; rows come out shard by shard."""

import io
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import BinaryIO, NamedTuple, TypeAlias, TypeVar

from melanoma_detect.errors import ImageError, SeveralFramesError
from melanoma_detect.images.formats import image_error
from melanoma_detect.images.frames import Frame, frame_name, split_frame_name
from melanoma_detect.inference.prediction import Prediction
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.preprocessing import ModelInput
from melanoma_detect.scoring import time_limit
from melanoma_detect.scoring.addresses import is_address, open_binary
from melanoma_detect.scoring.item import Item
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
        on_progress: Called with the number of images of each batch that is done; the frames of a file count as one.

    Yields:
        Each shard with its rows, in order. An image that cannot be read has a row with its error.

    Examples:
        >>> shard = Shard(0, [Item("a.jpg", "a.jpg"), Item("b.jpg", "b.jpg")])
        >>> [(_, rows)] = score_shards(detector.predictor, [shard], batch_size=32, workers=1)
        >>> rows[0][-1]
        'a.jpg: no such file; check the path'
    """
    names = columns(predictor.classes)

    def score(batch: Batch) -> tuple[Batch, Rows]:
        return batch, _score_batch(predictor, batch.items, names, batch_size)

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


def _score_batch(predictor: Predictor, items: Sequence[Item], names: Sequence[str], size: int) -> Rows:
    inputs = _read_inputs(predictor, items, [item.path for item in items])
    rows = iter(_rows(predictor, items, inputs, names))
    result: Rows = []
    for item, value, row in zip(items, inputs, rows, strict=True):
        if isinstance(value, SeveralFramesError):
            result += _score_frames(predictor, item, value.frames, names, size)
        else:
            result.append(row)
    return result


def _score_frames(predictor: Predictor, item: Item, count: int, names: Sequence[str], size: int) -> Rows:
    """Return a row for each frame of a file, of which a batch is decoded at a time."""
    try:
        file = _fetch_with_retries(item.path) if is_address(item.path) else None
    except Exception as error:  # noqa: BLE001 - a store that fails between two requests
        return [unreadable_row(item.name, _reason(item, error), names)]
    rows: Rows = []
    for start in range(1, count + 1, size):
        numbers = range(start, min(start + size, count + 1))
        items = [Item(frame_name(item.name, each), frame_name(item.path, each)) for each in numbers]
        sources = [Frame(file, each) if file else own.path for each, own in zip(numbers, items, strict=True)]
        inputs = _read_inputs(predictor, items, sources)
        rows += _rows(predictor, items, inputs, names)
    return rows


def _rows(
    predictor: Predictor, items: Sequence[Item], inputs: Sequence[ModelInput | Exception], names: Sequence[str]
) -> Rows:
    """Return the row of each image, in one call of the model."""
    readable = [(item.name, value) for item, value in zip(items, inputs, strict=True) if isinstance(value, ModelInput)]
    predictions: Iterator[Prediction] = iter(())
    if readable:
        predictions = iter(predictor.predict_inputs([value for _, value in readable], [name for name, _ in readable]))
    return [
        prediction_row(item.name, next(predictions), names)
        if isinstance(value, ModelInput)
        else unreadable_row(item.name, _reason(item, value), names)
        for item, value in zip(items, inputs, strict=True)
    ]


def _reason(item: Item, error: Exception) -> str:
    """Return why an image cannot be read, under the name that it has in the table."""
    message = str(error) or type(error).__name__
    return message.replace(item.path, item.name) if item.path else message


def _read_inputs(
    predictor: Predictor, items: Sequence[Item], sources: Sequence[str | Frame]
) -> list[ModelInput | Exception]:
    reads = [partial(_preprocess, predictor, item, source) for item, source in zip(items, sources, strict=True)]
    found: list[ModelInput | Exception] = []
    for item, value in zip(items, read_within(reads, time_limit.IMAGE_SECONDS), strict=True):
        is_late = isinstance(value, TimeoutError)
        late = f"{item.name}: {value}; make it smaller, save it again, or leave it out"
        found.append(ImageError(late) if is_late else value)
    return found


def _preprocess(predictor: Predictor, item: Item, source: str | Frame, clock: Clock) -> ModelInput | Exception:
    try:
        if not item.path:
            empty = f"{item.name}: the table names no image here; fill the cell, or remove the row"
            return ImageError(item.problem or empty)
        is_remote = isinstance(source, str) and is_address(source)
        if not is_remote:
            return predictor.preprocess(source)
        clock.stop()  # a store may be slow, and is asked several times
        fetched = _fetch_image(item.path)
        clock.start()
        return predictor.preprocess(fetched)
    except Exception as error:  # noqa: BLE001 - one broken file among millions must not stop the run
        return error


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
