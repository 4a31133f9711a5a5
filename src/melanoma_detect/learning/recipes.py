"""How to train, as plain data: print it, change it with `dataclasses.replace`, hand it to `Detector.fit`."""

import difflib
from dataclasses import dataclass, field

from melanoma_detect.errors import DetectorError


@dataclass(frozen=True)
class Augmentation:
    """Random changes to each training picture, anew in each epoch.

    Attributes:
        flip: `"horizontal"`, `"vertical"`, `"horizontal_and_vertical"`, or None.
        rotation: The largest turn either way, in whole turns: 0.1 is 36 degrees.
        zoom: The largest zoom in or out, as a share: 0.1 is 10 %.
    """

    flip: str | None = "horizontal"
    rotation: float = 0.1
    zoom: float = 0.1


@dataclass(frozen=True)
class Recipe:
    """Everything about a training but the model, the data and the number of epochs.

    Attributes:
        name: What the recipe is called.
        optimizer: A name that Keras knows.
        learning_rate: The optimiser's step.
        patience: Epochs without a lower validation loss before training stops; the best weights are kept.
        augmentation: Random changes to the pictures, or None.
        head_epochs: For a model with a pretrained layer named `backbone`: how many epochs train the head alone, before the
            parts of the backbone that may be trained join in. 0 for none.
        fine_tuning: The learning rate from then on, as a share of `learning_rate`.
    """

    name: str = "assignment"
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    patience: int = 10
    augmentation: Augmentation | None = field(default_factory=Augmentation)
    head_epochs: int = 3
    fine_tuning: float = 0.1


RECIPES: dict[str, Recipe] = {"assignment": Recipe()}


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
        close = difflib.get_close_matches(recipe, RECIPES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise DetectorError(f"no recipe is called {recipe!r}; {hint}There are: {', '.join(RECIPES)}")
    return RECIPES[recipe]
