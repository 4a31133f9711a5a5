"""`stream_scores`: the rows of a score table, written to an open file as soon as they are there."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import BinaryIO

from melanoma_detect.detector import Detector
from melanoma_detect.errors import DatasetError
from melanoma_detect.scoring.arguments import Backend, Sort, Source, check_options, source_paths
from melanoma_detect.scoring.decision_counts import DecisionCounts
from melanoma_detect.scoring.inputs import items, split_into_chunks
from melanoma_detect.scoring.progress import track_scoring
from melanoma_detect.scoring.score import Scores, make_scorer
from melanoma_detect.scoring.table import Row, columns, csv_rows, format_rows
from melanoma_detect.scoring.workers import Shard, ShardScorer
from melanoma_detect.scoring.worklist import sort_by_risk
from melanoma_detect.utils.csv_cells import csv_cell
from melanoma_detect.utils.temporary import temporary_folder

_BLOCK_ROWS = 512  # of a sorted table, which is complete when its first row is written


def stream_scores(
    sources: Source | Iterable[Source],
    file: BinaryIO,
    *,
    detector: Detector | None = None,
    batch_size: int = 32,
    workers: int | None = None,
    sort: Sort | None = None,
    engine: Backend = "local",
    progress: bool = True,
) -> Scores:
    """Write the table of `score` to an open file, a batch of images after the other; nothing is kept to resume from.

    Args:
        sources: See `score`.
        file: The file, open for bytes: standard output, a pipe. CSV in UTF-8 is written, and flushed after each batch.
        detector: A detector; None for the default detector.
        batch_size: Images in one call of the model.
        workers: Threads, or Ray actors; as many as there are cores if None.
        sort: `"risk"` for a worklist: its rows come when all images are scored.
        engine: `"local"`, or `"ray"` for a Ray cluster.
        progress: Draw a progress bar.

    Returns:
        How many images were scored, and how many have which decision; `out` is `"-"`.

    Raises:
        DatasetError: A source is missing or holds no images, or a table has no column of paths.
        BrokenPipeError: Nobody reads the other end of a pipe any more.

    Examples:
        >>> import io
        >>> file = io.BytesIO()
        >>> stream_scores(isic9 / "Test", file, detector=detector, progress=False).images
        36
        >>> len(file.getvalue().splitlines())
        37
    """
    paths = source_paths(sources)
    check_options(batch_size=batch_size, workers=workers, shard_size=batch_size, sort=sort, engine=engine)
    for path in paths:
        next(items([path]), None)  # a missing source is reported before the detector is loaded
    predictor = (detector or Detector.load()).predictor.with_threads(1)
    names = columns(predictor.classes)
    counts = DecisionCounts(names)
    with track_scoring(partial(items, paths), shown=progress) as tracker:
        scorer = make_scorer(engine, predictor, batch_size=batch_size, workers=workers, tracker=tracker)
        chunks = split_into_chunks(items(paths, tracker.pass_over), batch_size)
        blocks = _score_blocks(scorer, (Shard(number, chunk) for number, chunk in enumerate(chunks)))
        _write(file, [list(map(csv_cell, names))])
        for block in _sorted_blocks(blocks, names) if sort else blocks:
            _write(file, list(csv_rows(names, counts.count(block))))
        if not tracker.done:
            raise DatasetError(f"{', '.join(paths)}: no images; expected at least one")
        return Scores(
            "-",
            images=counts.decisions.total(),
            alerts=counts.decisions["alert"],
            clears=counts.decisions["clear"],
            refers=counts.decisions["refer"],
            unreadable=counts.unreadable,
            resumed=0,
            seconds=perf_counter() - tracker.start,
            passed_over=tracker.passed_over,
            errors=tuple(counts.errors),
        )


def _score_blocks(scorer: ShardScorer, shards: Iterable[Shard]) -> Iterator[list[Row]]:
    for _, rows in scorer(shards):
        yield list(rows)


def _sorted_blocks(blocks: Iterable[list[Row]], names: tuple[str, ...]) -> Iterator[list[Row]]:
    """Yield all rows by risk; they are sorted on disk, as there may be millions."""
    with temporary_folder() as scratch:
        rows = (row for block in blocks for row in block)
        ordered = iter(sort_by_risk(rows, names, Path(scratch)))
        while block := list(islice(ordered, _BLOCK_ROWS)):
            yield block


def _write(file: BinaryIO, rows: Iterable[Row]) -> None:
    file.write(format_rows(rows).encode())
    file.flush()
