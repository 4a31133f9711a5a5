"""The detector's file: a zip with the model and everything that gives its outputs a meaning.

- `detector.json`: classes, image size, calibration, architecture, training recipe and history, metrics.
- `model.onnx`: the model for ONNX Runtime; absent where it cannot be exported, and Keras then runs the model.
- `model.keras`: the model as Keras saves it, for further training, Grad-CAM and other formats; may be absent.
- `features.npz`: the feature space of the training images and the classifier of image types; either may be absent.
- `training_fingerprint.json`: which images the detector was trained on.
- `golden/`: images with the probabilities that the model must give for them.
- `MODEL_CARD.md`: the model card.
- `digests.json`: the SHA-256 digest of each member, and `signature.json`, if it was signed: who vouches for the digests.

There is no pickle and no code in it. Names and sizes of its members are checked before anything is read, and each member's
digest when it is.
"""

import contextlib
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.decision_rules import check_settings
from melanoma_detect.inference.feature_arrays import FeatureParts, features_from_bytes, features_to_bytes
from melanoma_detect.inference.files import Files, FingerprintMember
from melanoma_detect.inference.golden import make_golden_images
from melanoma_detect.inference.golden_cache import check_golden_images_once
from melanoma_detect.inference.members import (
    CONFIG,
    DIGESTS,
    FEATURES,
    GOLDEN,
    KERAS,
    MODEL_CARD,
    ONNX,
    SIGNATURE,
    MemberReader,
    compression,
    digests_to_bytes,
    open_archive,
    read_member,
)
from melanoma_detect.inference.model_card import model_card
from melanoma_detect.inference.onnx_check import check_onnx
from melanoma_detect.inference.plain_json import format_json, read_json
from melanoma_detect.inference.runtime import OnnxRuntime, Runtime
from melanoma_detect.inference.schema import FINGERPRINT_MEMBERS, SCHEMA, SCHEMA_WITH_DIGESTS, upgrade
from melanoma_detect.utils.damage import DAMAGE
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.memory_limit import limited_memory
from melanoma_detect.utils.outputs import check_output
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import check_regular

if TYPE_CHECKING:
    from melanoma_detect.inference.signatures import SignKey, TrustedKeys

Engine: TypeAlias = Literal["onnx", "keras"]

SUFFIX = ".detector"
_MEMORY = 2**30  # bytes that a model may take beside its weights and its images
SHIPPED = Path(__file__).parents[1] / "shipped" / f"default{SUFFIX}"


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
        path = files[0]
    with contextlib.suppress(OSError):
        check_regular(path, DetectorError)
    if not path.is_file():
        raise DetectorError(f"{path}: no such detector; check the path, or train one (Detector.fit) and save it")
    return path


def write(
    path: "str | os.PathLike[str]",
    config: DetectorConfig,
    files: Files,
    runtime: Runtime,
    *,
    overwrite: bool = False,
    sign_key: "SignKey | None" = None,
) -> None:
    """Write a detector's file, whole or not at all.

    Args:
        path: The file to write.
        config: The configuration.
        files: The model and the rest.
        runtime: Runs the model on the golden images.
        overwrite: Replace a file that is there.
        sign_key: An Ed25519 private key, which signs the digests; None for a file without a signature.

    Raises:
        OutputError: The file exists, or cannot be written.
        DetectorError: The key cannot be read.

    Examples:
        >>> write(Path("again.detector"), predictor.config, predictor.files, predictor.runtime)
    """
    path = check_output(path, overwrite=overwrite)
    members: dict[str, bytes] = {
        CONFIG: format_json(config.to_dict() | {"schema": SCHEMA}, indent=1),
        FINGERPRINT_MEMBERS[SCHEMA]: format_json(files.fingerprint().to_dict()),
        MODEL_CARD: model_card(config).encode(),
        **make_golden_images(runtime, config.image_size),
    }
    if files.onnx:
        members[ONNX] = files.onnx
    if files.keras:
        members[KERAS] = files.keras()
    if files.feature_space or files.image_types:
        members[FEATURES] = features_to_bytes(files.features)
    members[DIGESTS] = digests_to_bytes(members)
    if sign_key is not None:
        from melanoma_detect.inference.signatures import sign  # noqa: PLC0415 - imports cryptography, the extra sign

        members[SIGNATURE] = sign(members[DIGESTS], sign_key)
    with atomic_file(path, overwrite=overwrite) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, content in members.items():
            archive.writestr(_unstamped(name), content, compression(content))


def _unstamped(name: str) -> zipfile.ZipInfo:
    """Return a member's entry without the time of day: the same detector is the same file."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o600 << 16  # as zipfile itself writes it
    return entry


def read(
    path: "str | os.PathLike[str] | None",
    *,
    engine: Engine | None = None,
    threads: int | None = None,
    providers: Sequence[str] | None = None,
    trusted_keys: "TrustedKeys | None" = None,
) -> tuple[DetectorConfig, Runtime, Files]:
    """Read a detector's file.

    Args:
        path: The file, or the run folder that holds it; None for the default detector.
        engine: `"onnx"` or `"keras"`; None for ONNX Runtime where the file holds an ONNX model, else Keras.
        threads: How many threads one call may use; None for every core.
        providers: ONNX Runtime's execution providers.
        trusted_keys: Ed25519 public keys: a file that none of them has signed is refused; None to take unsigned files too.

    Returns:
        The configuration, the model, ready to run, and the rest.

    Raises:
        DetectorError: There is no such file, this version cannot read it, a member differs from its digest, no trusted key has
            signed it, or its outputs for the golden images differ from those where it was saved.

    Examples:
        >>> detector.save("mine.detector")
        >>> config, runtime, files = read("mine.detector")
        >>> config == predictor.config, runtime.name
        (True, 'onnx')
    """
    file = find_file(None if path is None else expand_path(path, DetectorError))
    try:
        with open_archive(file) as archive:
            reader = MemberReader.of(file, archive)
            if trusted_keys is not None:
                _check_signature(reader, trusted_keys)
            config, files = _read_parts(reader)
            golden = {name: reader.read(name) for name in GOLDEN}
            if trusted_keys is not None:
                _read_the_rest(reader)
        outputs = {"classes": len(config.classes), "features": files.features.width}
        with _bounded(config, files, engine):
            runtime = _create_runtime(file, config, files, engine, {"threads": threads, "providers": providers})
            check_golden_images_once(
                file, golden, runtime, files.onnx, digests=reader.digests, size=config.image_size, **outputs
            )
    except DetectorError as error:
        if str(file) in str(error):
            raise
        raise DetectorError(f"{file}: {error}") from error
    except DAMAGE as error:
        what = f"not a detector, or a damaged one ({error}); save it again"
        with contextlib.suppress(OSError), file.open("rb") as opened:
            if opened.read(2) != b"PK":
                what = f"not a detector; expected a file *{SUFFIX}, as Detector.save writes it, or a copy that is whole"
        raise DetectorError(f"{file}: {what}") from error
    return config, runtime, files


def _check_signature(reader: MemberReader, trusted_keys: "TrustedKeys") -> None:
    from melanoma_detect.inference.signatures import check_signature  # noqa: PLC0415 - imports cryptography, the extra sign

    signature = read_member(reader.archive, SIGNATURE) if SIGNATURE in reader.names else None
    digests = read_member(reader.archive, DIGESTS) if DIGESTS in reader.names else b""
    check_signature(reader.file, digests, signature, trusted_keys)


def _read_the_rest(reader: MemberReader) -> None:
    """Compare the members that loading needs not with their digests too: who asks for a signature asks for the whole file."""
    for name in (KERAS, MODEL_CARD, FINGERPRINT_MEMBERS[SCHEMA]):
        if name in reader.names:
            reader.read(name)


def _read_parts(reader: MemberReader) -> tuple[DetectorConfig, Files]:
    """Return everything in a detector's file but its golden images."""
    # Files without digests may hold NaN: earlier versions wrote it in the history of a training that diverged.
    values = read_json(reader.read(CONFIG), nan=reader.digests is None)
    config = _read_config(reader.file, values)
    if (reader.digests is None) == (values["schema"] >= SCHEMA_WITH_DIGESTS):
        has = "lacks" if reader.digests is None else "has"
        raise DetectorError(f"{reader.file}: is of schema {values['schema']} and {has} {DIGESTS}; do not trust it")
    fingerprint = FINGERPRINT_MEMBERS[values["schema"]]
    _check_required_members(reader.file, reader.names, fingerprint)
    features = features_from_bytes(reader.read(FEATURES)) if FEATURES in reader.names else FeatureParts()
    check_settings(config, recognises=features.image_types is not None)
    return config, Files(
        onnx=reader.read(ONNX) if ONNX in reader.names else None,
        keras=reader.later(KERAS) if KERAS in reader.names else None,
        feature_space=features.feature_space,
        image_types=features.image_types,
        fingerprint=FingerprintMember(reader.later(fingerprint)),
        path=reader.file,
    )


def _bounded(config: DetectorConfig, files: Files, engine: Engine | None) -> contextlib.AbstractContextManager[None]:
    """Return what bounds the memory that a model takes when it is loaded and run for the first time.

    What an operator makes of its inputs no look at the file can tell. Keras's backends reserve memory as they like.
    """
    if engine == "keras" or files.onnx is None:
        return contextlib.nullcontext()
    height, width = config.image_size
    return limited_memory(_MEMORY + 6 * len(files.onnx) + 2000 * height * width)


def _create_runtime(
    file: Path, config: DetectorConfig, files: Files, engine: Engine | None, session: dict[str, Any]
) -> Runtime:
    if engine not in (None, "onnx", "keras"):
        raise DetectorError(f"engine={engine!r}; expected 'onnx' or 'keras'")
    if engine != "keras" and files.onnx is not None:  # an empty one is damaged, and none the less there
        check_onnx(files.onnx)
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


def _check_required_members(file: Path, names: frozenset[str], fingerprint: str) -> None:
    missing = [name for name in (fingerprint, *GOLDEN) if name not in names]
    if not {ONNX, KERAS} & names:
        missing.append(f"{ONNX} or {KERAS}")
    if missing:
        raise DetectorError(
            f"{file}: not a detector: it lacks {', '.join(missing)}; expected a file made by Detector.save"
        )


def _read_config(file: Path, values: Any) -> DetectorConfig:
    try:
        return DetectorConfig.from_dict(upgrade(values))
    except DAMAGE as error:
        raise DetectorError(f"{file}: {CONFIG} is damaged ({type(error).__name__}: {error}); save it again") from error
