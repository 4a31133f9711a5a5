"""Options of a training, checked once and passed on as one value."""

import os
from dataclasses import dataclass, field
from typing import Any

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.operating_points import check_sensitivity
from melanoma_detect.training.recipes import Recipe
from melanoma_detect.utils.number_arguments import whole_number
from melanoma_detect.utils.random import check_seed


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """The options of `Detector.fit`, which documents them.

    Attributes:
        epochs: The largest number of epochs, at least 1.
        recipe: How to train.
        sensitivity: The share of validation melanomas that must raise an alert, over 0 and under 1.
        seed: The seed of the order of the images and of their augmentation.
        progress: Whether to draw a progress bar.
        checkpoint: A folder to write a checkpoint into after each epoch, or None.
        resume: Whether to resume from the checkpoint in that folder.
        devices: None for one device, `"auto"`, or a number; see `devices.distribute`.
        callbacks: Keras callbacks of the user.

    Raises:
        DetectorError: A value is out of its range.

    Examples:
        >>> FitOptions(epochs=0)
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: epochs=0; expected a whole number, 1 or more
    """

    epochs: int = 30
    recipe: Recipe = field(default_factory=Recipe)
    sensitivity: float = 0.95
    seed: int = 123
    progress: bool = True
    checkpoint: "str | os.PathLike[str] | None" = None
    resume: bool = False
    devices: str | int | None = None
    callbacks: Any = None

    def __post_init__(self) -> None:
        plain = {
            "epochs": whole_number(self.epochs, "epochs", DetectorError, low=1),
            "seed": check_seed(self.seed, DetectorError),
            "sensitivity": check_sensitivity(self.sensitivity),
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)  # a frozen dataclass
        if self.resume and self.checkpoint is None:
            raise DetectorError("resume=True without a folder to resume from; pass checkpoint='a folder'")
