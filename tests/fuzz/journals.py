"""An unfinished run of `score`: made once, and laid out again for each damaged file."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image
from tiny_detector import tiny_detector

import melanoma_detect as md
from melanoma_detect.inference.predictor import Predictor

_TIME = 1_700_000_000  # of the images, which a shard's name depends on
_NAMES = ("a.png", "b.png", "c.png")


def write_images(folder: Path) -> None:
    """Write three images of one colour each, always of the same size and time."""
    for name, blue in zip(_NAMES, (0, 130, 200), strict=True):
        Image.new("RGB", (12, 12), (200, 100, blue)).save(folder / name)
        os.utime(folder / name, (_TIME, _TIME))


def score_images(out: str = "scores.csv") -> md.Scores:
    """Score the images of the present folder, each a shard of its own."""
    detector = tiny_detector()
    return md.score(list(_NAMES), out=out, detector=detector, batch_size=1, shard_size=1, workers=1, progress=False)


@cache
def work_folder() -> Path:
    """Return a folder with the images, in memory where the system has such a place."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="melanoma-detect-fuzz-", dir=place))
    write_images(folder)
    return folder


@cache
def unfinished_run() -> Mapping[str, bytes]:
    """Return the files of a run that was interrupted before its last image, by name."""
    predict, calls = Predictor.predict_inputs, iter(range(9))

    def interrupted(predictor: Predictor, *arguments: Any) -> Any:
        if next(calls) == len(_NAMES) - 1:
            raise KeyboardInterrupt
        return predict(predictor, *arguments)

    Predictor.predict_inputs = interrupted  # type: ignore[method-assign]
    try:
        with chdir(work_folder()):
            with suppress(KeyboardInterrupt):
                score_images()
            [hidden] = (path for path in Path().iterdir() if path.is_dir())
            files = {path.name: path.read_bytes() for path in hidden.iterdir() if path.is_file()}
            shutil.rmtree(hidden)
    finally:
        Predictor.predict_inputs = predict  # type: ignore[method-assign]
    return files


def _own_names() -> dict[bytes, bytes]:
    """Return what differs from one process to the next, by what stands for it in a seed."""
    run = json.loads(unfinished_run()["run.json"])["run"]
    return {b"@FOLDER@": os.fsencode(work_folder()), b"@RUN@": os.fsencode(run)}


def as_seed(content: bytes) -> bytes:
    """Return a file of an unfinished run as any process can use it."""
    for mark, own in _own_names().items():
        content = content.replace(own, mark)
    return content


@contextmanager
def laid_out(name: str, content: bytes) -> Iterator[None]:
    """Provide the unfinished run, of which one file has other content, in the present folder."""
    with chdir(work_folder()):
        hidden = Path(".scores.csv-partial")
        hidden.mkdir(exist_ok=True)
        for mark, own in _own_names().items():
            content = content.replace(mark, own)
        for other, whole in unfinished_run().items():
            (hidden / other).write_bytes(content if other == name else whole)
        try:
            yield
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
            Path("scores.csv").unlink(missing_ok=True)
