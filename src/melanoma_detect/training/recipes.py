"""How to train, as plain data: print it, change it with `dataclasses.replace`, hand it to `Detector.fit`."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from melanoma_detect.errors import DetectorError

FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")
LOSSES = ("plain", "weighted", "focal", "logit_adjusted")
SCHEDULES = ("constant", "cosine")
PRECISIONS = ("auto", "float32", "mixed_bfloat16")
_SHARES = ("blur", "hair", "ruler")
_CHANGES = ("zoom", "shift", "aspect", "brightness", "contrast", "saturation", "white_balance", "shading")


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}? " if close else ""


def _refuse_unknown(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise DetectorError(f"{what}={value!r}; {_hint(str(value), known)}expected one of {', '.join(known)}")


def _refuse_outside(holder: Any, names: Iterable[str], least: float, most: float) -> None:
    for name in names:
        if not least <= getattr(holder, name) <= most:
            raise DetectorError(f"{name}={getattr(holder, name)}; expected {least} to {most}")


@dataclass(frozen=True)
class Augmentation:
    """Random changes to each training image, anew in each epoch.

    Attributes:
        flip: `"horizontal"`, `"vertical"`, `"horizontal_and_vertical"`, or None.
        rotation: The largest turn either way, in whole turns: 0.1 is 36 degrees, 0.5 any turn there is.
        zoom: The largest zoom in or out, as a share: 0.1 is 10 %.
        shift: The largest shift along each axis, as a share of the image.
        aspect: The largest stretch of one axis against the other, as a share.
        brightness: The largest change of the light, as a share.
        contrast: The largest change of the distance from the image's mean, as a share.
        saturation: The largest change of the distance from grey, as a share.
        white_balance: The largest change of each channel on its own, as a share: another lamp, another camera.
        shading: The largest fall of the light from one side of the image to the other, as a share.
        blur: The share of images that lose resolution.
        hair: The share of images that get hairs drawn across them.
        ruler: The share of images that get a ruler's marks.

    Raises:
        DetectorError: A value is out of its range.
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
            _refuse_unknown("flip", self.flip, FLIPS)
        _refuse_outside(self, ("rotation",), 0, 0.5)
        _refuse_outside(self, _CHANGES, 0, 0.9)
        _refuse_outside(self, _SHARES, 0, 1)


@dataclass(frozen=True)
class Recipe:
    """Everything about a training but the model, the data and the number of epochs.

    Attributes:
        name: What the recipe is called.
        optimizer: A name that Keras knows.
        learning_rate: The optimiser's step, at its highest.
        patience: Epochs without a lower validation loss before training stops; the best weights are kept.
        augmentation: Random changes to the images, or None.
        head_epochs: For a model with a pretrained layer named `backbone`: how many epochs train the head alone, before the
            parts of the backbone that may be trained join in. 0 for none.
        fine_tuning: The learning rate from then on, as a share of `learning_rate`.
        weight_decay: What a step takes off every weight but biases and normalisation, as a share of the learning rate.
        schedule: `"constant"`, or `"cosine"`: down to a hundredth along half a cosine (Loshchilov and Hutter, ICLR 2017).
        warmup: The share of a cosine schedule's steps in which the learning rate rises to its height.
        label_smoothing: The share of each target that is spread over all classes (Szegedy et al., CVPR 2016).
        mixup: The share of training images that are blended with another (Zhang et al., ICLR 2018).
        cutmix: The share of training images that get a rectangle of another (Yun et al., ICCV 2019).
        loss: What rare classes are worth. `"plain"` cross-entropy; `"weighted"` by the inverse frequency of the class;
            `"focal"` (Lin et al., ICCV 2017), which weighs what is hard; or `"logit_adjusted"` (Menon et al., ICLR 2021):
            the loss, and only the loss, adds `tau` × log frequency to the logits. The model's own probabilities are then
            those of a population in which every class is equally frequent (for a `tau` of 1), not the training set's.
        tau: How far the logits are adjusted: 0 not at all, 1 in full.
        focus: Focal loss's exponent.
        ema: The momentum of the moving average of the weights, which validation measures and the model keeps; 0 for none.
        precision: `"float32"`, `"mixed_bfloat16"`, or `"auto"`: times both on this machine for this model and takes the faster.
            The model that results is float32 in every case.
        balance_sources: Show the images of each source equally often within a class, as far as a factor of four goes.

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

    def __post_init__(self) -> None:
        _refuse_unknown("schedule", self.schedule, SCHEDULES)
        _refuse_unknown("loss", self.loss, LOSSES)
        _refuse_unknown("precision", self.precision, PRECISIONS)
        _refuse_outside(self, ("warmup", "label_smoothing", "ema"), 0, 0.9999)
        _refuse_outside(self, ("mixup", "cutmix"), 0, 1)
        if self.mixup + self.cutmix > 1:
            raise DetectorError(
                f"mixup={self.mixup} and cutmix={self.cutmix} are shares of the same images; expected at most 1 in all"
            )

    @classmethod
    def named(cls, name: str) -> "Recipe":
        """Return one of the recipes that come with this library.

        Args:
            name: `"assignment"`, `"default"` or `"strong"`.

        Returns:
            The recipe.

        Raises:
            DetectorError: No recipe has this name.

        Examples:
            >>> Recipe.named("strong").cutmix
            0.25
        """
        return find_recipe(name)


_DERMOSCOPY = Augmentation(
    flip="horizontal_and_vertical",  # a lesion has no upright
    rotation=0.5,
    zoom=0.15,
    shift=0.05,
    aspect=0.1,
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
    white_balance=0.08,
)
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
    patience=15,  # a cosine's gain comes at its end
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
    """Return a recipe by its name, or the one given.

    Args:
        recipe: A name, or a recipe.

    Returns:
        The recipe.

    Raises:
        DetectorError: No recipe has this name.

    Examples:
        >>> find_recipe("assignment").augmentation.rotation
        0.1
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe not in RECIPES:
        raise DetectorError(f"no recipe is called {recipe!r}; {_hint(recipe, RECIPES)}There are: {', '.join(RECIPES)}")
    return RECIPES[recipe]
