"""`score`: a table of predictions for any number of images, streamed and resumable, on this machine or on a Ray cluster."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from melanoma_detect.detector import Detector
from melanoma_detect.errors import DatasetError, DetectorError, OutputError
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.scoring.addresses import local_path
from melanoma_detect.scoring.arguments import Backend, Sort, Source, absolute_path, check_options, source_paths
from melanoma_detect.scoring.decision_counts import DecisionCounts
from melanoma_detect.scoring.detector_identity import identify_detector
from melanoma_detect.scoring.inputs import items
from melanoma_detect.scoring.measures import MEASURES
from melanoma_detect.scoring.progress import ScoringProgress, track_scoring
from melanoma_detect.scoring.resume import ScoringState, saved_shards
from melanoma_detect.scoring.sketching import SketchBuilder, check_sketch_output
from melanoma_detect.scoring.storage import Store, open_store
from melanoma_detect.scoring.table import Row, columns, find_writer, is_score_table
from melanoma_detect.scoring.workers import Shard, ShardScorer, available_cores, score_shards
from melanoma_detect.scoring.worklist import sort_by_risk
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.deprecation import warn_renamed
from melanoma_detect.utils.interruption import Interruption, noting_interruption
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.outputs import check_output, exists_error
from melanoma_detect.utils.paths import path_text


@dataclass(frozen=True)
class Scores:
    """The result of scoring: where the table is, and how many images have which decision.

    Attributes:
        out: The table's path or address.
        images: Images in the table; each frame of a DICOM file is one.
        alerts: Images to show to a dermatologist.
        clears: Images without an alert.
        refers: Images that a person must look at, since the detector abstains or has no threshold.
        unreadable: Those of the referred images that could not be read.
        resumed: Images that an earlier run had done.
        seconds: How long the other images took.
        passed_over: Files in folders and archives that are no images, and so have no row.
        errors: Why images could not be read, for the first five of those; the table's column `error` has all.
        sketch: The path of the sketch; empty where none was asked for.
    """

    out: str
    images: int
    alerts: int
    clears: int
    refers: int
    unreadable: int
    resumed: int
    seconds: float
    passed_over: int = 0
    errors: tuple[str, ...] = ()
    sketch: str = ""

    _repr_html_ = notebook_view

    def __str__(self) -> str:
        scored = self.images - self.resumed
        rate = f" ({scored / self.seconds:,.0f} a second)" if scored and self.seconds else ""
        resumed = f", {self.resumed:,} of them done by an earlier run" if self.resumed else ""
        others = f"; {count_noun(self.passed_over, 'file')} passed over: not images" if self.passed_over else ""
        return (
            f"{count_noun(self.images, 'image')} in {self.seconds:,.1f} s{rate}{resumed}: {self.alerts:,} alert, "
            f"{self.clears:,} clear, {self.refers:,} refer, of which {self.unreadable:,} unreadable{others}"
        )

    @property
    def pictures(self) -> int:
        """Deprecated: use `images`."""
        warn_renamed("Scores.pictures", "Scores.images")
        return self.images


def score(
    sources: Source | Iterable[Source],
    *,
    out: Source,
    detector: Detector | Source | None = None,
    batch_size: int = 32,
    workers: int | None = None,
    shard_size: int = 256,
    sort: Sort | None = None,
    engine: Backend = "local",
    sketch: Source | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Scores:
    r"""Write a table of predictions, one row for each of any number of images.

    Threads read images and run the model; a few batches are held in memory at a time. A DICOM file of several frames has a row
    for each, whose path is `lesion.dcm#1` and so on, which `predict` takes too. Shards that are done are saved in a
    hidden folder beside the table: an interrupted run resumes when `score` is called again. The table itself appears when it
    is complete. An image that cannot be read gets a row with its error and the decision *refer*; the run goes on. Bytes of a
    file's name that are not UTF-8 stand in the table as Python writes them (`\udce4`).

    The columns are `path`, `diagnosis`, `p_AK`, `p_BCC`, `p_DF`, `p_MEL`, `p_NV`, `p_BKL`, `p_SK`, `p_SCC`, `p_VASC` (0 for a
    class that the detector lacks; a class that is not in the taxonomy gets a column of its own after them), `melanoma`,
    `malignant`, `decision` (alert, clear, refer), `alert` and `abstained` (true, false), `image_type` (dermoscopy, clinical;
    empty for a detector that does not tell them apart), `reason`, `error`.

    Args:
        sources: Image files, or a frame of one (`lesion.dcm#3`); folders, with their subfolders; zip archives; tables (CSV,
            Excel or Parquet with a column `path`, `image`, `filename` or the like, or a text file with one path per line),
            whose paths are relative to their folder.
            Paths, or addresses that fsspec supports, such as `s3://bucket/lesions` (extra `ray`). A file in a folder is an
            image by its suffix or, without a known one, by its content; other files are counted.
        out: The table's path or address; it ends in `.csv` or `.parquet`.
        detector: A detector, its file, or the run folder that holds it; None for the default detector.
        batch_size: Images in one call of the model.
        workers: Threads, or Ray actors; as many as there are cores if None.
        shard_size: Images that are saved together: the most that an interrupted run loses, and what a Ray actor gets at once.
        sort: None keeps the order of the sources. `"risk"` makes a worklist: alerts first, then referred images, then cleared
            ones, each by descending probability of any malignant diagnosis; unreadable images are the last of the referred
            ones.
        engine: `"local"`, or `"ray"` for a Ray cluster (extra `ray`): the one that the environment variable `RAY_ADDRESS`
            names, else one of this machine's cores.
        sketch: A small file to write besides, whose name ends in `.sketch`: what `monitor` watches, counted by day and camera,
            without images and names (see `monitoring.sketch`). None for no sketch.
        overwrite: Replace a table that exists, and discard an unfinished run that does not fit; if False, both are errors. A
            source is never replaced, nor is a file in a folder that is scored, unless `score` has made it.
        progress: Draw a progress bar.

    Returns:
        How many images were scored, and how many have which decision.

    Raises:
        DatasetError: A source is missing or holds no images, or a table has no column of paths.
        DetectorError: There is no such detector.
        OutputError: The table exists, is a source, cannot be written, or is being written by another run, or an unfinished
            run there had other images, another detector or other settings.

    Examples:
        >>> scores = score(isic9 / "Test", detector=detector, out="scores.csv", progress=False)
        >>> scores.images, scores.unreadable
        (36, 0)
        >>> Path("scores.csv").read_text().splitlines()[0][:20]
        'path,diagnosis,p_AK,'
    """
    paths = source_paths(sources)
    check_options(batch_size=batch_size, workers=workers, shard_size=shard_size, sort=sort, engine=engine)
    out = path_text(out, OutputError, "the table to write")
    store = open_store(out)
    inputs = paths
    if detector is not None and not isinstance(detector, Detector):
        inputs = [*paths, path_text(detector, DetectorError, "a Detector, or the path of one")]
    check_score_output(store, inputs, overwrite=overwrite)
    sketched = None
    if sketch is not None:
        resumed = bool(saved_shards(store))
        sketched = check_sketch_output(sketch, inputs, overwrite=overwrite, resumed=resumed)
    for path in paths:
        next(items([path]), None)  # a missing source is reported before the detector is loaded
    loaded = detector if isinstance(detector, Detector) else Detector.load(detector)
    predictor = loaded.predictor.with_threads(1)  # the workers use every core: threads within a call would only wait
    names = columns(predictor.classes)
    settings: dict[str, Any] = {
        "list of sources": [absolute_path(path) for path in paths],
        "detector": identify_detector(predictor),
        "set of columns": [*names, *(MEASURES if sketched else ())],
        "batch size": batch_size,
        "shard size": shard_size,
    }
    with (
        store.lock(),
        track_scoring(partial(items, paths), shown=progress) as tracker,
        noting_interruption(lambda: _describe_kept(store, tracker, shard_size)),
    ):
        state = ScoringState(store, settings, width=len(settings["set of columns"]), overwrite=overwrite)
        measured = sketched is not None
        scorer = make_scorer(
            engine, predictor, batch_size=batch_size, workers=workers, measured=measured, tracker=tracker
        )
        shards, scored = _score_missing(
            state, state.split(items(paths, tracker.pass_over), shard_size), scorer, tracker
        )
        if not shards:
            raise DatasetError(f"{', '.join(paths)}: no images; expected at least one")
        builder = SketchBuilder(sketched, names, predictor) if sketched else None
        counts = _write_table(store, state.rows(shards), names, sort=sort, overwrite=overwrite, builder=builder)
        return Scores(
            out,
            images=counts.decisions.total(),
            alerts=counts.decisions["alert"],
            clears=counts.decisions["clear"],
            refers=counts.decisions["refer"],
            unreadable=counts.unreadable,
            resumed=counts.decisions.total() - scored,
            seconds=perf_counter() - tracker.start,
            passed_over=tracker.passed_over,
            errors=tuple(counts.errors),
            sketch=str(sketched or ""),
        )


def _describe_kept(store: Store, tracker: ScoringProgress, shard_size: int) -> Interruption:
    """Return what an interrupted run leaves behind."""
    images = min(len(saved_shards(store)) * shard_size, tracker.done)  # the last shard may be smaller
    if not images:
        return Interruption(f"nothing was kept, since the first {count_noun(shard_size, 'image')} were not done")
    path = local_path(store.out)
    kept = f"the predictions of {count_noun(images, 'image')} are kept beside {store.out}"
    return Interruption(kept, "call score again with the same arguments", path and path.parent)


def _score_missing(
    state: ScoringState, shards: Iterable[Shard], scorer: ShardScorer, tracker: ScoringProgress
) -> tuple[list[Shard], int]:
    """Score and save the shards that are not done yet; return all of them, without their images, and how many rows are new."""
    known: list[Shard] = []
    scored = 0

    def missing() -> Iterator[Shard]:
        for shard in shards:
            known.append(shard._replace(items=()))  # the names of millions of images must not stay in memory
            if state.is_done(shard):
                tracker.skip(len(shard.items))
            else:
                yield shard

    for shard, rows in scorer(missing()):
        state.save(shard, rows)
        scored += len(rows)
    state.check_complete(len(known))
    return known, scored


def make_scorer(
    engine: Backend,
    predictor: Predictor,
    *,
    batch_size: int,
    workers: int | None,
    tracker: ScoringProgress,
    measured: bool = False,
) -> ShardScorer:
    """Return the function that scores shards.

    Args:
        engine: `"local"` or `"ray"`.
        predictor: The model, with one thread per call.
        batch_size: Images in one call of the model.
        workers: Threads, or Ray actors; as many as there are cores if None.
        tracker: The progress to update.
        measured: Whether rows have the further cells that a sketch is made of.

    Returns:
        It takes shards and yields each with its rows.
    """
    options: dict[str, Any] = {"batch_size": batch_size, "measured": measured, "on_progress": tracker.advance}
    if engine == "local":
        return partial(score_shards, predictor, workers=workers or available_cores(), **options)
    from melanoma_detect.scoring.ray_backend import score_shards_on_ray  # noqa: PLC0415 - an extra

    return partial(score_shards_on_ray, predictor, workers=workers, **options)


def _write_table(
    store: Store,
    rows: Iterable[Row],
    names: Sequence[str],
    *,
    sort: Sort | None,
    overwrite: bool,
    builder: SketchBuilder | None,
) -> DecisionCounts:
    """Write the table from the saved rows, and the sketch; publish both, and return how many rows have which decision."""
    counts = DecisionCounts(names)
    with store.scratch_folder() as scratch:
        counted = counts.count(builder.take(rows) if builder else rows)
        find_writer(store.out)(scratch / "table", names, sort_by_risk(counted, names, scratch) if sort else counted)
        if store.exists() and not overwrite:  # it has appeared meanwhile; the shards stay, for another try
            raise exists_error(Path(store.out))
        if (
            builder is not None
        ):  # before the table: a run that ends between the two is resumed, and writes the same again
            builder.write(overwrite=overwrite)
        store.publish(scratch / "table")
    store.clear()  # after publishing: if that fails, the shards are still there
    return counts


def check_score_output(out: Source | Store, inputs: Iterable[Source], *, overwrite: bool) -> None:
    """Raise OutputError unless a score table can be written; see `check_output`.

    Args:
        out: The table's path or address, or its store.
        inputs: The sources, and the detector's file.
        overwrite: Whether a table that is there may be replaced.

    Raises:
        OutputError: The table exists, is an input, has another suffix, or cannot be written.

    Examples:
        >>> check_score_output("scores.csv", [isic9], overwrite=False)
    """
    store = open_store(path_text(out, OutputError)) if isinstance(out, (str, os.PathLike)) else out
    find_writer(store.out)  # a wrong suffix is an error now and not after hours of work
    path = local_path(store.out)
    names = [os.fspath(given) for given in inputs]
    if path is None:
        if store.out in names:
            raise OutputError(f"{store.out}: is an input, and inputs are never overwritten; choose another path")
        if store.exists() and not overwrite:
            raise exists_error(Path(store.out))
        return
    local = [place for place in map(local_path, names) if place is not None]
    if is_score_table(path):  # one of an earlier run, which the folder that is scored may hold
        local = [place for place in local if not place.is_dir()]
    check_output(path, overwrite=overwrite, inputs=local)
