"""What `Detector.fit` does: train, calibrate, and write down what was done."""

import os
import warnings
from dataclasses import asdict, replace
from typing import Any

import importlib_metadata
import keras

from melanoma_detect import __version__, taxonomy
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.detection.bundle import Card
from melanoma_detect.detection.decision import OperatingPoint, melanoma_scores
from melanoma_detect.detection.detector import Detector
from melanoma_detect.detection.runtime import keras_runtime
from melanoma_detect.errors import DataWarning
from melanoma_detect.learning.calibration import fit_operating_point, refuse_sensitivity
from melanoma_detect.learning.recipes import Recipe, find_recipe
from melanoma_detect.learning.training import train


def fit(
    model: Any,
    data: Dataset,
    *,
    epochs: int,
    recipe: str | Recipe,
    sensitivity: float,
    seed: int,
    progress: bool,
    checkpoint: "str | os.PathLike[str] | None" = None,
    resume: bool = False,
    devices: str | int | None = None,
) -> Detector:
    """Train a model and set its threshold; see `Detector.fit`.

    Args:
        model: From `build_model`.
        data: From `load_dataset`.
        epochs: How many epochs at most.
        recipe: A name or a `Recipe`.
        sensitivity: The share of validation melanomas that must raise an alert.
        seed: Where the order of the pictures and their augmentation come from.
        progress: Draw a progress bar.
        checkpoint: A folder to write a checkpoint into after each epoch, or None.
        resume: Go on from the checkpoint in that folder.
        devices: None for one; `"auto"`, or how many.

    Returns:
        The detector.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> fit(model, data, epochs=1, recipe="assignment", sensitivity=0.9, seed=1, progress=False).operating_point.goal
        0.9
    """
    chosen = find_recipe(recipe)
    refuse_sensitivity(sensitivity)
    trained = train(
        model,
        data,
        epochs=epochs,
        recipe=chosen,
        seed=seed,
        progress=progress,
        checkpoint=checkpoint,
        resume=resume,
        devices=devices,
    )
    runtime = keras_runtime(_copy(model))
    # A model that is trained again has seen the pictures of both times.
    model.seen = getattr(model, "seen", frozenset()) | _digests(data)
    card = Card(
        classes=data.classes,
        image_size=model.input_shape[1:3],
        operating_point=None,
        resize=data.resize,
        architecture=getattr(model, "architecture", {"name": model.name}),
        recipe=asdict(chosen)
        | {"epochs": epochs, "seed": seed, "pictures": len(data.train)}
        | {"precision": trained.precision, "devices": trained.devices},
        history=trained.history,
        best_epoch=trained.best_epoch,
        seen=model.seen,
        made_with=_versions(),
    )
    point = _operating_point(Detector(card, runtime), data, sensitivity)
    return Detector(replace(card, operating_point=point), runtime)


def _copy(model: Any) -> Any:
    """Return the model with weights of its own: whoever trains it on must not change the detector."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def _digests(data: Dataset) -> frozenset[str]:
    return frozenset(record.digest for record in (*data.train, *data.validation))


def _operating_point(detector: Detector, data: Dataset, sensitivity: float) -> OperatingPoint | None:
    melanoma = taxonomy.positions(data.classes, code=taxonomy.MELANOMA)
    positive = [label in melanoma for label in data.validation.labels]
    if not any(positive) or all(positive):
        why = (
            "no class is melanoma" if not melanoma else f"validation shows {sum(positive)} melanomas of {len(positive)}"
        )
        warnings.warn(
            f"{why} ({', '.join(data.classes)}): the detector has no alert threshold and refers every picture",
            DataWarning,
            stacklevel=4,
        )
        return None
    probabilities = detector.probabilities(data.validation.pixels(detector.image_size))
    return fit_operating_point(melanoma_scores(probabilities, data.classes), positive, sensitivity=sensitivity)


def _versions() -> dict[str, str]:
    packages = ("keras", "tensorflow", "numpy", "pillow", "augmentor")
    return {"melanoma-detect": __version__} | {name: importlib_metadata.version(name) for name in packages}
