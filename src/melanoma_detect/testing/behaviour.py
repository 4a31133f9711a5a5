"""Checks of what a model answers, how it learns and whether its files say the same."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from melanoma_detect.errors import ModelError
from melanoma_detect.export.onnx import SHARE, TOLERANCE, onnx_parity
from melanoma_detect.models.contract import FEATURES, every_layer, logits_of
from melanoma_detect.testing.subject import Subject, check

_CERTAIN = 0.999  # a network that has learnt nothing has no reason to be surer
_STEPS = (1e-2, 1e-3, 1e-4, 1e-5)


@check
def check_pixels_to_probabilities(subject: Subject) -> None:
    """Raw pixels from 0 to 255 go in, probabilities come out: float32, finite, with a sum of 1, also for black and white."""
    extremes = np.stack([np.zeros(subject.input_shape), np.full(subject.input_shape, 255.0)])
    for pixels in (subject.pixels, extremes):
        answers = subject.answers(pixels)
        if answers.dtype != np.float32:
            subject.fail(f"it answers in {answers.dtype}; expected float32")
        if not np.isfinite(answers).all() or (answers < 0).any() or np.abs(answers.sum(axis=1) - 1).max() > 1e-5:
            subject.fail(f"it answers {answers[0]}; expected probabilities: 0 to 1, with a sum of 1")
    surest = subject.answers().max()
    if surest > _CERTAIN:
        subject.fail(
            f"untrained, it is {surest:.4f} sure: raw pixels reach its weights; expected it to scale 0–255 itself, with "
            "keras.layers.Rescaling"
        )


@check
def check_images_matter(subject: Subject) -> None:
    """Other images give other logits and other features."""
    features = subject.model.get_layer(FEATURES).output
    both = keras.Model(subject.model.input, [logits_of(subject.model), features])
    for name, values in zip(
        ("logits", "features"), both.predict_on_batch(subject.pixels.astype(np.float32)), strict=True
    ):
        spread = np.ptp(np.asarray(values, np.float64), axis=0).max()
        if not spread > 0:
            subject.fail(f"its {name} are the same for every image; expected them to depend on the pixels")


@check
def check_features_lead_to_logits(subject: Subject) -> None:
    """The layer named `features` lies on the way to the logits: nothing else but weights lies between."""
    features = subject.model.get_layer(FEATURES).output
    try:
        tail = keras.Model(features, logits_of(subject.model))
    except Exception as error:  # noqa: BLE001 - Keras raises several kinds where the graph cannot be cut here
        subject.fail(
            f"its logits need more than its features ({str(error)[:200]}); name the layer before the logits so"
        )
    if tail.output_shape != (None, 3):
        subject.fail(f"its features lead to {tail.output_shape}; expected the logits, (None, 3)")


@check
def check_same_answers(subject: Subject) -> None:
    """It answers the same twice, and the same to an image alone as among others: nothing is drawn, or taken from a batch."""
    first, again = subject.answers(), subject.answers()
    if (first != again).any():
        subject.fail("it answers otherwise the second time; expected random layers to rest outside training")
    alone = np.concatenate([subject.answers(image[None]) for image in subject.pixels])
    if np.abs(alone - first).max() > 1e-4:
        subject.fail(
            f"its answer to an image changes by {np.abs(alone - first).max():.2g} with the images beside it; expected "
            "statistics of the batch to be used in training only"
        )


@check
def check_learning(subject: Subject) -> None:
    """One step of training changes its weights and lowers the loss on the same batch."""
    model = subject.build()
    if not model.trainable_weights:
        subject.fail("it has no weights to train")
    trial = _Trial(model, subject)
    losses = []
    for rate in _STEPS:
        try:
            losses.append(trial.step(rate))
        except ValueError as error:
            subject.fail(f"a step of training cannot be taken ({error}); expected gradients that reach its weights")
        if losses[-1][1] < losses[-1][0]:
            return
    shown = "; ".join(f"{rate:g}: {loss:.5f} → {after:.5f}" for rate, (loss, after) in zip(_STEPS, losses, strict=True))
    why = f"at no rate does the loss on the same images fall ({shown})" if trial.moved else "none of its weights moves"
    subject.fail(f"a step of training does not help: {why}; expected gradients that reach the weights and lead down")


@check
def check_saved_file(subject: Subject) -> None:
    """Saved to a `.keras` file and loaded in Keras's safe mode, it answers the same."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.keras")
        subject.model.save(file)
        try:
            loaded = keras.saving.load_model(file, compile=False, safe_mode=True)
        except Exception as error:  # noqa: BLE001 - whatever Keras raises, the file cannot be loaded
            subject.fail(
                f"its file cannot be loaded ({str(error)[:300]}); register layers of your own with "
                "keras.saving.register_keras_serializable and give them get_config"
            )
    difference = np.abs(subject.answers(model=loaded) - subject.answers()).max()
    if difference > 1e-6:
        subject.fail(
            f"loaded from its file it answers otherwise, by {difference:.2g}; expected get_config to keep everything"
        )


@check
def check_onnx(subject: Subject) -> None:
    """Exported to ONNX it answers the same within 2e-4; or its builder is marked with `onnx = False`."""
    if not getattr(subject.builder, "onnx", True):
        return
    try:
        parity = onnx_parity(subject.model, subject.pixels)
    except ModelError as error:
        subject.fail(f"{error}; use other layers, or mark the builder with onnx = False: it then runs on Keras alone")
    if not parity.holds:
        subject.fail(
            f"its ONNX file answers otherwise: {parity.probabilities:.2g} in probability (at most {TOLERANCE:g}), "
            f"{parity.logits:.2g} of the largest logit, {parity.features:.2g} of the largest feature (at most {SHARE:g})"
        )


@check
def check_mixed_precision(subject: Subject) -> None:
    """Built under mixed bfloat16 it answers nearly the same, in float32, and can be trained."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = subject.build()
    finally:
        keras.config.set_dtype_policy(policy)
    mixed.set_weights(subject.model.get_weights())
    answers, expected = subject.answers(model=mixed), subject.answers()
    if answers.dtype != np.float32 or not np.abs(answers - expected).max() < 0.1:
        subject.fail(
            f"under mixed precision it answers {answers[0]} in {answers.dtype}, else {expected[0]}; expected nearly the same, "
            "in float32"
        )
    losses = _Trial(mixed, subject).step(_STEPS[0])
    if not np.isfinite(losses).all():
        subject.fail(
            f"under mixed precision a step of training takes its loss from {losses[0]} to {losses[1]}; expected numbers"
        )


class _Trial:
    """Single steps of plain gradient descent from the same weights, on the same images, under the same dropout."""

    def __init__(self, model: Any, subject: Subject) -> None:
        self._model, self._pixels, self._labels = model, subject.pixels.astype(np.float32), subject.labels
        self._weights = model.get_weights()
        layers = [layer for layer in every_layer(model) if getattr(layer, "seed_generator", None) is not None]
        states = [layer.seed_generator.state for layer in layers]
        self._states = [(state, np.array(keras.ops.convert_to_numpy(state))) for state in states]
        model.compile(keras.optimizers.SGD(_STEPS[0]), loss="sparse_categorical_crossentropy")

    @property
    def moved(self) -> bool:
        """Whether the last step changed a weight."""
        return any((now != before).any() for now, before in zip(self._model.get_weights(), self._weights, strict=True))

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
