"""Keras as a runtime."""

from pathlib import Path

import keras
import numpy as np

from melanoma_detect.data.images import Pixels
from melanoma_detect.detection.runtime import Outputs
from melanoma_detect.errors import DetectorError
from melanoma_detect.models.contract import FEATURES, logits_of


class KerasRuntime:
    """Runs a Keras model on pixels.

    Args:
        model: A model that keeps the contract.

    Examples:
        >>> runtime = KerasRuntime(md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3)))
        >>> runtime.run(np.zeros((3, 32, 32, 3), np.uint8)).features.shape
        (3, 128)
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._outputs = keras.Model(model.input, [logits_of(model), model.get_layer(FEATURES).output])

    @classmethod
    def load(cls, path: Path) -> "KerasRuntime":
        """Load a `.keras` file, in Keras's safe mode: no code comes with it."""
        try:
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:
            raise DetectorError(
                f"{path.name}: Keras cannot load the model ({error}); save the detector again"
            ) from error
        return cls(model)

    def run(self, pixels: Pixels) -> Outputs:
        """Run the model on uint8 pictures `(n, height, width, 3)`."""
        logits, features = self._outputs.predict_on_batch(pixels.astype(np.float32))
        return Outputs(np.asarray(logits, np.float32), np.asarray(features, np.float32))

    def save(self, path: Path) -> None:
        """Write the model to a `.keras` file."""
        self.model.save(path)
