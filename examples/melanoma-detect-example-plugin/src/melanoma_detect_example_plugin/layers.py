"""A custom layer, registered with Keras so that a saved model can be loaded."""

import keras
from keras import layers


@keras.saving.register_keras_serializable("melanoma_detect_example_plugin")
class ChannelGate(layers.Layer):
    """Weight each channel by a gate over the whole image (squeeze and excitation, Hu et al. 2018, arXiv:1709.01507).

    Args:
        ratio: The number of channels divided by the units of the hidden layer.
    """

    def __init__(self, ratio=4, **options):
        super().__init__(**options)
        self.ratio = ratio

    def build(self, input_shape):
        """Create the two dense layers."""
        channels = input_shape[-1]
        self.squeeze = layers.Dense(max(1, channels // self.ratio), activation="relu", dtype=self.dtype_policy)
        self.excite = layers.Dense(channels, activation="sigmoid", dtype=self.dtype_policy)
        self.squeeze.build((None, channels))
        self.excite.build((None, self.squeeze.units))

    def call(self, inputs):
        """Weight the feature maps `(batch, height, width, channels)`."""
        gate = self.excite(self.squeeze(keras.ops.mean(inputs, axis=(1, 2))))
        return inputs * gate[:, None, None, :]

    def get_config(self):
        """Return the layer's arguments, for Keras to save."""
        return {**super().get_config(), "ratio": self.ratio}
