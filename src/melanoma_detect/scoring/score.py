"""Any number of images become one table: streamed, resumable, on this machine or on a Ray cluster."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, TypeAlias

from melanoma_detect.detector import Detector
from melanoma_detect.errors import DatasetError, OutputError
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.scoring.detector_identity import identity
from melanoma_detect.scoring.inputs import items
from melanoma_detect.scoring.places import is_address
from melanoma_detect.scoring.progress import Tally, tallied
from melanoma_detect.scoring.resume import Journal
from melanoma_detect.scoring.storage import Store, store_of
from melanoma_detect.scoring.table import UNREADABLE, Row, columns
from melanoma_detect.scoring.workers import Answers, Shard, answer_parts, cores
from melanoma_detect.scoring.worklist import by_risk
from melanoma_detect.scoring.writing import writer_of

Source: TypeAlias = str | os.PathLike[str]
Engine: TypeAlias = Literal["local", "ray"]
Sort: TypeAlias = Literal["risk"]

_ENGINES, _SORTS = ("local", "ray"), (None, "risk")


@dataclass(frozen=True)
class Scores:
    """What scoring came to.

    Attributes:
        out: The table's path or address.
        images: Its rows.
        alerts: Images to show to a dermatologist.
        clears: Images without an alert.
        refers: Images at which a person must look, since the detector abstains or has no threshold.
        unreadable: Those of them that could not be read.
        resumed: Images that an earlier run had done.
        seconds: How long the others took.
    """

    out: str
    images: int
    alerts: int
    clears: int
    refers: int
    unreadable: int
    resumed: int
    seconds: float

    def __str__(self) -> str:
        fresh = self.images - self.resumed
        pace = f" ({fresh / self.seconds:,.0f} a second)" if fresh and self.seconds else ""
        done = f", {self.resumed:,} of them done by an earlier run" if self.resumed else ""
        return (
            f"{self.images:,} images in {self.seconds:,.1f} s{pace}{done}: {self.alerts:,} alert, {self.clears:,} clear, "
            f"{self.refers:,} refer, of which {self.unreadable:,} unreadable"
        )


def score(
    sources: Source | Iterable[Source],
    *,
    out: Source,
    detector: Detector | Source | None = None,
    batch_size: int = 32,
    workers: int | None = None,
    shard_size: int = 1024,
    sort: Sort | None = None,
    engine: Engine = "local",
    overwrite: bool = False,
    progress: bool = True,
) -> Scores:
    """Write a table of what a detector says about any number of images, one row each.

    Some threads decode while others ask the model, and images are never held all at once. What is done is kept in a hidden
    folder beside the table: a run that was killed goes on where it stopped when it is called again. The table appears when it
    is whole. An image that cannot be read is a row with its error: it is referred to a person, and stops nothing.

    The columns are `path`, `diagnosis`, `p_AK`, `p_BCC`, `p_DF`, `p_MEL`, `p_NV`, `p_BKL`, `p_SK`, `p_SCC`, `p_VASC` (0 for
    classes that the detector lacks; one that the taxonomy does not know gets a column of its own after them), `melanoma`,
    `malignant`, `decision` (alert, clear, refer), `alert` and `abstained` (true, false), `reason`, `error`.

    Args:
        sources: Image files; folders, with their subfolders; zip archives; tables (CSV, TSV or Parquet with a column `path`,
            `image`, `filename` or alike, or a text file with one path a line), whose paths are relative to their folder.
            Paths, or addresses that fsspec knows, such as `s3://bucket/lesions` (extra `ray`).
        out: The table's path or address; it ends in `.csv` or `.parquet`.
        detector: A detector, its file, or the run folder that holds it; None for the default detector.
        batch_size: Images in one call of the model.
        workers: Threads that decode and ask the model, or Ray actors; as many as there are cores if None.
        shard_size: Images that are kept together: what a run that is killed loses at most, and what a Ray actor gets at once.
        sort: None keeps the order of the sources. `"risk"` puts first what a person should look at first: alerts, then what is
            referred, then what is cleared, each with the highest probability of melanoma first; unreadable images are the
            last of the referred.
        engine: `"local"`, or `"ray"` for a Ray cluster (extra `ray`): the one that `RAY_ADDRESS` in the environment names,
            else one of this machine's own cores.
        overwrite: Replace a table that is there, and what an unfinished run left where it does not fit; else both are
            refused.
        progress: Draw a progress bar.

    Returns:
        How many images were scored, and what came out.

    Raises:
        DatasetError: A source is missing or holds no images, or a table has no column of paths.
        DetectorError: There is no such detector.
        OutputError: The table is there already, its place cannot be written, another run is writing it, or an unfinished run
            there was of other images, another detector or other settings.

    Examples:
        >>> scores = score(isic9 / "Test", detector=detector, out="scores.csv", progress=False)
        >>> scores.images, scores.unreadable
        (36, 0)
        >>> Path("scores.csv").read_text().splitlines()[0][:20]
        'path,diagnosis,p_AK,'
    """
    given = _given(sources)
    _refuse_slips(batch_size=batch_size, workers=workers, shard_size=shard_size, sort=sort, engine=engine)
    store = store_of(os.fspath(out))
    writer_of(store.out)  # another suffix is refused before the work, not after it
    _refuse_occupied(store, overwrite=overwrite)
    for source in given:
        next(items([source]), None)  # what is missing is said before the detector is loaded
    # Each worker is a thread already: those of ONNX Runtime would only wait for each other.
    loaded = detector if isinstance(detector, Detector) else Detector.load(detector)
    predictor = loaded.predictor.with_threads(1)  # each worker is a thread: those of ONNX Runtime would only wait
    settings: dict[str, Any] = {
        "list of sources": [_absolute(source) for source in given],
        "detector": identity(predictor),
    }
    settings |= {"batch size": batch_size, "shard size": shard_size}
    with store.alone(), tallied(partial(items, given), shown=progress) as tally:
        journal = Journal(store, settings, overwrite=overwrite)
        answers = _engine(engine, predictor, batch_size=batch_size, workers=workers, tally=tally)
        parts = _run(journal, journal.parts(items(given), shard_size), answers, tally)
        if not parts:
            raise DatasetError(f"{', '.join(given)}: no images; expected at least one")
        counts = _publish(store, journal.rows(parts), columns(loaded.classes), sort=sort)
        return Scores(
            os.fspath(out),
            images=tally.done,
            alerts=counts["alert"],
            clears=counts["clear"],
            refers=counts["refer"],
            unreadable=counts[UNREADABLE],
            resumed=tally.resumed,
            seconds=perf_counter() - tally.start,
        )


def _run(journal: Journal, parts: Iterable[Shard], answers: Answers, tally: Tally) -> list[Shard]:
    """Do what is not done yet, and return all parts, without their images."""
    known: list[Shard] = []

    def missing() -> Iterator[Shard]:
        for part in parts:
            known.append(part._replace(items=()))
            if journal.has(part):
                tally.skip(len(part.items))
            else:
                yield part

    for part, rows in answers(missing()):
        journal.keep(part, rows)
    journal.finish(len(known))
    return known


def _engine(engine: Engine, predictor: Predictor, *, batch_size: int, workers: int | None, tally: Tally) -> Answers:
    if engine == "local":
        return partial(answer_parts, predictor, batch_size=batch_size, workers=workers or cores(), tick=tally.advance)
    from melanoma_detect.scoring.ray_backend import answer_on_ray  # noqa: PLC0415 - an extra

    return partial(answer_on_ray, predictor, batch_size=batch_size, workers=workers, tick=tally.advance)


def _publish(store: Store, rows: Iterable[Row], names: Sequence[str], *, sort: Sort | None) -> Counter[str]:
    """Make the table of what was kept, put it into its place whole, and return how many rows have which decision."""
    counts: Counter[str] = Counter()
    with store.scratch() as scratch:
        counted = _counted(rows, names, counts)
        writer_of(store.out)(scratch / "whole", names, by_risk(counted, names, scratch) if sort else counted)
        store.publish(scratch / "whole")
    store.clear()
    return counts


def _counted(rows: Iterable[Row], names: Sequence[str], counts: Counter[str]) -> Iterator[Row]:
    decision, reason = names.index("decision"), names.index("reason")
    for row in rows:
        counts[row[decision]] += 1
        counts[UNREADABLE] += row[reason] == UNREADABLE
        yield row


def _given(sources: Source | Iterable[Source]) -> list[str]:
    chosen = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    if not chosen:
        raise DatasetError("no sources; expected images, folders, zips or tables")
    return [os.fspath(source) for source in chosen]


def _absolute(source: str) -> str:
    return source if is_address(source) else str(Path(source).absolute())


def _refuse_slips(*, batch_size: int, workers: int | None, shard_size: int, sort: str | None, engine: str) -> None:
    for name, value in (("batch_size", batch_size), ("workers", workers), ("shard_size", shard_size)):
        if value is not None and value < 1:
            raise DatasetError(f"{name}={value}; expected a whole number from 1 on")
    if sort not in _SORTS:
        raise DatasetError(f"sort={sort!r}; expected 'risk', or None for the order of the sources")
    if engine not in _ENGINES:
        raise DatasetError(f"engine={engine!r}; expected one of {', '.join(map(repr, _ENGINES))}")


def _refuse_occupied(store: Store, *, overwrite: bool) -> None:
    if store.occupied() and not overwrite:
        raise OutputError(f"{store.out}: is there already; choose another place, or overwrite it (--overwrite)")
