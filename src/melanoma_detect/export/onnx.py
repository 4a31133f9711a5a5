"""ONNX export of Keras models, and the comparison of an exported model's outputs with the original's."""

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError, ModelError
from melanoma_detect.export.canonical_onnx import make_canonical
from melanoma_detect.export.class_maps import add_class_maps
from melanoma_detect.export.keras_graph import inference_model
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.keras_runtime import KerasRuntime
from melanoma_detect.inference.onnx_check import check_onnx
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.inference.runtime import ModelOutputs, OnnxRuntime
from melanoma_detect.utils.temporary import temporary_folder

CPU = ("CPUExecutionProvider",)  # on which exported files are compared: a GPU's TF32 would hide or add differences

TOLERANCE = 2e-4  # in probability: far under any difference that a threshold is set by
# In logits and features, relative to the largest: an untrained network's even probabilities hide any difference.
RELATIVE_TOLERANCE = 1e-2


def export_onnx(model: Any, path: Path) -> None:
    """Write a model as an ONNX file: RGB 0 to 255, float32 `(n, height, width, 3)`, to `logits` and `features`.

    A model that ends in linear layers over averaged feature maps gets the output `class_maps` too; see `add_class_maps`.
    TensorFlow writes it whichever backend Keras runs on; on another backend, in a process of its own.

    Args:
        model: A model that keeps the contract.
        path: The file to write; the usual suffix is `.onnx`.

    Raises:
        ModelError: The model cannot be exported.

    Examples:
        >>> export_onnx(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)), Path("cnn.onnx"))
        >>> Path("cnn.onnx").stat().st_size > 100_000
        True
    """
    if keras.backend.backend() != "tensorflow":
        run_in_tensorflow(model, __name__, path)
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's use of deprecated NumPy and TensorFlow names
            inference_model(model, "float32").export(path, format="onnx", verbose=False)
    except Exception as error:
        raise ModelError(f"{model.name}: cannot be exported to ONNX ({type(error).__name__}: {error})") from error
    exported = onnx.load(path)
    _check_inputs(model, exported.graph)
    make_canonical(exported)
    add_class_maps(exported)
    onnx.save(exported, path)


def _check_inputs(model: Any, graph: onnx.GraphProto) -> None:
    """Raise ModelError if the file asks for more than the image: tensors that a layer holds outside its graph."""
    constants = {initializer.name for initializer in graph.initializer}
    asked = [tensor.name for tensor in graph.input if tensor.name not in constants and tensor.name != "pixels"]
    if asked:
        raise ModelError(
            f"{model.name}: its ONNX file has inputs beside the image ({', '.join(asked)[:300]}); let its layers hold "
            "constants as NumPy arrays or weights, not as tensors"
        )


def run_in_tensorflow(model: Any, module: str, *arguments: object) -> None:
    """Run an exporting module in a process with the TensorFlow backend, for a Keras that runs on another one here.

    Args:
        model: A Keras model; the module gets the path of its `.keras` file as its first argument.
        module: The module to run.
        *arguments: Its further arguments.

    Raises:
        ModelError: The process failed.
    """
    with temporary_folder() as folder:
        file = Path(folder, "model.keras")
        model.save(file)
        command = [sys.executable, "-m", module, str(file), *map(str, arguments)]
        environment = os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise ModelError(f"{model.name}: cannot be exported: {done.stderr.strip()[-500:]}")


def onnx_bytes(model: Any) -> bytes:
    """Return a model as the bytes of an ONNX file that takes uint8 pixels, as a detector's file holds it.

    Args:
        model: A model that keeps the contract.

    Returns:
        The file's bytes: uint8 `pixels` `(n, height, width, 3)` to float32 `logits` and `features`, and `class_maps` where the
        model has them.

    Raises:
        ModelError: The model cannot be exported.

    Examples:
        >>> len(onnx_bytes(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)))) > 100_000
        True
    """
    with temporary_folder() as folder:
        file = Path(folder, "model.onnx")
        export_onnx(model, file)
        graph = onnx.load(file)
    pixels = graph.graph.input[0]
    # uint8 takes a quarter of the memory to pass in, and callers need not convert.
    graph.graph.node.insert(0, onnx.helper.make_node("Cast", ["bytes"], [pixels.name], to=onnx.TensorProto.FLOAT))
    uint8_input = onnx.ValueInfoProto()
    uint8_input.CopyFrom(pixels)
    uint8_input.name, uint8_input.type.tensor_type.elem_type = "bytes", onnx.TensorProto.UINT8
    graph.graph.input[0].CopyFrom(uint8_input)
    content: bytes = graph.SerializeToString()
    try:
        check_onnx(content)  # what a file may not hold must not be saved
    except DetectorError as error:
        raise ModelError(f"{model.name}: cannot be used as ONNX: {error}") from error
    return content


class OutputDifferences(NamedTuple):
    """How far the outputs of an exported model are from those of the original.

    Attributes:
        probabilities: The largest difference in probability.
        logits: The largest difference in a logit, relative to the largest logit.
        features: The largest difference in a feature, relative to the largest feature.
    """

    probabilities: float
    logits: float
    features: float

    @property
    def within_tolerance(self) -> bool:
        """Whether the exported model may replace the original; False for nan."""
        relative = self.logits <= RELATIVE_TOLERANCE and self.features <= RELATIVE_TOLERANCE
        return self.probabilities <= TOLERANCE and relative


def compare_onnx(model: Any, pixels: Pixels) -> OutputDifferences:
    """Export a model to ONNX and compare the file's outputs with the model's.

    Args:
        model: A model that keeps the contract.
        pixels: Images to compare on, uint8 `(n, height, width, 3)`.

    Returns:
        The differences; nan where one of the outputs is nan.

    Raises:
        ModelError: The model cannot be exported.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> compare_onnx(model, draw_lesion("nevus", seed=1, size=32).pixels[None]).within_tolerance
        True
    """
    with temporary_folder() as folder:
        file = Path(folder, "model.onnx")
        export_onnx(model, file)
        try:
            outputs = OnnxRuntime(file, providers=CPU).run(pixels)
        except Exception as error:  # ONNX Runtime raises exceptions of many kinds
            raise ModelError(f"{model.name}: ONNX Runtime cannot run it ({error})") from error
    return compare_outputs(outputs, KerasRuntime(model).run(pixels))


def compare_outputs(outputs: ModelOutputs, expected: ModelOutputs) -> OutputDifferences:
    """Compare the outputs of two runtimes for the same images.

    Args:
        outputs: The outputs of the exported model.
        expected: Those of the original.

    Returns:
        The differences; nan where one of the outputs is nan.

    Examples:
        >>> outputs = detector.predictor.runtime.run(np.zeros((1, 32, 32, 3), np.uint8))
        >>> compare_outputs(outputs, outputs)
        OutputDifferences(probabilities=0.0, logits=0.0, features=0.0)
    """
    difference = np.abs(softmax(outputs.logits) - softmax(expected.logits)).max()
    logits = _relative_difference(outputs.logits, expected.logits)
    return OutputDifferences(float(difference), logits, _relative_difference(outputs.features, expected.features))


def _relative_difference(values: NDArray[Any], expected: NDArray[Any]) -> float:
    return float(np.abs(values - expected).max() / max(np.abs(expected).max(), np.finfo(np.float32).tiny))


if __name__ == "__main__":
    export_onnx(keras.saving.load_model(sys.argv[1], compile=False, safe_mode=True), Path(sys.argv[2]))
