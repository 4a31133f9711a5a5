"""Runtimes: what runs a model, from pixels to logits and features, and the one for ONNX files."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.utils.arrays import Float32Array
from melanoma_detect.utils.number_arguments import whole_number
from melanoma_detect.utils.progress import stage

if os.environ.get("ORT_DISABLE_TELEMETRY") == "1":  # see the package's __init__
    onnxruntime.disable_telemetry_events()  # the variable comes too late where the user has imported ONNX Runtime before

BATCH = 32  # images in one call of a model: enough to use every core, and little memory
_MAX_THREADS = 1024  # over the cores of any machine; ONNX Runtime starts as many as it is told to
_OF_PARENTS: list[onnxruntime.InferenceSession] = []  # sessions that were made before this process was forked
LOGITS, FEATURES, CLASS_MAPS = "logits", "features", "class_maps"  # the names of a model's outputs


class ModelOutputs(NamedTuple):
    """The outputs of a model for a batch of images.

    Attributes:
        logits: float32 `(n, classes)`.
        features: float32 `(n, d)`.
    """

    logits: Float32Array
    features: Float32Array


class Runtime(Protocol):
    """Anything that runs a model on pixels; several threads may call it at once."""

    @property
    def name(self) -> str:
        """`"onnx"` or `"keras"`."""
        ...

    def run(self, pixels: Pixels) -> ModelOutputs:
        """Run the model on uint8 images `(n, height, width, 3)`."""
        ...


class OnnxRuntime:
    """Runs an ONNX file by ONNX Runtime, without TensorFlow and Keras.

    Args:
        model: The path or the bytes of an ONNX file with one input, uint8 or float32 images `(n, height, width, 3)`, and the
            outputs `logits` and `features`; `class_maps` too where the model has them.
        threads: How many threads one call may use; None for every core.
        providers: ONNX Runtime's execution providers, in order of preference; None for CUDA where it is installed, then the
            CPU.

    Raises:
        DetectorError: ONNX Runtime cannot load the model, or has none of the providers.

    Examples:
        >>> OnnxRuntime(predictor.files.onnx, threads=1).run(np.zeros((2, 32, 32, 3), np.uint8)).logits.shape
        (2, 9)
    """

    name = "onnx"

    def __init__(
        self, model: bytes | Path, *, threads: int | None = None, providers: Sequence[str] | None = None
    ) -> None:
        self._made_of = (model, threads, None if providers is None else tuple(providers))
        self._process = os.getpid()
        self._session = create_session(model, threads=threads, providers=providers)
        model_input = self._session.get_inputs()[0]
        self._name = model_input.name
        self._dtype = np.uint8 if model_input.type == "tensor(uint8)" else np.float32
        self.has_class_maps = any(output.name == CLASS_MAPS for output in self._session.get_outputs())

    @property
    def session(self) -> onnxruntime.InferenceSession:
        """The session of ONNX Runtime; a forked process makes one of its own, since threads are not forked with a session."""
        if self._process != os.getpid():
            model, threads, providers = self._made_of
            _OF_PARENTS.append(self._session)  # to delete it would be to wait for its threads
            self._session = create_session(model, threads=threads, providers=providers)
            self._process = os.getpid()
        return self._session

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the session was made of: a session of ONNX Runtime belongs to its process."""
        return _onnx_runtime, self._made_of

    def run(self, pixels: Pixels) -> ModelOutputs:
        """Run the model on uint8 images `(n, height, width, 3)`."""
        return ModelOutputs(*self.session.run([LOGITS, FEATURES], self.feed(pixels)))

    def class_maps(self, pixels: Pixels) -> Float32Array:
        """Return what speaks for each class at each position of the model's last feature maps.

        Args:
            pixels: uint8 `(n, height, width, 3)`.

        Returns:
            float32 `(n, rows, columns, classes)`: the mean of a class's map, plus a number that is the same for every image, is
            its logit.

        Raises:
            DetectorError: The model has no class maps: `has_class_maps` is False.

        Examples:
            >>> predictor.runtime.has_class_maps  # a cnn flattens its feature maps
            False
        """
        if not self.has_class_maps:
            raise DetectorError(
                "the ONNX model has no output class_maps: it does not end in linear layers over averaged feature maps, or was "
                "written by a version without class maps"
            )
        maps: Float32Array = self.session.run([CLASS_MAPS], self.feed(pixels))[0]
        return maps

    def feed(self, pixels: Pixels) -> dict[str, NDArray[Any]]:
        """Return images under the input's name and in its type, as ONNX Runtime takes them.

        Args:
            pixels: uint8 `(n, height, width, 3)`.

        Returns:
            A dictionary with one entry.
        """
        return {self._name: pixels.astype(self._dtype, copy=False)}


def _onnx_runtime(model: bytes | Path, threads: int | None, providers: Sequence[str] | None) -> OnnxRuntime:
    return OnnxRuntime(model, threads=threads, providers=providers)


def create_session(
    model: bytes | Path, *, threads: int | None = None, providers: Sequence[str] | None = None
) -> onnxruntime.InferenceSession:
    """Create an ONNX Runtime session; every session of this library is created here.

    Args:
        model: The path or the bytes of an ONNX file.
        threads: How many threads one call may use; None for every core.
        providers: Execution providers, in order of preference; None for CUDA where it is installed, then the CPU.

    Returns:
        The session.

    Raises:
        DetectorError: ONNX Runtime cannot load the model, or has none of the providers.

    Examples:
        >>> sorted(output.name for output in create_session(predictor.files.onnx).get_outputs())
        ['features', 'logits']
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only: warnings about the graph are of no use to users
    if threads is not None:
        options.intra_op_num_threads = whole_number(threads, "threads", DetectorError, low=1, below=_MAX_THREADS + 1)
    chosen = _select_providers(providers)
    try:
        return onnxruntime.InferenceSession(model, options, providers=chosen)
    except Exception as error:
        file = f"{model.name}: " if isinstance(model, Path) else ""
        raise DetectorError(f"{file}ONNX Runtime cannot load the model ({str(error)[:300]})") from error


def iterate_batches(array: NDArray[Any], size: int = BATCH) -> Iterator[NDArray[Any]]:
    """Yield an array in slices along its first axis.

    Args:
        array: `(n, ...)`.
        size: The length of each slice but the last.

    Yields:
        Views of the array.

    Examples:
        >>> [len(batch) for batch in iterate_batches(np.zeros(70))]
        [32, 32, 6]
    """
    for start in range(0, len(array), size):
        yield array[start : start + size]


def run_batched(run: Callable[[Pixels], ModelOutputs], pixels: Pixels, size: int = BATCH) -> ModelOutputs:
    """Run a model on many images, batch by batch.

    Args:
        run: Runs the model on one batch: `Runtime.run`.
        pixels: uint8 `(n, height, width, 3)`, at least one image.
        size: How many images one batch holds.

    Returns:
        The outputs for all images, in their order.

    Examples:
        >>> run_batched(predictor.runtime.run, np.zeros((40, 32, 32, 3), np.uint8)).logits.shape
        (40, 9)
    """
    batches = stage(iterate_batches(pixels, size), "predicting", len(pixels), each=size)
    outputs = [run(batch) for batch in batches]
    return ModelOutputs(*(np.concatenate(parts) for parts in zip(*outputs, strict=True)))


def _select_providers(requested: Sequence[str] | None) -> list[str]:
    available = onnxruntime.get_available_providers()
    if requested is None:
        return [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
    unknown = [name for name in requested if name not in available]
    if unknown or not requested:
        raise DetectorError(
            f"providers={list(requested)}: this ONNX Runtime has no {', '.join(unknown) or 'empty list'}; it has "
            f"{', '.join(available)} (CUDA comes with onnxruntime-gpu)"
        )
    return list(requested)
