"""Recipes and their checks."""

from dataclasses import replace

import keras
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.training.recipes import OPTIMIZERS, find_recipe


def test_assignment_recipe():
    recipe = find_recipe("assignment")
    assert (recipe.optimizer, recipe.augmentation) == ("adam", md.Augmentation("horizontal", 0.1, 0.1))


def test_assignment_recipe_has_no_other_options():
    recipe = find_recipe("assignment")
    assert recipe == md.Recipe()
    assert (recipe.learning_rate, recipe.patience, recipe.schedule, recipe.loss) == (1e-3, 10, "constant", "plain")
    off = ("weight_decay", "warmup", "label_smoothing", "mixup", "cutmix", "ema", "balance_sources")
    assert not any(getattr(recipe, name) for name in off)
    others = set(vars(recipe.augmentation)) - {"flip", "rotation", "zoom"}
    assert not any(getattr(recipe.augmentation, name) for name in others)


def test_recipes_can_be_printed_and_changed():
    for name in ("assignment", "default", "strong"):
        recipe = md.Recipe.named(name)
        assert recipe.name == name
        assert f"name='{name}'" in repr(recipe)
        assert replace(recipe, learning_rate=2e-4).learning_rate == 2e-4
    assert md.Recipe.named("strong").mixup
    assert md.Recipe.named("default").ema


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "focl"}, "did you mean 'focal'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"precision": "float16"}, "expected one of auto, float32, mixed_bfloat16"),
        ({"ema": 1.0}, "ema=1.0; expected 0 to"),
        ({"mixup": 0.7, "cutmix": 0.7}, "a sum of at most 1"),
        ({"learning_rate": -1}, "learning_rate=-1; expected a number, 0 or more"),
        ({"learning_rate": 0}, "learning_rate=0; expected a number over 0"),
        ({"learning_rate": "0.1"}, "learning_rate='0.1'; expected a number"),
        ({"learning_rate": float("nan")}, "learning_rate=nan; expected a number"),
        ({"learning_rate": 10**400}, "learning_rate=1000+; expected a number, 0 or more"),
        ({"learning_rate": 10**9999}, "learning_rate=a number of 33,2.. bits; expected a number"),
        ({"learning_rate": 1e-60}, "learning_rate=1e-60; expected at least 1e-30: a smaller number is 0 in training"),
        ({"learning_rate": 1e39}, r"learning_rate=1e\+39; expected at most 1e\+30: a larger number is infinite"),
        ({"weight_decay": float("inf")}, "weight_decay=inf; expected a number, 0 or more"),
        ({"label_smoothing": 1}, "label_smoothing=1; expected 0 to 0.9999"),
        ({"fine_tuning": -0.1}, "fine_tuning=-0.1; expected a number, 0 or more"),
        ({"weight_decay": -1}, "weight_decay=-1"),
        ({"tau": None}, "tau=None"),
        ({"focus": True}, "focus=True"),
        ({"patience": 2.5}, r"patience=2\.5; expected a whole number, 0 or more"),
        ({"head_epochs": -1}, "head_epochs=-1; expected a whole number"),
        ({"optimizer": "adm"}, "optimizer='adm'; did you mean 'adam'"),
        ({"optimizer": 3}, "optimizer=3; expected one of"),
        ({"loss": ["focal"]}, r"loss=\['focal'\]; .*expected one of plain"),
        ({"augmentation": "strong"}, "augmentation='strong'; expected an Augmentation, or None"),
        ({"balance_sources": 1}, "balance_sources=1; expected True or False"),
        ({"name": None}, "name=None; expected a text"),
    ],
)
def test_recipe_value_out_of_range_raises(change, message):
    with pytest.raises(DetectorError, match=message):
        replace(md.Recipe(), **change)


def test_augmentation_value_out_of_range_raises():
    with pytest.raises(DetectorError, match=r"rotation=36; expected 0 to 0\.5"):
        md.Augmentation(rotation=36)
    with pytest.raises(DetectorError, match="did you mean 'horizontal'"):
        md.Augmentation(flip="horisontal")
    with pytest.raises(DetectorError, match=r"zoom='10 %'; expected 0 to 0\.9"):
        md.Augmentation(zoom="10 %")


def test_every_optimizer_of_keras_is_known():
    wrappers = {"optimizer", "lossscaleoptimizer", "multioptimizer", "optimizermap"}
    assert set(OPTIMIZERS) == set(keras.src.optimizers.ALL_OBJECTS_DICT) - wrappers
    assert md.Recipe(optimizer="AdamW").optimizer == "AdamW"
    assert md.Recipe(optimizer="mine>Own").optimizer == "mine>Own"


def test_custom_recipe_is_returned_unchanged():
    mine = replace(find_recipe("assignment"), name="mine", learning_rate=1e-4)
    assert find_recipe(mine) is mine


def test_unknown_name_suggests_a_similar_one():
    with pytest.raises(DetectorError, match="did you mean 'assignment'"):
        find_recipe("asignment")
