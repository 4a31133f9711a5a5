"""Scoring on a Ray cluster with Ray Data: actors that each load the detector once. Needs the extra `ray`."""

import contextlib
import io
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference import bundle
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.scoring.item import Item
from melanoma_detect.scoring.table import format_rows, parse_rows
from melanoma_detect.scoring.workers import Rows, Shard, score_shards
from melanoma_detect.utils.temporary import temporary_folder

# In each actor, which has one core: while one thread runs the model, the others wait for images from a remote store.
_ACTOR_THREADS = 4


def score_shards_on_ray(
    predictor: Predictor,
    shards: Iterable[Shard],
    *,
    batch_size: int,
    workers: int | None = None,
    measured: bool = False,
    on_progress: Callable[[int], object] = lambda _: None,
) -> Iterator[tuple[Shard, Rows]]:
    """Score shards of images on a Ray cluster.

    The names of all images go into Ray's object store first, which spills to disk what does not fit into memory; then the next
    free actor takes the next shard. When an actor or its machine is lost, Ray repeats the shard elsewhere.

    Args:
        predictor: The model. The content of its file is sent to the actors, so that the cluster needs no shared folder for it.
        shards: Shards of images whose paths or addresses every machine of the cluster can read.
        batch_size: Images in one call of the model.
        workers: Actors with one core each; as many as the cluster has cores if None.
        measured: See `score_shards`.
        on_progress: Called with the number of images of each shard that is done.

    Yields:
        Each shard with its rows, in the order in which they are done.

    Raises:
        MissingPackageError: Ray is not installed.
        DetectorError: Ray cannot be started or joined, or failed.
    """
    ray = _import_ray()
    import pyarrow as pa  # noqa: PLC0415 - comes with Ray: where that is missing, Ray is what to install

    with _cluster(ray):
        known: dict[int, tuple[Shard, int]] = {}
        references = []
        for shard in shards:
            known[shard.number] = shard._replace(items=()), len(shard.items)
            references.append(ray.put(pa.table({"number": [shard.number], "text": [json.dumps(shard.items)]})))
        if not references:
            return
        try:
            actors = workers or int(ray.cluster_resources()["CPU"])
            for result in _map_shards(ray, references, predictor, (batch_size, measured), actors):
                rows = list(parse_rows(io.StringIO(result["text"], newline="")))
                shard, images = known[result["number"]]
                on_progress(images)
                yield shard, rows
        except ray.exceptions.RayError as error:
            raise DetectorError(f"Ray failed: {error}") from error


class _ShardScorer:
    """A Ray actor that loads the detector once and scores shard after shard.

    Args:
        content: A reference to the content of the detector's file, in a list: Ray would replace a bare reference by its value.
        batch_size: Images in one call of the model.
        measured: See `score_shards`.
    """

    def __init__(self, content: list[Any], batch_size: int, measured: bool = False) -> None:
        with temporary_folder() as folder:
            file = Path(folder, "sent.detector")
            file.write_bytes(_import_ray().get(content[0]))
            self._predictor = Predictor(*bundle.read(file, threads=1))  # the actor's threads already fill its core
        self._options: dict[str, Any] = {"batch_size": batch_size, "measured": measured, "workers": _ACTOR_THREADS}

    def __call__(self, batch: Any) -> Any:
        """Score the shards of a batch, a table of Arrow."""
        import pyarrow as pa  # noqa: PLC0415 - comes with Ray

        texts = []
        for number, text in zip(batch["number"].to_pylist(), batch["text"].to_pylist(), strict=True):
            shard = Shard(number, [Item(*item) for item in json.loads(text)])
            scored = score_shards(self._predictor, [shard], **self._options)
            texts += [format_rows(rows) for _, rows in scored]
        # The rows of a very large shard may pass 2 GiB, the limit of plain Arrow strings.
        return pa.table({"number": batch["number"], "text": pa.array(texts, pa.large_string())})


def _map_shards(
    ray: Any, references: list[Any], predictor: Predictor, options: tuple[int, bool], actors: int
) -> Iterator[dict[str, Any]]:
    content = ray.put(_file_content(predictor))  # this reference keeps the content alive for actors that start again
    results = ray.data.from_arrow_refs(references).map_batches(
        _ShardScorer,
        batch_size=1,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=min(actors, len(references))),
        num_cpus=1,
        fn_constructor_args=([content], *options),
    )
    yield from results.iter_rows()


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before the import: Ray reads it when it starts
    import ray.data  # noqa: PLC0415 - an extra

    return ray


def _file_content(predictor: Predictor) -> bytes:
    with temporary_folder() as folder:
        file = Path(folder, "sent.detector")
        predictor.save(file)
        return file.read_bytes()


@contextlib.contextmanager
def _cluster(ray: Any) -> Iterator[None]:
    """Use the cluster that this process is connected to, else connect to the one that RAY_ADDRESS names or start one."""
    is_ours = not ray.is_initialized()
    if is_ours:
        _connect(ray)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    bars, context.enable_progress_bars = context.enable_progress_bars, False
    try:
        yield
    finally:
        context.enable_progress_bars = bars
        if is_ours:
            ray.shutdown()


def _connect(ray: Any) -> None:
    # Ray's own default would look for the cluster that was last started on this machine, and wait for one that has ended.
    address = os.environ.get("RAY_ADDRESS") or "local"
    try:
        ray.init(address, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise DetectorError(
            f"Ray ({address}) cannot be started or joined ({error}); check RAY_ADDRESS, and RAY_AUTH_MODE if the cluster "
            "requires a token"
        ) from error
