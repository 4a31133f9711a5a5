"""What runs a model: pixels go in, logits and features come out, whatever does the work."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.reader import Pixels


class Outputs(NamedTuple):
    """What a model says about a batch.

    Attributes:
        logits: float32 `(n, classes)`.
        features: float32 `(n, d)`.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]


class Runtime(Protocol):
    """Anything that runs a model on pixels; several threads may call it at once."""

    @property
    def name(self) -> str:
        """`"onnx"` or `"keras"`."""
        ...

    def run(self, pixels: Pixels) -> Outputs:
        """Run the model on uint8 images `(n, height, width, 3)`."""
        ...


class OnnxRuntime:
    """Runs an exported model by ONNX Runtime: no TensorFlow, no Keras.

    Args:
        model: The bytes of an ONNX file that takes uint8 images `(n, height, width, 3)` and gives `logits` and `features`.
        threads: How many threads one call may use; every core where it is None.
        providers: Which of ONNX Runtime's execution providers to use, the first that works; those that are there, CUDA before
            the processor, where it is None.

    Raises:
        DetectorError: ONNX Runtime does not take the model, or has none of the providers.

    Examples:
        >>> OnnxRuntime(predictor.files.onnx, threads=1).run(np.zeros((2, 32, 32, 3), np.uint8)).logits.shape
        (2, 9)
    """

    name = "onnx"

    def __init__(self, model: bytes, *, threads: int | None = None, providers: Sequence[str] | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # its notes on graphs are not for users
        if threads is not None:
            if threads < 1:
                raise DetectorError(f"threads={threads}; expected 1 or more, or None for every core")
            options.intra_op_num_threads = threads
        try:
            self.session = onnxruntime.InferenceSession(model, options, providers=_providers(providers))
        except DetectorError:
            raise
        except Exception as error:
            raise DetectorError(f"ONNX Runtime does not take the model ({str(error)[:300]})") from error
        self._input = self.session.get_inputs()[0].name

    def run(self, pixels: Pixels) -> Outputs:
        """Run the model on uint8 images `(n, height, width, 3)`."""
        return Outputs(*self.session.run(["logits", "features"], {self._input: pixels}))


def _providers(wanted: Sequence[str] | None) -> list[str]:
    there = onnxruntime.get_available_providers()
    if wanted is None:
        return [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in there]
    unknown = [name for name in wanted if name not in there]
    if unknown or not wanted:
        raise DetectorError(
            f"providers={list(wanted)}: this ONNX Runtime has no {', '.join(unknown) or 'empty list'}; it has "
            f"{', '.join(there)} (CUDA comes with onnxruntime-gpu)"
        )
    return list(wanted)
