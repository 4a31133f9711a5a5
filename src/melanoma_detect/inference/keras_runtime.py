"""Keras as a runtime."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from melanoma_detect.errors import DetectorError, UnknownModelError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.runtime import Outputs
from melanoma_detect.models.contract import FEATURES, logits_of
from melanoma_detect.models.registry import find_builder


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
        self._outputs = keras.Model(model.input, [logits_of(model), model.get_layer(FEATURES).output])

    def run(self, pixels: Pixels) -> Outputs:
        """Run the model on uint8 images `(n, height, width, 3)`."""
        logits, features = self._outputs.predict_on_batch(pixels.astype(np.float32))
        return Outputs(np.asarray(logits, np.float32), np.asarray(features, np.float32))


def load_bytes(content: bytes, architecture: Mapping[str, Any]) -> Any:
    """Load a model from the bytes of a `.keras` file.

    Args:
        content: The bytes.
        architecture: What built it.

    Returns:
        The model.

    Raises:
        DetectorError: Keras cannot load it.

    Examples:
        >>> load_bytes(predictor.files.keras(), predictor.config.architecture).name
        'cnn'
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.keras")
        file.write_bytes(content)
        return load_model(file, architecture)


def to_bytes(model: Any) -> bytes:
    """Return a model as the bytes of a `.keras` file.

    Args:
        model: A Keras model.

    Returns:
        The bytes.

    Examples:
        >>> to_bytes(md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3)))[:2]
        b'PK'
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.keras")
        model.save(file)
        return file.read_bytes()


def load_model(path: Path, architecture: Mapping[str, Any]) -> Any:
    """Load a `.keras` file in Keras's safe mode, importing its architecture's package where it has layers of its own.

    Keras knows the layers of a third-party package once that package is imported. It is, where it is installed and offers the
    architecture by entry point; no code comes with the file.

    Args:
        path: The file.
        architecture: What built it.

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
            raise DetectorError(_refusal(path, error)) from error
    _import_package(path, architecture)
    try:
        return _load(path)
    except Exception as error:
        raise DetectorError(_refusal(path, error)) from error


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


def _refusal(path: Path, error: Exception) -> str:
    return f"{path.name}: Keras cannot load the model ({str(error)[:500]}); save the detector again"
