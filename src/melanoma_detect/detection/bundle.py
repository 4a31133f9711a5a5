"""A detector as one file: a zip with the model and everything that gives its numbers a meaning.

`detector.json` holds the classes, the picture size, the operating point, what made the model, the training's history and the
digests of the pictures that it saw; `model.keras` holds the weights. There is no pickle and no code inside, and names and
sizes are checked before anything is read.
"""

import json
import os
import tempfile
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from melanoma_detect.console import writing_to
from melanoma_detect.data.images import RESIZES, Resize
from melanoma_detect.detection.decision import OperatingPoint
from melanoma_detect.detection.runtime import Runtime, keras_runtime
from melanoma_detect.errors import DetectorError

SCHEMA = 1
SUFFIX = ".detector"
_CARD, _MODEL = "detector.json", "model.keras"
_LIMITS = {_CARD: 512 * 2**20, _MODEL: 4 * 2**30}


@dataclass(frozen=True)
class Card:
    """What a detector's numbers mean and where they come from.

    Attributes:
        classes: Class names, in the order of the model's outputs.
        image_size: `(height, width)` in pixels.
        operating_point: Where to alert; None where no class is melanoma.
        resize: How a picture of another shape comes to that size: `"squash"`, `"crop"` or `"pad"`.
        architecture: Name, package, version, options and seed of what built the model.
        recipe: How it was trained.
        history: For each epoch: epoch, loss, accuracy, val_loss, val_accuracy, seconds.
        best_epoch: The epoch whose weights were kept, from 1.
        seen: Digests of the training and validation pictures.
        made_with: Versions of the libraries.
    """

    classes: tuple[str, ...]
    image_size: tuple[int, int]
    operating_point: OperatingPoint | None
    resize: Resize = "squash"
    architecture: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    seen: frozenset[str] = frozenset()
    made_with: dict[str, str] = field(default_factory=dict)


def write(path: Path, card: Card, runtime: Runtime) -> None:
    """Write a detector's file, whole or not at all.

    Args:
        path: Where to.
        card: What the numbers mean.
        runtime: The model.

    Raises:
        OutputError: The place cannot be written.

    Examples:
        >>> write(Path("again.detector"), detector.card, detector.runtime)
    """
    values = asdict(card) | {"seen": sorted(card.seen), "schema": SCHEMA}
    with writing_to(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
            model, partial = Path(folder, _MODEL), Path(folder, "whole")
            runtime.save(model)
            with zipfile.ZipFile(partial, "w") as bundle:
                bundle.writestr(_CARD, json.dumps(values, indent=1), zipfile.ZIP_DEFLATED)
                bundle.write(model, _MODEL)
            partial.replace(path)


def read(path: "str | os.PathLike[str]") -> tuple[Card, Runtime]:
    """Read a detector's file.

    Args:
        path: The file, or the run folder that holds it.

    Returns:
        What the numbers mean, and the model, ready to run.

    Raises:
        DetectorError: There is no such file, or it is no detector that this version reads.

    Examples:
        >>> detector.save("mine.detector")
        >>> card, runtime = read("mine.detector")
        >>> card.classes == detector.classes
        True
    """
    place = locate(Path(path))
    try:
        with zipfile.ZipFile(place) as bundle:
            _refuse_strange_members(place, bundle)
            card = _card(place, json.loads(bundle.read(_CARD)))
            with tempfile.TemporaryDirectory() as folder:
                runtime = keras_runtime(Path(bundle.extract(_MODEL, folder)), card.architecture)
    except (zipfile.BadZipFile, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DetectorError(f"{place}: not a detector, or a damaged one ({error}); save it again") from error
    return card, runtime


def locate(path: Path) -> Path:
    """Return the detector's file, given itself or the run folder that holds it.

    Args:
        path: A file or a folder.

    Returns:
        The file.

    Raises:
        DetectorError: There is none, or the folder holds several.

    Examples:
        >>> detector.save("run/cnn.detector")
        >>> locate(Path("run")).name
        'cnn.detector'
    """
    if path.is_dir():
        found = sorted(path.glob(f"*{SUFFIX}"))
        if len(found) != 1:
            names = ", ".join(file.name for file in found) or "none"
            raise DetectorError(f"{path}: expected one file *{SUFFIX} in this folder, found {names}; name the file")
        return found[0]
    if not path.is_file():
        raise DetectorError(f"{path}: no such detector; train one with 'melanoma-detect train', or check the path")
    return path


def _refuse_strange_members(place: Path, bundle: zipfile.ZipFile) -> None:
    sizes = {member.filename: member.file_size for member in bundle.infolist()}
    missing = [name for name in _LIMITS if name not in sizes]
    if missing:
        raise DetectorError(
            f"{place}: not a detector: it lacks {', '.join(missing)}; expected a file made by Detector.save"
        )
    if len(bundle.infolist()) != len(_LIMITS):
        raise DetectorError(f"{place}: has members that no detector has ({', '.join(sizes)}); do not trust it")
    for name, limit in _LIMITS.items():
        if sizes[name] > limit:
            raise DetectorError(
                f"{place}: {name} would unpack to {sizes[name]:,} bytes, over {limit:,}; do not trust it"
            )


def _card(place: Path, values: Any) -> Card:
    schema = values.get("schema") if isinstance(values, dict) else None
    if schema != SCHEMA:
        raise DetectorError(f"{place}: written in schema {schema}, this version reads {SCHEMA}; update melanoma-detect")
    try:
        point = values["operating_point"]
        rest = {name: values[name] for name in ("architecture", "recipe", "history", "best_epoch", "made_with")}
        return Card(
            classes=tuple(values["classes"]),
            image_size=(int(values["image_size"][0]), int(values["image_size"][1])),
            operating_point=OperatingPoint(**point) if point else None,
            resize=_resize(values.get("resize", "squash")),
            seen=frozenset(values["seen"]),
            **rest,
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DetectorError(f"{place}: {_CARD} is damaged ({type(error).__name__}: {error}); save it again") from error


def _resize(name: str) -> Resize:
    if name not in RESIZES:
        raise ValueError(f"resize {name!r}")
    return name
