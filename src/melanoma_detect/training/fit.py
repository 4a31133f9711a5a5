"""What `Detector.fit` does: train, export, calibrate, and write down what was done."""

import os
from dataclasses import asdict
from typing import Any

import importlib_metadata

from melanoma_detect import __version__
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.detector import Detector
from melanoma_detect.inference.config import Card, Settings
from melanoma_detect.inference.operating_points import refuse_sensitivity
from melanoma_detect.inference.training_fingerprint import Seen
from melanoma_detect.training.assembling import assembled
from melanoma_detect.training.copying import training_copy
from melanoma_detect.training.recipes import Recipe, find_recipe
from melanoma_detect.training.trainer import train


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
        sensitivity: The share of validation melanomas that must raise an alert, over 0 and under 1.
        seed: Where the order of the pictures and their augmentation come from.
        progress: Draw a progress bar.
        checkpoint: A folder to write a checkpoint into after each epoch, or None.
        resume: Go on from the checkpoint in that folder.
        devices: None for one; `"auto"`, or how many.

    Returns:
        The detector.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> fit(model, data, epochs=1, recipe="assignment", sensitivity=0.6, seed=1, progress=False).operating_point.goal
        0.6
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
    # A model that is trained again has seen the pictures of both times.
    model.seen = getattr(model, "seen", Seen()) | Seen.of((*data.train, *data.validation))
    told = {"epochs": epochs, "seed": seed, "precision": trained.precision, "devices": trained.devices}
    card = Card(
        classes=data.classes,
        image_size=model.input_shape[1:3],
        settings=Settings(sensitivity=sensitivity),
        resize=data.resize,
        architecture=getattr(model, "architecture", {"name": model.name}),
        recipe=asdict(chosen) | told | {"pictures": len(data.train)},
        history=trained.history,
        best_epoch=trained.best_epoch,
        made_with=_versions(),
    )
    # A copy: whoever trains the model on must not change the detector.
    return assembled(training_copy(model, "float32"), card, data, seen=model.seen, seed=seed)


def _versions() -> dict[str, str]:
    packages = ("keras", "tensorflow", "numpy", "pillow", "augmentor")
    return {"melanoma-detect": __version__} | {name: importlib_metadata.version(name) for name in packages}
