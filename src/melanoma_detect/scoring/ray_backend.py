"""The same rows on a Ray cluster, by Ray Data: actors that load the detector once. The extra `ray` brings it."""

import contextlib
import io
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from melanoma_detect.detector import Detector
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.scoring.inputs import Item
from melanoma_detect.scoring.table import parsed, written
from melanoma_detect.scoring.workers import Shard, answer_parts

_THREADS = 4  # in each actor: images elsewhere are waited for, more than decoded


def answer_on_ray(
    predictor: Predictor,
    parts: Iterable[Shard],
    *,
    batch_size: int,
    workers: int | None = None,
    tick: Callable[[int], object] = lambda _: None,
) -> Iterator[tuple[Shard, list[list[str]]]]:
    """Answer for parts of images on a Ray cluster.

    The names of all images go into Ray's object store first, which spills to disk what it cannot hold; then each part goes to
    the next actor that is free. Ray starts a part again whose actor or machine is lost.

    Args:
        predictor: Who answers; its file is sent along, so the cluster needs this library and no shared folder for it.
        parts: Parts of images, whose places every machine of the cluster can read.
        batch_size: Images in one call of the model.
        workers: Actors, of one core each; as many as the cluster has cores if None.
        tick: Called with the number of images of each part that is done.

    Yields:
        Each part with its rows, in the order in which they are done.

    Raises:
        DetectorError: Ray is not installed, cannot be started or joined, or gave up.
    """
    ray = _imported()
    with _cluster(ray):
        known: dict[int, Shard] = {}
        sent = []
        for part in parts:
            known[part.number] = part._replace(items=())
            sent.append(ray.put(pa.table({"number": [part.number], "text": [json.dumps(part.items)]})))
        if not sent:
            return
        try:
            for done in _stream(ray, sent, predictor, batch_size, workers or int(ray.cluster_resources()["CPU"])):
                rows = list(parsed(io.StringIO(done["text"], newline="")))
                tick(len(rows))
                yield known[done["number"]], rows
        except ray.exceptions.RayError as error:
            raise DetectorError(f"Ray gave up: {error}") from error


class _Answering:
    """An actor's work: loads the detector once, then answers part after part.

    Args:
        content: The detector's file, as the one reference in a list.
        batch_size: Images in one call of the model.
    """

    def __init__(self, content: list[Any], batch_size: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "sent.detector")
            file.write_bytes(_imported().get(content[0]))
            self._predictor = Detector.load(file, threads=1).predictor
        self._batch_size = batch_size

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Answer for the parts of a batch."""
        texts = []
        for number, text in zip(batch["number"].to_pylist(), batch["text"].to_pylist(), strict=True):
            part = Shard(number, [Item(*item) for item in json.loads(text)])
            found = answer_parts(self._predictor, [part], batch_size=self._batch_size, workers=_THREADS)
            texts += [written(rows) for _, rows in found]
        return pa.table({"number": batch["number"], "text": pa.array(texts, pa.large_string())})


def _stream(ray: Any, sent: list[Any], predictor: Predictor, batch_size: int, workers: int) -> Iterator[dict[str, Any]]:
    content = ray.put(_content(predictor))  # held here as long as an actor may have to start again
    answers = ray.data.from_arrow_refs(sent).map_batches(
        _Answering,
        batch_size=1,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(sent))),
        num_cpus=1,
        fn_constructor_args=([content], batch_size),
    )
    yield from answers.iter_rows()


def _imported() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when Ray starts
    try:
        import ray.data  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise DetectorError("engine='ray' needs an extra: pip install 'melanoma-detect[ray]'") from error
    return ray


def _content(predictor: Predictor) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sent.detector")
        predictor.save(file)
        return file.read_bytes()


@contextlib.contextmanager
def _cluster(ray: Any) -> Iterator[None]:
    """Join the cluster that RAY_ADDRESS names, or stay in the one that this process is in; else start one of its own."""
    mine = not ray.is_initialized()
    if mine:
        _start(ray)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    shown, context.enable_progress_bars = context.enable_progress_bars, False
    try:
        yield
    finally:
        context.enable_progress_bars = shown
        if mine:
            ray.shutdown()


def _start(ray: Any) -> None:
    # Not left to Ray: without an address it would look for whatever cluster this machine started last, and wait for a dead one.
    address = os.environ.get("RAY_ADDRESS") or "local"
    try:
        ray.init(address, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise DetectorError(
            f"Ray ({address}) cannot be started or joined ({error}); check RAY_ADDRESS, and RAY_AUTH_MODE where the "
            "cluster asks for a token"
        ) from error
