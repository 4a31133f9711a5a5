"""A trained model as an ONNX file, which runs without Keras, with proof that it gives the same answers."""

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from melanoma_detect.errors import ModelError
from melanoma_detect.export.keras_graph import inference
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.inference.runtime import Outputs
from melanoma_detect.models.contract import FEATURES, logits_of
from melanoma_detect.utils.arrays import Float32Array

TOLERANCE = 2e-4  # the largest difference in probability between Keras and the exported file
SHARE = (
    1e-2  # and in logits and features, as a share of the largest: what an untrained network's even answers would hide
)


def export_onnx(model: Any, path: Path) -> None:
    """Write a model as an ONNX file: RGB 0 to 255, float32 `(n, height, width, 3)`, to `logits` and `features`.

    TensorFlow writes it, whichever backend Keras runs on: on another one, in a process of its own.

    Args:
        model: A model that keeps the contract.
        path: Where to; the usual suffix is `.onnx`.

    Raises:
        ModelError: The model cannot be exported.

    Examples:
        >>> export_onnx(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)), Path("cnn.onnx"))
        >>> Path("cnn.onnx").stat().st_size > 100_000
        True
    """
    if keras.backend.backend() != "tensorflow":
        in_tensorflow(model, __name__, path)
        return
    try:
        with warnings.catch_warnings():
            # What the exporter does with NumPy's and TensorFlow's old names is not its user's doing.
            warnings.simplefilter("ignore")
            inference(model, "float32").export(path, format="onnx", verbose=False)
    except Exception as error:
        raise ModelError(f"{model.name}: cannot be exported to ONNX ({type(error).__name__}: {error})") from error


def in_tensorflow(model: Any, module: str, *arguments: object) -> None:
    """Let TensorFlow write a model, in a process of its own: Keras runs on another backend here.

    Args:
        model: A Keras model.
        module: What to run there; it is given the model's file first.
        *arguments: What else it is given.

    Raises:
        ModelError: It failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.keras")
        model.save(file)
        command = [sys.executable, "-m", module, str(file), *map(str, arguments)]
        environment = os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise ModelError(f"{model.name}: cannot be exported: {done.stderr.strip()[-500:]}")


def onnx_bytes(model: Any) -> bytes:
    """Return a model as a detector's file keeps it: an ONNX file that takes uint8 pixels.

    Args:
        model: A model that keeps the contract.

    Returns:
        The file's bytes: uint8 `pixels` `(n, height, width, 3)` to float32 `logits` and `features`.

    Raises:
        ModelError: The model cannot be exported.

    Examples:
        >>> len(onnx_bytes(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)))) > 100_000
        True
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.onnx")
        export_onnx(model, file)
        graph = onnx.load(file)
    pixels = graph.graph.input[0]
    # A quarter of the memory to bring in, and nothing for its caller to convert.
    graph.graph.node.insert(0, onnx.helper.make_node("Cast", ["bytes"], [pixels.name], to=onnx.TensorProto.FLOAT))
    taken = onnx.ValueInfoProto()
    taken.CopyFrom(pixels)
    taken.name, taken.type.tensor_type.elem_type = "bytes", onnx.TensorProto.UINT8
    graph.graph.input[0].CopyFrom(taken)
    content: bytes = graph.SerializeToString()
    return content


def run_onnx(path: Path, pixels: NDArray[Any]) -> tuple[Float32Array, Float32Array]:
    """Run an exported model.

    Args:
        path: The ONNX file.
        pixels: `(n, height, width, 3)`, 0 to 255.

    Returns:
        float32 logits `(n, classes)` and features `(n, d)`.

    Raises:
        ModelError: ONNX Runtime does not take the file.

    Examples:
        >>> export_onnx(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)), Path("cnn.onnx"))
        >>> [values.shape for values in run_onnx(Path("cnn.onnx"), np.zeros((2, 32, 32, 3)))]
        [(2, 9), (2, 128)]
    """
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path.name}: ONNX Runtime does not take the file ({str(error)[:300]})") from error
    name = session.get_inputs()[0].name
    logits, features = session.run(["logits", "features"], {name: pixels.astype(np.float32)})
    return logits, features


class Parity(NamedTuple):
    """How far an exported model is from the one in Keras.

    Attributes:
        probabilities: The largest difference in probability.
        logits: The largest difference in a logit, as a share of the largest logit.
        features: The largest difference in a feature, as a share of the largest feature.
    """

    probabilities: float
    logits: float
    features: float

    @property
    def holds(self) -> bool:
        """Whether the file may stand for the model."""
        return self.probabilities <= TOLERANCE and self.logits <= SHARE and self.features <= SHARE


def onnx_parity(model: Any, pixels: NDArray[Any]) -> Parity:
    """Export a model and compare the file's answers with its own.

    Args:
        model: A model that keeps the contract.
        pixels: Images to compare on, `(n, height, width, 3)`, 0 to 255.

    Returns:
        The differences; nan where one of them gives no number.

    Raises:
        ModelError: The model cannot be exported.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> onnx_parity(model, draw_lesion("nevus", seed=1, size=32).pixels[None]).holds
        True
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.onnx")
        export_onnx(model, file)
        found = run_onnx(file, pixels)
    both = keras.Model(model.input, [logits_of(model), model.get_layer(FEATURES).output])
    logits, features = both.predict_on_batch(pixels.astype(np.float32))
    return parity_of(Outputs(*found), Outputs(np.asarray(logits), np.asarray(features)))


def parity_of(found: Outputs, expected: Outputs) -> Parity:
    """Compare what two runtimes say about the same images.

    Args:
        found: What the exported model says.
        expected: What Keras says.

    Returns:
        The differences; nan where one of them gives no number.

    Examples:
        >>> said = detector.predictor.runtime.run(np.zeros((1, 32, 32, 3), np.uint8))
        >>> parity_of(said, said)
        Parity(probabilities=0.0, logits=0.0, features=0.0)
    """
    difference = np.abs(softmax(found.logits) - softmax(expected.logits)).max()
    logits, features = (_share(found[at], expected[at]) for at in range(2))
    return Parity(float(difference), logits, features)


def _share(found: NDArray[Any], expected: NDArray[Any]) -> float:
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), np.finfo(np.float32).tiny))


if __name__ == "__main__":
    export_onnx(keras.saving.load_model(sys.argv[1], compile=False, safe_mode=True), Path(sys.argv[2]))
