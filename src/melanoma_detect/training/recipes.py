"""Training recipes: everything that decides how a model is trained, as plain data.

A recipe can be printed, changed with `dataclasses.replace`, and passed to `Detector.fit`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from melanoma_detect.errors import DetectorError
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.number_arguments import real_number, whole_number
from melanoma_detect.utils.suggest import did_you_mean

FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")
LOSSES = ("plain", "weighted", "focal", "logit_adjusted")
SCHEDULES = ("constant", "cosine")
# Keras's names, which importing Keras would take seconds to tell.
OPTIMIZERS = (
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "ftrl",
    "lion",
    "muon",
    "nadam",
    "rmsprop",
    "schedulefreeadamw",
    "sgd",
)
PRECISIONS = ("auto", "float32", "mixed_bfloat16")
# Training computes in float32, in which a smaller number is 0 and a larger one infinite.
_LEAST_RATE = 1e-30
_MOST = 1e30
_SHARES = ("blur", "hair", "ruler")
_CHANGES = ("zoom", "shift", "aspect", "brightness", "contrast", "saturation", "white_balance", "shading")


def _check_choice(field_name: str, value: Any, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        hint = did_you_mean(str(value), choices)
        raise DetectorError(f"{field_name}={value!r}; {hint}expected one of {', '.join(choices)}")


def _check_range(settings: Any, names: Iterable[str], low: float, high: float = math.inf) -> None:
    expected = f"{low} to {high}" if math.isfinite(high) else f"a number, {low} or more"
    for name in names:
        value = getattr(settings, name)
        number = real_number(value, name, DetectorError, expected)
        if not low <= number <= high:
            raise DetectorError(f"{name}={value!r}; expected {expected}")
        if number > _MOST:
            raise DetectorError(
                f"{name}={value!r}; expected at most {_MOST:g}: a larger number is infinite in training"
            )
        if type(value) not in (int, float):
            object.__setattr__(settings, name, number)  # a frozen dataclass


def _check_counts(settings: Any, names: Iterable[str]) -> None:
    for name in names:
        object.__setattr__(settings, name, whole_number(getattr(settings, name), name, DetectorError))


def _check_optimizer(name: Any) -> None:
    # A class that the user has registered with Keras has the name "package>Name".
    if not isinstance(name, str) or ">" not in name:
        _check_choice("optimizer", name.lower() if isinstance(name, str) else name, OPTIMIZERS)


@dataclass(frozen=True)
class Augmentation:
    """Random changes to each training image, drawn again in each epoch.

    A share is a number from 0 to 1. A change by at most a share of 0.2 multiplies by 0.8 to 1.2.

    Attributes:
        flip: `"horizontal"`, `"vertical"`, `"horizontal_and_vertical"`, or None.
        rotation: The largest rotation in either direction, in full turns: 0.1 is 36 degrees, 0.5 allows any rotation.
        zoom: The largest zoom in or out, as a share: 0.1 is 10 %.
        shift: The largest shift along each axis, as a share of the image's side.
        aspect: The largest change of the aspect ratio, as a share.
        brightness: The largest change of the brightness, as a share.
        contrast: The largest change of the contrast, the distance from the image's mean, as a share.
        saturation: The largest change of the saturation, the distance from grey, as a share.
        white_balance: The largest change of each channel's gain, as a share, as with another lamp or camera.
        shading: The largest decrease of the light from one side of the image to the other, as a share.
        blur: The share of images that are blurred.
        hair: The share of images across which hairs are drawn.
        ruler: The share of images on which the marks of a ruler are drawn.

    Raises:
        DetectorError: A value is out of its range.

    Examples:
        >>> Augmentation(rotation=0.5).flip
        'horizontal'
    """

    flip: str | None = "horizontal"
    rotation: float = 0.1
    zoom: float = 0.1
    shift: float = 0.0
    aspect: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    white_balance: float = 0.0
    shading: float = 0.0
    blur: float = 0.0
    hair: float = 0.0
    ruler: float = 0.0

    def __post_init__(self) -> None:
        if self.flip is not None:
            _check_choice("flip", self.flip, FLIPS)
        _check_range(self, ("rotation",), 0, 0.5)
        _check_range(self, _CHANGES, 0, 0.9)
        _check_range(self, _SHARES, 0, 1)


@dataclass(frozen=True)
class Recipe:
    """How to train a model: everything but the model, the data and the number of epochs.

    Attributes:
        name: The recipe's name.
        optimizer: The name of a Keras optimiser.
        learning_rate: The maximum of the learning rate.
        patience: Early stopping: the number of epochs without a lower validation loss before training stops. The weights of the
            best epoch are kept.
        augmentation: Random changes to the images, or None.
        head_epochs: For a model with a pretrained layer named `backbone`: the number of epochs that train the head alone,
            before the trainable parts of the backbone are trained too. 0 for none.
        fine_tuning: The learning rate from then on, as a share of `learning_rate`.
        weight_decay: The decay of all weights except biases and normalisation parameters, as a share of the learning rate
            (decoupled from the gradient with `"adamw"`: Loshchilov and Hutter, ICLR 2019).
        schedule: `"constant"`, or `"cosine"`: half a cosine down to a hundredth (Loshchilov and Hutter, ICLR 2017).
        warmup: The share of a cosine schedule's steps in which the learning rate rises linearly to its maximum.
        label_smoothing: The share of each target that is spread over all classes (Szegedy et al., CVPR 2016).
        mixup: The share of training images that are blended with another (Zhang et al., ICLR 2018).
        cutmix: The share of training images that get a rectangle of another (Yun et al., ICCV 2019).
        loss: How rare and difficult classes count. `"plain"`: cross-entropy. `"weighted"`: cross-entropy weighted by the
            inverse frequency of the class. `"focal"` (Lin et al., ICCV 2017): images that are predicted well count less.
            `"logit_adjusted"` (Menon et al., ICLR 2021): the loss, and only the loss, adds `tau` × log frequency to the logits.
            With a `tau` of 1 the model's own probabilities are then those of a population in which all classes are equally
            frequent, not those of the training set.
        tau: The strength of the logit adjustment: 0 for none, 1 for full.
        focus: The exponent gamma of the focal loss.
        ema: The momentum of the moving average of the weights, which is what validation measures and the model keeps; 0 for
            no average.
        precision: `"float32"`, `"mixed_bfloat16"`, or `"auto"` to time both on this machine for this model and use the faster.
            The trained model is float32 in every case.
        balance_sources: Whether to show the images of each source equally often within a class, by a factor of at most four.

    Raises:
        DetectorError: A value is out of its range.

    Examples:
        >>> Recipe.named("default").loss
        'logit_adjusted'
    """

    name: str = "assignment"
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    patience: int = 10
    augmentation: Augmentation | None = field(default_factory=Augmentation)
    head_epochs: int = 3
    fine_tuning: float = 0.1
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup: float = 0.0
    label_smoothing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    loss: str = "plain"
    tau: float = 1.0
    focus: float = 2.0
    ema: float = 0.0
    precision: str = "float32"
    balance_sources: bool = False

    _repr_html_ = notebook_view

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise DetectorError(f"name={self.name!r}; expected a text")
        if not isinstance(self.balance_sources, bool):
            raise DetectorError(f"balance_sources={self.balance_sources!r}; expected True or False")
        if self.augmentation is not None and not isinstance(self.augmentation, Augmentation):
            raise DetectorError(f"augmentation={self.augmentation!r}; expected an Augmentation, or None")
        _check_optimizer(self.optimizer)
        _check_choice("schedule", self.schedule, SCHEDULES)
        _check_choice("loss", self.loss, LOSSES)
        _check_choice("precision", self.precision, PRECISIONS)
        _check_counts(self, ("patience", "head_epochs"))
        _check_range(self, ("learning_rate", "weight_decay", "fine_tuning", "tau", "focus"), 0)
        if not self.learning_rate:
            raise DetectorError("learning_rate=0; expected a number over 0, such as 0.001")
        # 0 fine-tunes nothing and decays nothing, and that may be wanted; a rate that only rounds to 0 is not.
        if self.learning_rate < _LEAST_RATE:
            raise DetectorError(
                f"learning_rate={self.learning_rate!r}; expected at least {_LEAST_RATE:g}: a smaller number is 0 in training"
            )
        _check_range(self, ("warmup", "label_smoothing", "ema"), 0, 0.9999)  # at 1 nothing would be learnt
        _check_range(self, ("mixup", "cutmix"), 0, 1)
        if self.mixup + self.cutmix > 1:
            raise DetectorError(
                f"mixup={self.mixup} and cutmix={self.cutmix} are shares of the same images; expected a sum of at most 1"
            )

    @classmethod
    def named(cls, name: str) -> "Recipe":
        """Return one of the library's recipes by its name.

        Args:
            name: `"assignment"`, `"default"` or `"strong"`.

        Returns:
            The recipe.

        Raises:
            DetectorError: No recipe has this name; the message has the most similar one.

        Examples:
            >>> Recipe.named("strong").cutmix
            0.25
        """
        return find_recipe(name)


# Changes that occur between dermoscopes, cameras and rooms, and leave the diagnosis recognisable.
_DERMOSCOPY = Augmentation(
    flip="horizontal_and_vertical",  # a lesion has no upright orientation
    rotation=0.5,
    zoom=0.15,
    shift=0.05,
    aspect=0.1,
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
    white_balance=0.08,
)
# For sources unlike those of training: also artefacts, bad light and blur.
_HARSH = Augmentation(
    flip="horizontal_and_vertical",
    rotation=0.5,
    zoom=0.25,
    shift=0.1,
    aspect=0.2,
    brightness=0.3,
    contrast=0.3,
    saturation=0.4,
    white_balance=0.15,
    shading=0.3,
    blur=0.2,
    hair=0.25,
    ruler=0.1,
)
_DEFAULT = Recipe(
    name="default",
    optimizer="adamw",
    patience=15,  # a cosine schedule improves most at its end
    augmentation=_DERMOSCOPY,
    weight_decay=0.01,
    schedule="cosine",
    warmup=0.05,
    label_smoothing=0.05,
    loss="logit_adjusted",
    ema=0.99,
    precision="auto",
)
_STRONG = Recipe(
    name="strong",
    optimizer="adamw",
    patience=30,
    augmentation=_HARSH,
    weight_decay=0.05,
    schedule="cosine",
    warmup=0.05,
    label_smoothing=0.1,
    mixup=0.25,
    cutmix=0.25,
    loss="logit_adjusted",
    ema=0.995,
    precision="auto",
    balance_sources=True,
)

RECIPES: dict[str, Recipe] = {"assignment": Recipe(), "default": _DEFAULT, "strong": _STRONG}


def find_recipe(recipe: str | Recipe) -> Recipe:
    """Return the recipe of a name; a recipe is returned as it is.

    Args:
        recipe: A name, or a recipe.

    Returns:
        The recipe.

    Raises:
        DetectorError: No recipe has this name; the message has the most similar one.

    Examples:
        >>> find_recipe("assignment").augmentation.rotation
        0.1
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe not in RECIPES:
        hint = did_you_mean(recipe, RECIPES)
        raise DetectorError(f"no recipe is called {recipe!r}; {hint}expected one of {', '.join(RECIPES)}")
    return RECIPES[recipe]
