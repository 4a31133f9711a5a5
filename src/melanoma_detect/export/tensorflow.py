"""Export formats beside the detector's own file: ONNX, LiteRT and SavedModel, each written and run."""

import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import keras

from melanoma_detect.errors import ModelError, OutputError
from melanoma_detect.export.keras_graph import inference_model
from melanoma_detect.export.onnx import CPU, run_in_tensorflow
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.runtime import ModelOutputs, OnnxRuntime
from melanoma_detect.utils.log_levels import log_level
from melanoma_detect.utils.native_notes import without_native_notes
from melanoma_detect.utils.partial_paths import remove_path
from melanoma_detect.utils.temporary import is_full

Format: TypeAlias = Literal["onnx", "litert", "saved_model"]
Run: TypeAlias = Callable[[Pixels], ModelOutputs]

_KERAS_NAMES = {"litert": "litert", "saved_model": "tf_saved_model"}


def write_by_keras(model: Any, format: Format, path: Path) -> None:  # noqa: A002 - Keras's own word for it
    """Write a Keras model as LiteRT or SavedModel: `pixels`, uint8 `(n, height, width, 3)`, to `logits` and `features`.

    TensorFlow writes it whichever backend Keras runs on; on another backend, in a process of its own.

    Args:
        model: A model that keeps the contract.
        format: `"litert"` or `"saved_model"`.
        path: The file or folder to write.

    Raises:
        ModelError: The model cannot be exported.

    Examples:
        >>> write_by_keras(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)), "litert", Path("cnn.tflite"))
        >>> RUNNERS["litert"](Path("cnn.tflite"))(np.zeros((2, 32, 32, 3), np.uint8)).logits.shape
        (2, 9)
    """
    if keras.backend.backend() != "tensorflow":
        run_in_tensorflow(model, __name__, format, path)
        return
    # Keras insists on the suffix .tflite, which the user's name may not have.
    written = path.with_name(f"{path.name}.tflite") if format == "litert" and path.suffix != ".tflite" else path
    try:
        # Its log tells which temporary folder it writes to; warnings and errors still come.
        with warnings.catch_warnings(), log_level("tensorflow", logging.WARNING):
            warnings.simplefilter("ignore")  # the exporter's use of deprecated TensorFlow names
            inference_model(model).export(written, format=_KERAS_NAMES[format], verbose=False)
    except Exception as error:
        remove_path(written)
        if is_full(error):
            raise OutputError(f"{path}: cannot be written (No space left on device); free its disk") from error
        raise ModelError(f"{model.name}: cannot be exported as {format} ({type(error).__name__}: {error})") from error
    if written != path:
        written.replace(path)


def _run_litert(path: Path) -> Run:
    import tensorflow as tf  # noqa: PLC0415 - Keras may run on another backend

    with warnings.catch_warnings(), without_native_notes():  # that it uses its kernels for CPUs
        warnings.simplefilter("ignore")  # TensorFlow announces that its interpreter will move to another package
        interpreter = tf.lite.Interpreter(str(path))
        interpreter.allocate_tensors()
        runner = interpreter.get_signature_runner()

    def run(pixels: Pixels) -> ModelOutputs:
        outputs = runner(pixels=pixels)
        return ModelOutputs(outputs["logits"], outputs["features"])

    return run


def _run_saved_model(path: Path) -> Run:
    import tensorflow as tf  # noqa: PLC0415 - Keras may run on another backend

    loaded = tf.saved_model.load(str(path))

    def run(pixels: Pixels) -> ModelOutputs:
        outputs = loaded.serve(pixels)
        return ModelOutputs(outputs["logits"].numpy(), outputs["features"].numpy())

    return run


def _run_onnx(path: Path) -> Run:
    return OnnxRuntime(path, providers=CPU).run


RUNNERS: dict[str, Callable[[Path], Run]] = {
    "onnx": _run_onnx,
    "litert": _run_litert,
    "saved_model": _run_saved_model,
}


if __name__ == "__main__":
    write_by_keras(
        keras.saving.load_model(sys.argv[1], compile=False, safe_mode=True),
        cast("Format", sys.argv[2]),
        Path(sys.argv[3]),
    )
