"""What a notebook shows of operating points, recipes, architectures and scores. Needs Jinja only: no pandas, no Keras."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Protocol

from melanoma_detect.inference.detector_argument import SupportsPredictor
from melanoma_detect.inference.image_types import TYPE_PLURALS
from melanoma_detect.inference.operating_points import PLURALS, OperatingPoint
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.report.notebook_parts import fill_template
from melanoma_detect.report.notebook_prediction import KINDS, class_kind
from melanoma_detect.training.recipes import RECIPES, Augmentation, Recipe

if TYPE_CHECKING:
    from melanoma_detect.evaluation.measured_points import MeasuredPoint
    from melanoma_detect.models.info import ModelInfo
    from melanoma_detect.models.registry import ModelList

_PREVALENCES = (0.01, 0.05, 0.2)  # screening, a general practice, a specialist's clinic


class SupportsCounts(Protocol):
    """What a view needs of `Scores`, whose package stands above this one."""

    out: str
    images: int
    alerts: int
    clears: int
    refers: int


def operating_point(value: OperatingPoint) -> str:
    """Show an operating point: its sensitivity and specificity with intervals, by source, and what an alert is worth.

    Args:
        value: The operating point.

    Returns:
        HTML.

    Examples:
        >>> "sensitivity" in operating_point(detector.operating_point)
        True
    """
    rows = [*_rates(value), *((f"sensitivity on {one.source}", one.sensitivity, one.interval) for one in value.sources)]
    values = [value.at_prevalence(share) for share in _PREVALENCES]
    return fill_template("operating_point", point=value, rows=rows, values=values, plural=PLURALS[value.target])


def detector(value: SupportsPredictor) -> str:
    """Show a detector: what it tells apart, and its operating points.

    Args:
        value: A `Detector`.

    Returns:
        HTML.

    Examples:
        >>> "9 classes" in md.Detector.load()._repr_html_()
        True
    """
    predictor = value.predictor
    types = predictor.image_types
    points = [(TYPE_PLURALS[name], predictor.at(image_type=name).operating_point) for name in types]
    points = points or [("all images", predictor.operating_point)]
    return fill_template(
        "detector",
        predictor=predictor,
        classes=[(label, class_kind(label)) for label in predictor.classes],
        kinds=KINDS.items(),
        points=[(name, point, _rates(point) if point else []) for name, point in points],
        recipe=predictor.config.recipe,
        title=_title(predictor),
        named=predictor.config.recipe.get("name") in RECIPES,
    )


def measured_point(value: "MeasuredPoint") -> str:
    """Show an operating point as it was measured on other images than those that it was set on.

    Args:
        value: The measured point.

    Returns:
        HTML.

    Examples:
        >>> "set for 60" in measured_point(detector.evaluate(data.test).measured_points()[0])
        True
    """
    rows = [
        (name, figure.value, (figure.low, figure.high))
        for name, figure in (("sensitivity", value.sensitivity), ("specificity", value.specificity))
    ]
    return fill_template("measured_point", point=value.point, rows=rows, plural=PLURALS[value.point.target])


def recipe(value: Recipe) -> str:
    """Show a recipe: every setting, those that differ from the recipe `"assignment"` in bold.

    Args:
        value: The recipe.

    Returns:
        HTML.

    Examples:
        >>> "logit_adjusted" in recipe(md.Recipe.named("default"))
        True
    """
    augmentation = value.augmentation
    return fill_template(
        "recipe",
        recipe=value,
        settings=[row for row in _settings(value, Recipe()) if row[0] not in ("name", "augmentation")],
        changes=_settings(augmentation, Augmentation()) if augmentation else [],
    )


def model_info(value: "ModelInfo") -> str:
    """Show what is known of an architecture: its size, its options and where it comes from.

    Args:
        value: The information.

    Returns:
        HTML.

    Examples:
        >>> "3,989,801 parameters" in model_info(md.model_info("cnn"))
        True
    """
    return fill_template("model_info", info=value)


def model_list(value: "ModelList") -> str:
    """Show the installed architectures as a table.

    Args:
        value: From `md.list_models`.

    Returns:
        HTML.

    Examples:
        >>> "lesion_net" in model_list(md.list_models())
        True
    """
    return fill_template("model_list", entries=value)


def scores(value: SupportsCounts) -> str:
    """Show how many images have which decision, and where the table is.

    Args:
        value: From `md.score`.

    Returns:
        HTML.

    Examples:
        >>> "scored" in scores(md.score(isic9 / "Test" / "nevus", out="scores.csv", detector=detector, progress=False))
        True
    """
    counts = (("alert", "d", value.alerts), ("refer", "e", value.refers), ("clear", "a", value.clears))
    total = value.images or 1
    return fill_template("scores", scores=value, shares=[(*each, each[2] / total) for each in counts])


def _title(predictor: Predictor) -> str:
    """Return a detector's description as a title; the name of an architecture stays as it is written."""
    name, text = predictor.config.architecture.get("name"), predictor.description
    return text if name and text.startswith(name) else text[:1].upper() + text[1:]


def _rates(point: OperatingPoint) -> list[tuple[str, float, tuple[float, float]]]:
    return [
        (f"sensitivity, of {point.positives:,} {PLURALS[point.target]}", point.sensitivity, point.sensitivity_interval),
        (f"specificity, of {point.negatives:,} others", point.specificity, point.specificity_interval),
    ]


def _settings(value: Any, usual: Any) -> list[tuple[str, Any, bool]]:
    """Return each field with its value, and whether it differs from the usual one."""
    names = [field.name for field in fields(value)]
    return [(name, getattr(value, name), getattr(value, name) != getattr(usual, name)) for name in names]
