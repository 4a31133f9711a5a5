"""The doors through which files come in, each as a function that takes the bytes of a file.

A door lets nothing out but the errors of this library. `run_door` holds it to its limits: of time and of memory, without
warnings of other packages.
"""

import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path

import numpy as np
from index_files import use_known, use_similar, use_sketch
from journals import laid_out, score_images, unfinished_run, work_folder
from seeds import encoded, pixels
from tiny_detector import CLASSES, tiny_detector

import melanoma_detect as md
from melanoma_detect.data.sources.layout import open_source, read_layout
from melanoma_detect.data.sources.table_reader import read_table
from melanoma_detect.errors import DataWarning, DetectorWarning, MelanomaDetectError, SeveralFramesError
from melanoma_detect.images.reader import Frame, read_pixels
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.plain_json import read_json
from melanoma_detect.inference.prediction import Prediction
from melanoma_detect.inference.schema import upgrade
from melanoma_detect.scoring.inputs import items
from melanoma_detect.scoring.workers import Shard, score_shards
from melanoma_detect.utils.damage import DAMAGE

MAX_SECONDS = 10.0
MAX_BYTES = 2 * 2**30
_ROWS = 50  # of a table that are looked at: a damaged one may list thousands


class DoorError(AssertionError):
    """A door did what no door may do."""


@dataclass(frozen=True)
class Door:
    """A door.

    Attributes:
        name: Its name.
        enter: Takes the bytes of a file.
        max_length: The largest file that the fuzzer makes, in bytes.
    """

    name: str
    enter: Callable[[bytes], None]
    max_length: int = 16_384


def check_prediction(prediction: Prediction) -> None:
    """Raise DoorError if an answer cannot be right: above all one that is *clear* by accident."""
    values = np.array(list(prediction.probabilities.values()))
    sound = bool(np.isfinite(values).all() and abs(values.sum() - 1) < 1e-4 and np.isfinite(prediction.melanoma))
    if not sound and prediction.decision != "refer":
        raise DoorError(f"{prediction.decision}, although the probabilities are {values}")
    point = prediction.operating_point
    if prediction.decision == "clear" and (
        prediction.reason
        or point is None
        or not np.isfinite(point.threshold)
        or not prediction.melanoma < point.threshold
    ):
        raise DoorError(f"clear, although melanoma is at {prediction.melanoma}: {prediction.reason or point}")


@contextmanager
def file_of(content: bytes, name: str) -> Iterator[Path]:
    """Provide a file with this content, and take it away again."""
    path = work_folder() / name
    path.write_bytes(content)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def enter_image(content: bytes) -> None:
    """Ask for an answer to an image, and read it at its own size."""
    check_prediction(tiny_detector().predict(content))
    read = read_pixels(content)
    if read.dtype != np.uint8 or read.ndim != 3 or read.shape[2] != 3:
        raise DoorError(f"pixels are {read.dtype} {read.shape}")


def enter_dicom(content: bytes) -> None:
    """Ask for an answer to a DICOM image; of several frames to the first and the last."""
    try:
        enter_image(content)
    except SeveralFramesError as several:
        for number in (1, several.frames):
            check_prediction(tiny_detector().predict(Frame(content, number)))


def enter_detector(content: bytes) -> None:
    """Load a detector's file and ask it."""
    with file_of(content, "fuzzed.detector") as path:
        detector = md.Detector.load(path, engine="onnx", threads=1)
        check_prediction(detector.predict(pixels()))


def enter_card(content: bytes) -> None:
    """Read the settings of a detector, and ask a detector with them."""
    try:
        config = DetectorConfig.from_dict(upgrade(read_json(content)))
    except DAMAGE:
        return  # as the reader of a detector's file takes them
    if config.classes == CLASSES and config.image_size == (8, 8):
        own = tiny_detector().predictor
        check_prediction(md.Detector(config, own.runtime, own.files).predict(pixels()))


def enter_table(content: bytes, suffix: str = ".csv") -> None:
    """Read a table of labels, and what it says of each image."""
    with file_of(content, f"fuzzed{suffix}") as path:
        table = read_table(path)
        for row in islice(table.rows, _ROWS):
            for ask in (table.label, table.labels, table.truth, table.split, table.group_keys):
                ask(row)


def enter_parquet(content: bytes) -> None:
    """Read a table of labels in the format Parquet."""
    enter_table(content, ".parquet")


def enter_workbook(content: bytes) -> None:
    """Read a table of labels in the format of Excel."""
    enter_table(content, ".xlsx")


def enter_zip(content: bytes) -> None:
    """Read an archive of images."""
    with file_of(content, "fuzzed.zip") as path:
        try:
            read_layout(open_source(path))
        finally:
            shutil.rmtree(Path(os.environ["MELANOMA_DETECT_CACHE"]) / "archives", ignore_errors=True)


def enter_scored_table(content: bytes) -> None:
    """Score the images that a table lists."""
    for name in ("fuzzed.csv", "fuzzed.txt"):
        with chdir(work_folder()), file_of(content, name):
            found = list(islice(items([name]), _ROWS))
            for _, rows in score_shards(tiny_detector().predictor, [Shard(0, found)], batch_size=8, workers=1):
                if len(rows) < len(found):
                    raise DoorError(f"{len(found)} images have {len(rows)} rows")


def enter_journal(content: bytes) -> None:
    """Go on with an unfinished run, of which one file was changed."""
    names = sorted(unfinished_run())
    index = content[0] if content else 0
    with laid_out(names[index % len(names)], content[1:]):
        scores = score_images()
        rows = Path("scores.csv").read_text(encoding="utf-8").splitlines()
        if scores.images != 3 or len(rows) < 4:
            raise DoorError(f"{scores.images} images and {len(rows) - 1} rows, expected 3")


def enter_index(content: bytes, suffix: str, use: Callable[[Path], None]) -> None:
    """Read a file that others may have made of their images, and use it."""
    with file_of(content, f"fuzzed{suffix}") as path:
        use(path)


IMAGE_DOORS = ("jpeg", "png", "tiff", "webp", "bmp", "gif", "avif", "heic")
DOORS = {
    door.name: door
    for door in (
        *(Door(name, enter_image, 8192) for name in IMAGE_DOORS),
        Door("dicom", enter_dicom, 8192),
        Door("detector", enter_detector),
        Door("card", enter_card),
        Door("table", enter_table, 4096),
        Door("parquet", enter_parquet, 8192),
        Door("workbook", enter_workbook),
        Door("zip", enter_zip, 8192),
        Door("scored-table", enter_scored_table, 2048),
        Door("journal", enter_journal, 8192),
        Door("known", partial(enter_index, suffix=".known", use=use_known), 4096),
        Door("similar", partial(enter_index, suffix=".similar", use=use_similar), 8192),
        Door("sketch", partial(enter_index, suffix=".sketch", use=use_sketch)),
    )
}


def run_door(door: Door, content: bytes) -> float:
    """Let a file in, and return how many seconds that took; raise what no door may let out.

    Raises:
        DoorError: It took over 10 seconds or 2 GiB, answered senselessly, or let a warning of another package out.
        Exception: Any other error that is not this library's.
    """
    before, start = _peak_memory(), time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            door.enter(content)
        except MelanomaDetectError as error:
            _check_message(error)
        except RecursionError as error:
            raise DoorError(f"RecursionError: {error}") from error
    seconds = time.perf_counter() - start
    if seconds > MAX_SECONDS:
        raise DoorError(f"{seconds:.0f} s, expected at most {MAX_SECONDS:.0f}")
    if (grown := _peak_memory() - before) > MAX_BYTES:
        raise DoorError(f"{grown / 2**20:.0f} MiB of memory, expected at most {MAX_BYTES / 2**20:.0f}")
    foreign = [each for each in caught if not issubclass(each.category, DataWarning | DetectorWarning)]
    if foreign:
        raise DoorError(f"warned: {foreign[0].category.__name__}: {foreign[0].message} ({foreign[0].filename})")
    return seconds


def _check_message(error: MelanomaDetectError) -> None:
    if not str(error).strip():
        raise DoorError(f"{type(error).__name__} without a message")


def _peak_memory() -> int:
    """Return the most memory that this process has asked for, in bytes; 0 where the system does not say."""
    try:
        with open("/proc/self/status", "rb") as file:  # noqa: PTH123 - thousands of times a second
            text = file.read()
    except OSError:
        return 0
    return int(text[text.index(b"VmPeak:") + 7 :].split(None, 1)[0]) * 1024


@cache
def prepare() -> None:
    """Load what the first file of any door would load, so that only files are measured."""
    enter_image(encoded("PNG"))
