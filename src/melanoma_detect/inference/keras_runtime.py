"""Keras as a runtime, and Keras models as bytes: what a detector needs where ONNX Runtime cannot serve."""

import io
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from melanoma_detect.errors import DetectorError, UnknownModelError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.members import MAX_RATIO
from melanoma_detect.inference.runtime import ModelOutputs
from melanoma_detect.models.contract import logits_and_features
from melanoma_detect.models.registry import find_builder
from melanoma_detect.utils.damage import DAMAGE
from melanoma_detect.utils.temporary import temporary_folder

_SMALL, _MAX_SIZE, _MAX_MEMBERS = 64 * 2**20, 4 * 2**30, 10_000  # bytes, bytes, and members with the assets of layers
_PIECE = 2**20  # bytes


class KerasRuntime:
    """Runs a Keras model on pixels.

    Args:
        model: A model that keeps the contract.

    Examples:
        >>> runtime = KerasRuntime(md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3)))
        >>> runtime.run(np.zeros((3, 32, 32, 3), np.uint8)).features.shape
        (3, 128)
    """

    name = "keras"

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._outputs = logits_and_features(model)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the model as its file: Keras's own way does not take every layer."""
        return _keras_runtime, (model_to_bytes(self.model),)

    def run(self, pixels: Pixels) -> ModelOutputs:
        """Run the model on uint8 images `(n, height, width, 3)`."""
        logits, features = self._outputs.predict_on_batch(pixels.astype(np.float32))
        return ModelOutputs(np.asarray(logits, np.float32), np.asarray(features, np.float32))


class ModelFile:
    """The `.keras` file of a model in memory, which is written when it is needed; pickled as its bytes.

    Args:
        model: A Keras model.

    Examples:
        >>> ModelFile(md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3)))()[:2]
        b'PK'
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def __call__(self) -> bytes:
        """Return the bytes of the file."""
        return model_to_bytes(self._model)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the bytes of the file."""
        return partial, (bytes, self())


def _keras_runtime(content: bytes) -> KerasRuntime:
    return KerasRuntime(model_from_bytes(content, {}))


def model_from_bytes(content: bytes, architecture: Mapping[str, Any]) -> Any:
    """Load a model from the bytes of a `.keras` file.

    Args:
        content: The bytes.
        architecture: Name, package and version of its builder, as `DetectorConfig.architecture` has them.

    Returns:
        The model.

    Raises:
        DetectorError: Keras cannot load it.

    Examples:
        >>> model_from_bytes(predictor.files.keras(), predictor.config.architecture).name
        'cnn'
    """
    _check_archive(content)
    with temporary_folder() as folder:
        file = Path(folder, "model.keras")
        file.write_bytes(content)
        return load_model(file, architecture)


def _check_archive(content: bytes) -> None:
    """Raise DetectorError unless a `.keras` file, a zip, unpacks to what a model may have, and to what its directory says."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_sizes(archive.infolist())
            for member in archive.infolist():
                _check_unpacked(archive, member)
    except DAMAGE as error:
        raise _load_error(Path("model.keras"), error) from error


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        grows = member.file_size > _SMALL and member.file_size > MAX_RATIO * member.compress_size
        if grows or member.file_size > _MAX_SIZE or len(members) > _MAX_MEMBERS:
            raise DetectorError(
                f"model.keras: {member.filename} would unpack from {member.compress_size:,} to {member.file_size:,} bytes, as "
                f"one of {len(members):,} members; do not trust it"
            )


def _check_unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raise an error if a member unpacks to more than its directory says, or its weights to more than they take in it.

    It is unpacked in pieces: Keras would unpack it at once, and look at no size.
    """
    with archive.open(member) as opened:
        size = sum(len(piece) for piece in iter(partial(opened.read, _PIECE), b""))
        if size != member.file_size:
            raise zipfile.BadZipFile(f"{member.filename} has another size than is announced")
    if member.filename.endswith(".h5"):
        with archive.open(member) as opened, h5py.File(opened, "r") as weights:
            weights.visititems(partial(_check_weights, size))


def _check_weights(stored: int, name: str, entry: Any) -> None:
    """Raise ValueError for an array that announces more numbers than its file of so many bytes can hold."""
    if isinstance(entry, h5py.Dataset) and entry.nbytes > max(_SMALL, MAX_RATIO * stored):
        raise ValueError(f"{name} announces {entry.nbytes:,} bytes in a file of {stored:,}")


def model_to_bytes(model: Any) -> bytes:
    """Return a model as the bytes of a `.keras` file.

    Args:
        model: A Keras model.

    Returns:
        The bytes.

    Examples:
        >>> model_to_bytes(md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3)))[:2]
        b'PK'
    """
    with temporary_folder() as folder:
        file = Path(folder, "model.keras")
        model.save(file)
        return file.read_bytes()


def load_model(path: Path, architecture: Mapping[str, Any]) -> Any:
    """Load a `.keras` file in Keras's safe mode.

    Custom layers are registered with Keras by the package that defines them. If loading fails, that package is imported, if it
    is installed and offers the architecture as an entry point, and loading is tried again. The file itself holds no code.

    Args:
        path: The file.
        architecture: Name, package and version of its builder.

    Returns:
        The model.

    Raises:
        DetectorError: Keras cannot load it.

    Examples:
        >>> _ = Path("cnn.keras").write_bytes(predictor.files.keras())
        >>> load_model(Path("cnn.keras"), predictor.config.architecture).output_shape
        (None, 9)
    """
    try:
        return _load(path)
    except Exception as error:
        if not architecture.get("version"):
            raise _load_error(path, error) from error
    _import_package(path, architecture)
    try:
        return _load(path)
    except Exception as error:
        raise _load_error(path, error) from error


def _load(path: Path) -> Any:
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def _import_package(path: Path, architecture: Mapping[str, Any]) -> None:
    name, package, version = (str(architecture.get(key, "")) for key in ("name", "package", "version"))
    try:
        find_builder(f"{package}/{name}")
    except UnknownModelError as error:
        raise DetectorError(
            f"{path.name}: Keras cannot load the model; it was built by {name} of {package} {version}, which is not installed: "
            f"pip install {package}"
        ) from error


def _load_error(path: Path, error: Exception) -> DetectorError:
    return DetectorError(f"{path.name}: Keras cannot load the model ({str(error)[:500]}); save the detector again")
