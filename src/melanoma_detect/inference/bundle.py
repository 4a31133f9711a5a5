"""A detector as one file: a zip with the model and everything that gives its numbers a meaning.

- `detector.json`: classes, image size, calibration, what made the model, the training's history, figures.
- `model.onnx`: the model as ONNX Runtime runs it; absent where it cannot be exported, and Keras then serves.
- `model.keras`: the model as Keras saved it, for training on, for Grad-CAM and for other formats; may be absent.
- `features.npz`: where the features of training images lie.
- `seen.json`: which images were trained on.
- `golden/`: images with the answers that the model must give.
- `MODEL_CARD.md`: the same for people.

There is no pickle and no code inside, and names and sizes are checked before anything is read.
"""

import io
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.finding import locate
from melanoma_detect.inference.golden import ANSWERS, IMAGES, golden_members, replay
from melanoma_detect.inference.model_card import model_card
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.runtime import OnnxRuntime, Runtime
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint
from melanoma_detect.utils.files import whole_file

Engine: TypeAlias = Literal["onnx", "keras"]

SCHEMA = 2
_CARD, _ONNX, _KERAS = "detector.json", "model.onnx", "model.keras"
_FEATURES, _SEEN, _READ_ME = "features.npz", "seen.json", "MODEL_CARD.md"
_GOLDEN = (*IMAGES, ANSWERS)
_LIMITS = {
    _CARD: 64 * 2**20,
    _ONNX: 2 * 2**30,
    _KERAS: 4 * 2**30,
    _FEATURES: 256 * 2**20,
    _SEEN: 1024 * 2**20,
    _READ_ME: 2**20,
    **dict.fromkeys(_GOLDEN, 16 * 2**20),
}
_NEEDED = (_CARD, _SEEN, *_GOLDEN)


@dataclass(frozen=True, eq=False)
class Files:
    """What of a detector is not in its card.

    Attributes:
        onnx: The model as ONNX Runtime runs it; None where it cannot be exported.
        keras: Returns the bytes of the `.keras` file; None where there is none.
        space: Where the features of training images lie; None where that was not measured.
        seen: Returns which images were trained on.
    """

    onnx: bytes | None = None
    keras: Callable[[], bytes] | None = None
    space: FeatureSpace | None = None
    seen: Callable[[], TrainingFingerprint] = field(default=TrainingFingerprint)


def write(path: Path, config: DetectorConfig, files: Files, runtime: Runtime) -> None:
    """Write a detector's file, whole or not at all.

    Args:
        path: Where to.
        config: What the numbers mean.
        files: The model and the rest.
        runtime: What runs the model, for the golden images.

    Raises:
        OutputError: The place cannot be written.

    Examples:
        >>> write(Path("again.detector"), predictor.config, predictor.files, predictor.runtime)
    """
    members: dict[str, bytes] = {
        _CARD: json.dumps(config.to_dict() | {"schema": SCHEMA}, indent=1).encode(),
        _SEEN: json.dumps(files.seen().to_dict()).encode(),
        _READ_ME: model_card(config).encode(),
        **golden_members(runtime, config.image_size),
    }
    if files.onnx:
        members[_ONNX] = files.onnx
    if files.keras:
        members[_KERAS] = files.keras()
    if files.space:
        members[_FEATURES] = _pack(files.space)
    with whole_file(path) as partial, zipfile.ZipFile(partial, "w") as bundle:
        for name, content in members.items():
            # Weights hardly shrink, and are quicker to read as they are.
            how = zipfile.ZIP_STORED if name in (_ONNX, _KERAS, _FEATURES) else zipfile.ZIP_DEFLATED
            bundle.writestr(name, content, how)


def read(
    path: "str | os.PathLike[str] | None",
    *,
    engine: Engine | None = None,
    threads: int | None = None,
    providers: Sequence[str] | None = None,
) -> tuple[DetectorConfig, Runtime, Files]:
    """Read a detector's file.

    Args:
        path: The file, or the run folder that holds it; None for the default detector.
        engine: `"onnx"` or `"keras"`; ONNX Runtime where the file has a model for it, if None.
        threads: How many threads one call may use; every core where it is None.
        providers: ONNX Runtime's execution providers.

    Returns:
        What the numbers mean, the model, ready to run, and the rest.

    Raises:
        DetectorError: There is no such file, it is no detector that this version reads, or it answers otherwise here than where
            it was saved.

    Examples:
        >>> detector.save("mine.detector")
        >>> config, runtime, files = read("mine.detector")
        >>> config == predictor.config, runtime.name
        (True, 'onnx')
    """
    place = locate(None if path is None else Path(path))
    try:
        with zipfile.ZipFile(place) as bundle:
            _refuse_strange_members(place, bundle)
            names = set(bundle.namelist())
            config = _card(place, json.loads(bundle.read(_CARD)))
            _refuse_missing_members(place, names)
            files = Files(
                onnx=bundle.read(_ONNX) if _ONNX in names else None,
                keras=_Member(place, _KERAS) if _KERAS in names else None,
                space=_unpack(bundle.read(_FEATURES)) if _FEATURES in names else None,
                seen=_SeenMember(place),
            )
            golden = {name: bundle.read(name) for name in _GOLDEN}
        runtime = _runtime(place, config, files, engine, {"threads": threads, "providers": providers})
        replay(place, golden, runtime)
    except (zipfile.BadZipFile, json.JSONDecodeError, UnicodeDecodeError, KeyError, ValueError, OSError) as error:
        if isinstance(error, DetectorError):
            raise
        raise DetectorError(f"{place}: not a detector, or a damaged one ({error}); save it again") from error
    return config, runtime, files


@dataclass(frozen=True)
class _Member:
    """A member that is read when it is asked for."""

    place: Path
    name: str

    def __call__(self) -> bytes:
        try:
            with zipfile.ZipFile(self.place) as bundle:
                return bundle.read(self.name)
        except (OSError, zipfile.BadZipFile, KeyError) as error:
            raise DetectorError(
                f"{self.place}: was changed or moved since it was loaded ({error}); load it again"
            ) from error


@dataclass(frozen=True)
class _SeenMember:
    """The fingerprint of the training data: thousands of digests, which a prediction does not need."""

    place: Path

    def __call__(self) -> TrainingFingerprint:
        try:
            return TrainingFingerprint.from_dict(json.loads(_Member(self.place, _SEEN)()))
        except (ValueError, KeyError, TypeError) as error:
            raise DetectorError(f"{self.place}: {_SEEN} is damaged ({error}); save the detector again") from error


def _runtime(
    place: Path, config: DetectorConfig, files: Files, engine: Engine | None, session: dict[str, Any]
) -> Runtime:
    if engine not in (None, "onnx", "keras"):
        raise DetectorError(f"engine={engine!r}; expected 'onnx' or 'keras'")
    if engine != "keras" and files.onnx:
        try:
            return OnnxRuntime(files.onnx, **session)
        except DetectorError as error:
            raise DetectorError(f"{place}: {error}") from error
    if engine == "onnx":
        raise DetectorError(
            f"{place}: has no ONNX model ({config.export.get('problem', 'saved without')}); use engine='keras'"
        )
    if files.keras is None:
        raise DetectorError(f"{place}: has no Keras model in it; use engine='onnx'")
    from melanoma_detect.inference.keras_runtime import KerasRuntime, load_bytes  # noqa: PLC0415 - imports Keras

    return KerasRuntime(load_bytes(files.keras(), config.architecture))


def keras_model(config: DetectorConfig, runtime: Runtime, files: Files) -> Any:
    """Return a detector's Keras model. Imports Keras.

    Args:
        config: What built it.
        runtime: What runs it.
        files: Its files.

    Returns:
        A `keras.Model`.

    Raises:
        DetectorError: The detector was saved without it, or Keras cannot load it.

    Examples:
        >>> keras_model(predictor.config, predictor.runtime, predictor.files).output_shape
        (None, 9)
    """
    from melanoma_detect.inference.keras_runtime import KerasRuntime, load_bytes  # noqa: PLC0415 - imports Keras

    if isinstance(runtime, KerasRuntime):
        return runtime.model
    if files.keras is None:
        raise DetectorError(f"{config.description} has no Keras model in it, only one for ONNX Runtime")
    return load_bytes(files.keras(), config.architecture)


def _refuse_strange_members(place: Path, bundle: zipfile.ZipFile) -> None:
    sizes = {member.filename: member.file_size for member in bundle.infolist()}
    if _CARD not in sizes:
        raise DetectorError(f"{place}: not a detector: it lacks {_CARD}; expected a file made by Detector.save")
    strange = [name for name in sizes if name not in _LIMITS]
    if strange or len(bundle.infolist()) != len(sizes):
        twice = "the same name twice" if not strange else ", ".join(strange)
        raise DetectorError(f"{place}: has members that no detector has ({twice}); do not trust it")
    for name, size in sizes.items():
        if size > _LIMITS[name]:
            raise DetectorError(
                f"{place}: {name} would unpack to {size:,} bytes, over {_LIMITS[name]:,}; do not trust it"
            )


def _refuse_missing_members(place: Path, names: set[str]) -> None:
    missing = [name for name in _NEEDED if name not in names]
    if not {_ONNX, _KERAS} & names:
        missing.append(f"{_ONNX} or {_KERAS}")
    if missing:
        raise DetectorError(
            f"{place}: not a detector: it lacks {', '.join(missing)}; expected a file made by Detector.save"
        )


def _card(place: Path, values: Any) -> DetectorConfig:
    schema = values.get("schema") if isinstance(values, dict) else None
    if schema != SCHEMA:
        raise DetectorError(
            f"{place}: written in schema {schema}, this version reads {SCHEMA}; update melanoma-detect, or train and save the "
            "detector again"
        )
    try:
        return DetectorConfig.from_dict(values)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise DetectorError(f"{place}: {_CARD} is damaged ({type(error).__name__}: {error}); save it again") from error


def _pack(space: FeatureSpace) -> bytes:
    file = io.BytesIO()
    np.savez(file, mean=space.mean, directions=space.directions, residual=np.float64(space.residual))
    return file.getvalue()


def _unpack(content: bytes) -> FeatureSpace:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return FeatureSpace(arrays["mean"], arrays["directions"], float(arrays["residual"]))
