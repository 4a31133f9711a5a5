"""What runs a model: pixels go in, logits and features come out, whatever does the work."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.images import Pixels


class Outputs(NamedTuple):
    """What a model says about a batch.

    Attributes:
        logits: float32 `(n, classes)`.
        features: float32 `(n, d)`.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]


class Runtime(Protocol):
    """Anything that runs a model on pixels."""

    def run(self, pixels: Pixels) -> Outputs:
        """Run the model on uint8 pictures `(n, height, width, 3)`."""
        ...

    def save(self, path: Path) -> None:
        """Write the model to a `.keras` file."""
        ...


def keras_runtime(model: Any, architecture: Mapping[str, Any] | None = None) -> Runtime:
    """Return the runtime of a Keras model.

    Args:
        model: A `keras.Model` that keeps the contract, or the path of a `.keras` file.
        architecture: What built the model of a file: the package that is imported where the model has layers of its own.

    Returns:
        The runtime.

    Raises:
        DetectorError: Keras cannot load the file.

    Examples:
        >>> runtime = keras_runtime(md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3)))
        >>> runtime.run(np.zeros((1, 32, 32, 3), np.uint8)).logits.shape
        (1, 2)
    """
    from melanoma_detect.models.keras_runtime import KerasRuntime  # noqa: PLC0415 - the one place that needs Keras

    return KerasRuntime.load(model, architecture or {}) if isinstance(model, Path) else KerasRuntime(model)
