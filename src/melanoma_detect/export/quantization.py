"""A trained model in eight bits: a quarter of the size, and faster where the processor multiplies bytes.

ONNX Runtime's static quantisation, as pairs of QuantizeLinear and DequantizeLinear that any runtime reads. Weights are
symmetric and have one scale for each output channel (Krishnamoorthi 2018, arXiv:1806.08342); activations have one for each
tensor, from the smallest and largest values that calibration images give; biases take back what rounding the weights shifts.
"""

import contextlib
import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime import quantization
from onnxruntime.quantization import shape_inference

from melanoma_detect.errors import ModelError
from melanoma_detect.export.bias import correct_biases
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.runtime import Outputs

_BATCH = 32


class OnnxModel:
    """An ONNX file with `logits` and `features`, run batch by batch.

    Args:
        path: The file.

    Raises:
        ModelError: ONNX Runtime does not take it.

    Examples:
        >>> from melanoma_detect.export.onnx import export_onnx
        >>> export_onnx(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)), Path("cnn.onnx"))
        >>> OnnxModel(Path("cnn.onnx")).run(np.zeros((40, 32, 32, 3), np.uint8)).logits.shape
        (40, 9)
    """

    def __init__(self, path: Path) -> None:
        try:
            self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"{path.name}: ONNX Runtime does not take the file ({str(error)[:300]})") from error
        given = self._session.get_inputs()[0]
        self._input = given.name
        self._type = np.uint8 if given.type == "tensor(uint8)" else np.float32

    def run(self, pixels: Pixels) -> Outputs:
        """Run the model on uint8 images `(n, height, width, 3)`, any number of them."""
        parts = [self._session.run(["logits", "features"], batch) for batch in self.batches(pixels)]
        logits, features = zip(*parts, strict=True)
        return Outputs(np.concatenate(logits), np.concatenate(features))

    def batches(self, pixels: Pixels) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield images in batches, in the number type and under the name that the file takes."""
        for at in range(0, len(pixels), _BATCH):
            yield {self._input: pixels[at : at + _BATCH].astype(self._type)}


class _Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Hands batches to ONNX Runtime, one after the other."""

    def __init__(self, batches: Iterable[dict[str, NDArray[Any]]]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """Return the next batch, or None when there is none."""
        return next(self._batches, None)


def quantise(source: Path, target: Path, pixels: Pixels) -> None:
    """Write an ONNX file in eight bits.

    Args:
        source: A float32 model with the outputs `logits` and `features`.
        target: Where to.
        pixels: Calibration images, uint8 `(n, height, width, 3)`: what the model will see in use, about a hundred of them.

    Raises:
        ModelError: ONNX Runtime cannot quantise the model.

    Examples:
        >>> from melanoma_detect.export.onnx import export_onnx
        >>> export_onnx(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)), Path("cnn.onnx"))
        >>> quantise(Path("cnn.onnx"), Path("small.onnx"), data.train.pixels()[:32])
        >>> Path("small.onnx").stat().st_size < 0.3 * Path("cnn.onnx").stat().st_size
        True
    """
    model = OnnxModel(source)
    with tempfile.TemporaryDirectory() as folder, _without_notes():
        prepared = Path(folder, "prepared.onnx")
        try:
            # Folds batch normalisation into the convolutions and finds every shape: what is one operation is rounded once.
            shape_inference.quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
            correct_biases(prepared, model.batches(pixels))
            quantization.quantize_static(
                str(prepared),
                str(target),
                _Reader(model.batches(pixels)),
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                # Unsigned activations by signed weights: what the byte instructions of x86 and of Arm both multiply.
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
            _lighten(target)
        except Exception as error:
            raise ModelError(f"{source.name}: cannot be quantised ({type(error).__name__}: {error})") from error


def _lighten(path: Path) -> None:
    """Take out the shapes between the operations: much of a small network's file, and found again on loading."""
    model = onnx.load(path)
    del model.graph.value_info[:]
    onnx.save(model, path)


@contextlib.contextmanager
def _without_notes() -> Iterator[None]:
    """Keep ONNX Runtime's advice on preprocessing out of the root logger: it does not see that it was followed."""
    logger = logging.getLogger()
    logger.addFilter(_is_no_note)
    try:
        yield
    finally:
        logger.removeFilter(_is_no_note)


def _is_no_note(record: logging.LogRecord) -> bool:
    return "onnxruntime" not in record.pathname
