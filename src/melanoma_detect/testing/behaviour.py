"""Checks of a model's outputs, its training, and its saved files."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from melanoma_detect.errors import ModelError
from melanoma_detect.export.onnx import RELATIVE_TOLERANCE, TOLERANCE, compare_onnx
from melanoma_detect.models.contract import FEATURES, every_layer, logits_and_features, logits_of
from melanoma_detect.testing.candidate import Candidate, check
from melanoma_detect.testing.pixel_scale import measure_pixel_scale
from melanoma_detect.utils.native_notes import without_native_notes
from melanoma_detect.utils.temporary import temporary_folder

_MAX_PROBABILITY = 0.999  # an untrained network has no reason for a higher one
# Tried in turn: a rate that is too high for an architecture does not mean that its gradient is wrong.
_LEARNING_RATES = (1e-2, 1e-3, 1e-4, 1e-5)


@check
def check_pixels_to_probabilities(candidate: Candidate) -> None:
    """Raw pixels from 0 to 255, also all black or white, give probabilities: float32, finite, with a sum of 1."""
    for pixels in (candidate.pixels, candidate.extremes):
        output = candidate.predict(pixels)
        if output.dtype != np.float32:
            candidate.fail(f"its output is {output.dtype}; expected float32")
        if not np.isfinite(output).all() or (output < 0).any() or np.abs(output.sum(axis=1) - 1).max() > 1e-5:
            candidate.fail(f"its output is {output[0]}; expected probabilities: 0 to 1, with a sum of 1")
    highest = candidate.predict().max()
    if highest > _MAX_PROBABILITY:
        candidate.fail(
            f"untrained, it gives a probability of {highest:.4f}: raw pixels reach its weights; expected it to scale "
            "0–255 itself, with keras.layers.Rescaling"
        )


@check
def check_pixel_scale(candidate: Candidate) -> None:
    """Raw pixels are scaled before the first weights, or normalised by them or after them."""
    scale = measure_pixel_scale(candidate.build(), np.concatenate([candidate.pixels, candidate.extremes]))
    if scale.is_raw:
        candidate.fail(
            f"its first layer with weights ({scale.layer.name}) gets pixels of 0 to {scale.largest:.0f}, and its untrained "
            f"features are about {scale.features:.2g}: too large to learn from; expected it to scale pixels itself, such as "
            "keras.layers.Rescaling(1 / 255)"
        )


@check
def check_images_matter(candidate: Candidate) -> None:
    """Different images give different logits and different features."""
    both = logits_and_features(candidate.model)
    for name, values in zip(
        ("logits", "features"), both.predict_on_batch(candidate.pixels.astype(np.float32)), strict=True
    ):
        spread = np.ptp(np.asarray(values, np.float64), axis=0).max()
        if not spread > 0:
            candidate.fail(f"its {name} are the same for every image; expected them to depend on the pixels")


@check
def check_features_lead_to_logits(candidate: Candidate) -> None:
    """The logits are computed from the layer named `features` and from nothing else but weights."""
    features = candidate.model.get_layer(FEATURES).output
    try:
        tail = keras.Model(features, logits_of(candidate.model))
    except Exception as error:  # noqa: BLE001 - Keras raises several kinds where the graph cannot be cut here
        candidate.fail(
            f"its logits depend on more than its features ({str(error)[:200]}); give the layer before the logits that name"
        )
    if tail.output_shape != (None, 3):
        candidate.fail(f"its features give {tail.output_shape}; expected the logits, (None, 3)")


@check
def check_same_answers(candidate: Candidate) -> None:
    """The output for an image is the same the second time, and the same alone as in a batch with others."""
    first, again = candidate.predict(), candidate.predict()
    if (first != again).any():
        candidate.fail("its output differs the second time; expected random layers to do nothing outside training")
    alone = np.concatenate([candidate.predict(image[None]) for image in candidate.pixels])
    if np.abs(alone - first).max() > 1e-4:
        candidate.fail(
            f"its output for an image changes by {np.abs(alone - first).max():.2g} with the other images of the batch; "
            "expected statistics of the batch to be used in training only"
        )


@check
def check_learning(candidate: Candidate) -> None:
    """One training step changes the weights and lowers the loss on the same batch."""
    model = candidate.build()
    if not model.trainable_weights:
        candidate.fail("it has no weights to train")
    trial = _TrainingTrial(model, candidate)
    losses = []
    for rate in _LEARNING_RATES:
        try:
            losses.append(trial.step(rate))
        except ValueError as error:
            candidate.fail(f"a training step fails ({error}); expected gradients that reach its weights")
        if losses[-1][1] < losses[-1][0]:
            return
    listed = "; ".join(
        f"{rate:g}: {before:.5f} → {after:.5f}" for rate, (before, after) in zip(_LEARNING_RATES, losses, strict=True)
    )
    reason = (
        f"the loss on the same images falls at no rate ({listed})" if trial.changed else "none of its weights changes"
    )
    candidate.fail(
        f"a training step has no effect: {reason}; expected gradients that reach the weights and lower the loss"
    )


@check
def check_saved_file(candidate: Candidate) -> None:
    """Saved to a `.keras` file and loaded in Keras's safe mode, the model gives the same output."""
    with temporary_folder() as folder:
        file = Path(folder, "model.keras")
        candidate.model.save(file)
        try:
            loaded = keras.saving.load_model(file, compile=False, safe_mode=True)
        except Exception as error:  # noqa: BLE001 - whatever Keras raises, the file cannot be loaded
            candidate.fail(
                f"its file cannot be loaded ({str(error)[:300]}); register your own layers with "
                "keras.saving.register_keras_serializable and give them get_config"
            )
    difference = np.abs(candidate.predict(model=loaded) - candidate.predict()).max()
    if difference > 1e-6:
        candidate.fail(
            f"loaded from its file, its output differs by {difference:.2g}; expected get_config to return every argument"
        )


@check
def check_onnx(candidate: Candidate) -> None:
    """Exported to ONNX, the model gives the same output within 2e-4, unless its builder is marked with `onnx = False`."""
    if not getattr(candidate.builder, "onnx", True):
        return
    model = candidate.model  # outside the try: a model that breaks the contract is no question of ONNX
    try:
        differences = compare_onnx(model, candidate.pixels)
    except ModelError as error:
        candidate.fail(
            f"{str(error).removeprefix(f'{model.name}: ')}; use other layers, or mark the builder with onnx = False "
            "(build.onnx = False) to run it on Keras alone"
        )
    if not differences.within_tolerance:
        candidate.fail(
            f"the output of its ONNX file differs: {differences.probabilities:.2g} in probability (at most {TOLERANCE:g}), "
            f"{differences.logits:.2g} of the largest logit, {differences.features:.2g} of the largest feature (at most "
            f"{RELATIVE_TOLERANCE:g})"
        )


@check
def check_mixed_precision(candidate: Candidate) -> None:
    """Built under mixed bfloat16, the model gives nearly the same output, in float32, and can be trained."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = candidate.build()
    finally:
        keras.config.set_dtype_policy(policy)
    mixed.set_weights(candidate.model.get_weights())
    with without_native_notes():  # of a processor without fast bfloat16
        output, expected = candidate.predict(model=mixed), candidate.predict()
        losses = _TrainingTrial(mixed, candidate).step(_LEARNING_RATES[0])
    if output.dtype != np.float32 or not np.abs(output - expected).max() < 0.1:
        candidate.fail(
            f"under mixed precision its output is {output[0]} in {output.dtype}, otherwise {expected[0]}; expected nearly the "
            "same, in float32"
        )
    if not np.isfinite(losses).all():
        candidate.fail(
            f"under mixed precision a training step changes its loss from {losses[0]} to {losses[1]}; expected finite losses"
        )


class _TrainingTrial:
    """Single steps of gradient descent from the same weights, on the same images, with the same dropout."""

    def __init__(self, model: Any, candidate: Candidate) -> None:
        self._model, self._pixels, self._labels = model, candidate.pixels.astype(np.float32), candidate.labels
        self._weights = model.get_weights()
        layers = [layer for layer in every_layer(model) if getattr(layer, "seed_generator", None) is not None]
        states = [layer.seed_generator.state for layer in layers]
        self._states = [(state, np.array(keras.ops.convert_to_numpy(state))) for state in states]
        model.compile(keras.optimizers.SGD(_LEARNING_RATES[0]), loss="sparse_categorical_crossentropy")

    @property
    def changed(self) -> bool:
        """Whether the last step changed a weight."""
        return any((new != old).any() for new, old in zip(self._model.get_weights(), self._weights, strict=True))

    def step(self, rate: float) -> tuple[float, float]:
        """Take one step; return the loss before it and after."""
        self._model.set_weights(self._weights)
        self._model.optimizer.learning_rate = rate
        before = self._loss()
        weights = self._model.get_weights()
        after = self._loss()
        self._model.set_weights(weights)
        return before, after

    def _loss(self) -> float:
        """Train on the batch; return the loss before the step."""
        for state, value in self._states:
            state.assign(value)
        return float(self._model.train_on_batch(self._pixels, self._labels))
