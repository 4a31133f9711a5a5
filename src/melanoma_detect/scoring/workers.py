"""Images become rows: each thread decodes a batch and asks the detector, so one decodes while another is answered."""

import io
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, NamedTuple, TypeAlias, TypeVar

from melanoma_detect.errors import ImageError
from melanoma_detect.images.formats import unreadable as unreadable_file
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.preprocessing import ModelInput
from melanoma_detect.scoring.inputs import Item
from melanoma_detect.scoring.places import is_address, opened
from melanoma_detect.scoring.table import answered, columns, unreadable

_AHEAD = 2  # batches for each thread that may be taken before their turn: what bounds the memory
_TRIES, _PAUSE = 3, 1.0  # a store elsewhere may fail for a moment; seconds

Answers: TypeAlias = Callable[[Iterable["Shard"]], Iterator[tuple["Shard", list[list[str]]]]]
Task = TypeVar("Task")
Result = TypeVar("Result")


class Shard(NamedTuple):
    """So many images in a row, which are saved together.

    Attributes:
        number: Which part it is, from 0.
        items: Its images.
        digest: Of their names and places: what tells whether it is the same part when a run goes on.
    """

    number: int
    items: Sequence[Item]
    digest: str = ""


class Batch(NamedTuple):
    """Images that are answered in one call: of which part, which ones, and whether the part ends here."""

    part: Shard
    items: Sequence[Item]
    last: bool


def answer_parts(
    predictor: Predictor,
    parts: Iterable[Shard],
    *,
    batch_size: int,
    workers: int,
    tick: Callable[[int], object] = lambda _: None,
) -> Iterator[tuple[Shard, list[list[str]]]]:
    """Answer for parts of images, working ahead over their borders.

    Batches are cut within a part, so the answers do not hang on what else was asked.

    Args:
        predictor: Who answers.
        parts: From a stream; a few are taken ahead.
        batch_size: Images in one call of the model.
        workers: Threads, each of which decodes a batch and asks the detector.
        tick: Called with the number of images of each batch that is done.

    Yields:
        Each part with its rows, in order. What cannot be read is a row with its error.

    Examples:
        >>> part = Shard(0, [Item("a.jpg", "a.jpg"), Item("b.jpg", "b.jpg")])
        >>> [(_, rows)] = answer_parts(detector.predictor, [part], batch_size=32, workers=1)
        >>> rows[0][-1]
        'a.jpg: no such file; check the path'
    """
    names = columns(predictor.classes)

    def work(batch: Batch) -> tuple[Batch, list[list[str]]]:
        return batch, _rows(predictor, batch.items, names)

    rows: list[list[str]] = []
    for batch, found in ahead(work, _batches(parts, batch_size), workers=workers):
        rows += found
        tick(len(found))
        if batch.last:
            yield batch.part, rows
            rows = []


def ahead(work: Callable[[Task], Result], tasks: Iterable[Task], *, workers: int) -> Iterator[Result]:
    """Work in threads, a bounded number of tasks ahead of who takes the results.

    Args:
        work: What to do with each task.
        tasks: A stream of them.
        workers: Threads.

    Yields:
        The results, in the order of the tasks.

    Examples:
        >>> list(ahead(lambda number: number**2, range(5), workers=2))
        [0, 1, 4, 9, 16]
    """
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="score")
    try:
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) > _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _batches(parts: Iterable[Shard], size: int) -> Iterator[Batch]:
    for part in parts:
        for at in range(0, len(part.items), size):
            yield Batch(part, part.items[at : at + size], last=at + size >= len(part.items))


def _look(predictor: Predictor, item: Item) -> ModelInput | Exception:
    try:
        if not item.place:
            return ImageError(f"{item.name}: the table names no image here; fill the cell, or take the row out")
        return predictor.preprocess(_fetched(item.place) if is_address(item.place) else item.place)
    except Exception as error:  # noqa: BLE001 - one strange file among millions must not stop the others
        return error


def _fetched(address: str) -> BinaryIO:
    """Read a file from a store elsewhere; what fails for a moment is tried again."""
    for pause in (_PAUSE * 2**number for number in range(_TRIES - 1)):
        try:
            return _read(address)
        except OSError:
            time.sleep(pause)
    return _read(address)


def _read(address: str) -> BinaryIO:
    try:
        with opened(address) as file:
            image = io.BytesIO(file.read())
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:  # these stay so
        raise unreadable_file(address, error) from error
    image.name = address
    return image


def _rows(predictor: Predictor, items: Sequence[Item], names: Sequence[str]) -> list[list[str]]:
    looks = [_look(predictor, item) for item in items]
    read = [(item.name, look) for item, look in zip(items, looks, strict=True) if isinstance(look, ModelInput)]
    predictions = iter(predictor.predict_inputs([look for _, look in read], [name for name, _ in read]) if read else [])
    return [
        answered(item.name, next(predictions), names)
        if isinstance(look, ModelInput)
        else unreadable(item.name, look, names)
        for item, look in zip(items, looks, strict=True)
    ]


def cores() -> int:
    """Return how many cores this process may use.

    Returns:
        At least 1.

    Examples:
        >>> cores() >= 1
        True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
