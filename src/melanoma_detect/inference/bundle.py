"""The detector's file: a zip with the model and everything that gives its outputs a meaning.

- `detector.json`: classes, image size, calibration, architecture, training recipe and history, metrics.
- `model.onnx`: the model for ONNX Runtime; absent where it cannot be exported, and Keras then runs the model.
- `model.keras`: the model as Keras saves it, for further training, Grad-CAM and other formats; may be absent.
- `features.npz`: the feature space of the training images and the classifier of image types; either may be absent.
- `training_fingerprint.json`: which images the detector was trained on.
- `golden/`: images with the probabilities that the model must give for them.
- `MODEL_CARD.md`: the model card.

There is no pickle and no code in it, and names and sizes of its members are checked before anything is read.
"""

import contextlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.decision_rules import check_settings
from melanoma_detect.inference.feature_arrays import MAX_SIZE, FeatureParts, features_from_bytes, features_to_bytes
from melanoma_detect.inference.golden import IMAGES, PROBABILITIES, make_golden_images
from melanoma_detect.inference.golden_cache import check_golden_images_once
from melanoma_detect.inference.image_types import ImageTypeClassifier
from melanoma_detect.inference.model_card import model_card
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.runtime import OnnxRuntime, Runtime
from melanoma_detect.inference.schema import FINGERPRINT_MEMBERS, schema_of, upgrade
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import check_output, expand_path

Engine: TypeAlias = Literal["onnx", "keras"]

SUFFIX = ".detector"
SHIPPED = Path(__file__).parents[1] / "shipped" / f"default{SUFFIX}"

_CONFIG, _ONNX, _KERAS = "detector.json", "model.onnx", "model.keras"
_FEATURES, _MODEL_CARD = "features.npz", "MODEL_CARD.md"
_GOLDEN = (*IMAGES, PROBABILITIES)
# The largest size of each member when unpacked, in bytes: far over any real one, and far under what fills a machine's memory
# when a hostile zip unpacks to a thousand times its size.
_MAX_SIZES = {
    _CONFIG: 64 * 2**20,
    _ONNX: 2 * 2**30,
    _KERAS: 4 * 2**30,
    _FEATURES: MAX_SIZE,
    **dict.fromkeys(FINGERPRINT_MEMBERS.values(), 1024 * 2**20),
    _MODEL_CARD: 2**20,
    **dict.fromkeys(_GOLDEN, 16 * 2**20),
}
_SAMPLES, _SAMPLE_SIZE = 16, 16 * 1024  # what tells whether a member compresses, in bytes
# What zipfile, zlib, json, NumPy and Pillow raise on damaged or hostile bytes.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, MemoryError),
    *(LookupError, ValueError, TypeError, AttributeError, ArithmeticError),
)


@dataclass(frozen=True, eq=False)
class Files:
    """The parts of a detector's file beside its configuration.

    Attributes:
        onnx: The bytes of the ONNX model; None where the model cannot be exported.
        keras: Returns the bytes of the `.keras` file; None where there is none.
        feature_space: Where the features of training images lie; None where that was not measured.
        image_types: Tells clinical photographs from dermoscopy; None where the training images were of one type.
        fingerprint: Returns the fingerprint of the training data.
        path: The file that they were read from; None for a detector that was trained in this process.
    """

    onnx: bytes | None = None
    keras: Callable[[], bytes] | None = None
    feature_space: FeatureSpace | None = None
    image_types: ImageTypeClassifier | None = None
    fingerprint: Callable[[], TrainingFingerprint] = field(default=TrainingFingerprint)
    path: Path | None = None

    @property
    def features(self) -> FeatureParts:
        """What `features.npz` holds."""
        return FeatureParts(self.feature_space, self.image_types)


def find_file(path: Path | None) -> Path:
    """Return the path of a detector's file, given that path or the run folder that holds the file.

    Args:
        path: A file or a folder; None for the default detector, which comes with the library.

    Returns:
        The path of the file.

    Raises:
        DetectorError: There is no such file, or the folder holds several.

    Examples:
        >>> detector.save("run/cnn.detector")
        >>> find_file(Path("run")).name
        'cnn.detector'
        >>> find_file(None).name
        'default.detector'
    """
    if path is None:
        if not SHIPPED.is_file():
            raise DetectorError(
                f"{SHIPPED}: the default detector is missing; install melanoma-detect again, or name a detector"
            )
        return SHIPPED
    if path.is_dir():
        files = sorted(path.glob(f"*{SUFFIX}"))
        if len(files) != 1:
            if not files:
                raise DetectorError(
                    f"{path}: a folder without a detector; expected a run folder, with one file *{SUFFIX}, or such a file"
                )
            names = ", ".join(file.name for file in files)
            raise DetectorError(f"{path}: expected one file *{SUFFIX} in this folder, found {names}; name the file")
        return files[0]
    if not path.is_file():
        raise DetectorError(f"{path}: no such detector; check the path, or train one (Detector.fit) and save it")
    return path


def write(path: Path, config: DetectorConfig, files: Files, runtime: Runtime, *, overwrite: bool = False) -> None:
    """Write a detector's file, whole or not at all.

    Args:
        path: The file to write.
        config: The configuration.
        files: The model and the rest.
        runtime: Runs the model on the golden images.
        overwrite: Replace a file that is there.

    Raises:
        OutputError: The file exists, or cannot be written.

    Examples:
        >>> write(Path("again.detector"), predictor.config, predictor.files, predictor.runtime)
    """
    path = check_output(path, overwrite=overwrite)
    values = config.to_dict()
    values["schema"] = schema = schema_of(values, files.features)
    members: dict[str, bytes] = {
        _CONFIG: json.dumps(values, indent=1).encode(),
        FINGERPRINT_MEMBERS[schema]: json.dumps(files.fingerprint().to_dict()).encode(),
        _MODEL_CARD: model_card(config).encode(),
        **make_golden_images(runtime, config.image_size),
    }
    if files.onnx:
        members[_ONNX] = files.onnx
    if files.keras:
        members[_KERAS] = files.keras()
    if files.feature_space or files.image_types:
        members[_FEATURES] = features_to_bytes(files.features)
    with atomic_file(path, overwrite=overwrite) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content, _compression(content))


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
        engine: `"onnx"` or `"keras"`; None for ONNX Runtime where the file holds an ONNX model, else Keras.
        threads: How many threads one call may use; None for every core.
        providers: ONNX Runtime's execution providers.

    Returns:
        The configuration, the model, ready to run, and the rest.

    Raises:
        DetectorError: There is no such file, this version cannot read it, or its outputs for the golden images differ from
            those where it was saved.

    Examples:
        >>> detector.save("mine.detector")
        >>> config, runtime, files = read("mine.detector")
        >>> config == predictor.config, runtime.name
        (True, 'onnx')
    """
    file = find_file(None if path is None else expand_path(path))
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(file, archive)
            names = set(archive.namelist())
            values = json.loads(archive.read(_CONFIG))
            config = _read_config(file, values)
            fingerprint = FINGERPRINT_MEMBERS[values["schema"]]
            _check_required_members(file, names, fingerprint)
            features = features_from_bytes(archive.read(_FEATURES)) if _FEATURES in names else FeatureParts()
            check_settings(config, recognises=features.image_types is not None)
            files = Files(
                onnx=archive.read(_ONNX) if _ONNX in names else None,
                keras=_Member(file, _KERAS) if _KERAS in names else None,
                feature_space=features.feature_space,
                image_types=features.image_types,
                fingerprint=_FingerprintMember(file, fingerprint),
                path=file,
            )
            golden = {name: archive.read(name) for name in _GOLDEN}
        runtime = _create_runtime(file, config, files, engine, {"threads": threads, "providers": providers})
        outputs = {"classes": len(config.classes), "features": features.width}
        check_golden_images_once(file, golden, runtime, files.onnx, size=config.image_size, **outputs)
    except DetectorError as error:
        if str(file) in str(error):
            raise
        raise DetectorError(f"{file}: {error}") from error
    except _DAMAGE as error:
        what = f"not a detector, or a damaged one ({error}); save it again"
        with contextlib.suppress(OSError), file.open("rb") as opened:
            if opened.read(2) != b"PK":
                what = f"not a detector; expected a file *{SUFFIX}, as Detector.save writes it, or a copy that is whole"
        raise DetectorError(f"{file}: {what}") from error
    return config, runtime, files


def _compression(content: bytes) -> int:
    """Return how to store a member: deflated if that saves a fifth or more.

    Weights as they were trained hardly compress, and are read faster uncompressed; rounded ones compress.
    """
    sample = content
    if len(content) > _SAMPLES * _SAMPLE_SIZE:
        starts = range(0, len(content), len(content) // _SAMPLES)
        sample = b"".join(content[start : start + _SAMPLE_SIZE] for start in starts)
    return zipfile.ZIP_DEFLATED if len(zlib.compress(sample)) < 0.8 * len(sample) else zipfile.ZIP_STORED


@dataclass(frozen=True)
class _Member:
    """A member that is read when it is needed: a prediction needs no Keras model, which is most of the file."""

    file: Path
    name: str

    def __call__(self) -> bytes:
        try:
            with zipfile.ZipFile(self.file) as archive:
                return archive.read(self.name)
        except _DAMAGE as error:
            raise DetectorError(
                f"{self.file}: was changed or moved since it was loaded ({error}); load it again"
            ) from error


@dataclass(frozen=True)
class _FingerprintMember:
    """The fingerprint of the training data, read when it is needed: thousands of digests, of no use to a prediction."""

    file: Path
    name: str

    def __call__(self) -> TrainingFingerprint:
        try:
            return TrainingFingerprint.from_dict(json.loads(_Member(self.file, self.name)()))
        except (ValueError, KeyError, TypeError) as error:
            raise DetectorError(f"{self.file}: {self.name} is damaged ({error}); save the detector again") from error


def _create_runtime(
    file: Path, config: DetectorConfig, files: Files, engine: Engine | None, session: dict[str, Any]
) -> Runtime:
    if engine not in (None, "onnx", "keras"):
        raise DetectorError(f"engine={engine!r}; expected 'onnx' or 'keras'")
    if engine != "keras" and files.onnx:
        return OnnxRuntime(files.onnx, **session)
    if engine == "onnx":
        raise DetectorError(
            f"{file}: has no ONNX model ({config.export.get('problem', 'saved without')}); use engine='keras'"
        )
    if files.keras is None:
        raise DetectorError(f"{file}: has no Keras model in it; use engine='onnx'")
    from melanoma_detect.inference.keras_runtime import KerasRuntime, model_from_bytes  # noqa: PLC0415 - imports Keras

    return KerasRuntime(model_from_bytes(files.keras(), config.architecture))


def keras_model(config: DetectorConfig, runtime: Runtime, files: Files) -> Any:
    """Return a detector's Keras model. Imports Keras.

    Args:
        config: The configuration.
        runtime: What runs the model.
        files: The detector's files.

    Returns:
        A `keras.Model`.

    Raises:
        DetectorError: The detector was saved without a Keras model, or Keras cannot load it.

    Examples:
        >>> keras_model(predictor.config, predictor.runtime, predictor.files).output_shape
        (None, 9)
    """
    from melanoma_detect.inference.keras_runtime import KerasRuntime, model_from_bytes  # noqa: PLC0415 - imports Keras

    if isinstance(runtime, KerasRuntime):
        return runtime.model
    if files.keras is None:
        raise DetectorError(f"{config.description} has no Keras model in it, only one for ONNX Runtime")
    return model_from_bytes(files.keras(), config.architecture)


def _check_members(file: Path, archive: zipfile.ZipFile) -> None:
    """Raise DetectorError unless every member has a known name, once, and no more than its largest size."""
    sizes = {member.filename: member.file_size for member in archive.infolist()}
    if _CONFIG not in sizes:
        raise DetectorError(f"{file}: not a detector: it lacks {_CONFIG}; expected a file made by Detector.save")
    unknown = [name for name in sizes if name not in _MAX_SIZES]
    if unknown or len(archive.infolist()) != len(sizes):
        problem = ", ".join(unknown) if unknown else "the same name twice"
        raise DetectorError(f"{file}: has members that no detector has ({problem}); do not trust it")
    for name, size in sizes.items():
        if size > _MAX_SIZES[name]:
            raise DetectorError(
                f"{file}: {name} would unpack to {size:,} bytes, over {_MAX_SIZES[name]:,}; do not trust it"
            )


def _check_required_members(file: Path, names: set[str], fingerprint: str) -> None:
    missing = [name for name in (fingerprint, *_GOLDEN) if name not in names]
    if not {_ONNX, _KERAS} & names:
        missing.append(f"{_ONNX} or {_KERAS}")
    if missing:
        raise DetectorError(
            f"{file}: not a detector: it lacks {', '.join(missing)}; expected a file made by Detector.save"
        )


def _read_config(file: Path, values: Any) -> DetectorConfig:
    try:
        return DetectorConfig.from_dict(upgrade(values))
    except _DAMAGE as error:
        raise DetectorError(f"{file}: {_CONFIG} is damaged ({type(error).__name__}: {error}); save it again") from error
