"""The model card: what a detector is for, what it learnt from, how good it is and where it fails, for people.

The items are those of Mitchell et al. 2019 ("Model Cards for Model Reporting", doi 10.1145/3287560.3287596) and of CLEAR Derm
(Daneshjou et al. 2022, doi 10.1001/jamadermatol.2021.4915).
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.operating_points import GOALS, TARGETS, lesions_needed
from melanoma_detect.utils.disclaimer import DISCLAIMER

_FIGURES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "melanoma_auc": "melanoma ROC AUC",
    "sensitivity": "melanomas with an alert, at its own threshold",
    "missed": "melanomas that it clears there; the others are referred",
    "specificity": "other images that it clears there",
    "coverage": "images that it judges",
    "specificity_at_95": "specificity where 95 % of the melanomas are found",
    "spared": "benign images that need no review there",
    "ece": "calibration error of the probability of melanoma (ECE)",
}
_PREVALENCES = (0.01, 0.05, 0.2)


def model_card(config: DetectorConfig) -> str:
    """Write the model card of a detector.

    Args:
        config: What the detector's numbers mean.

    Returns:
        Markdown.

    Examples:
        >>> print(model_card(detector.predictor.config))
        # Model card: cnn
        ...
    """
    return "\n".join(_lines(config)) + "\n"


def _lines(config: DetectorConfig) -> Iterator[str]:
    yield f"# Model card: {config.title or config.architecture.get('name', 'model')}"
    yield from ("", DISCLAIMER, "")
    yield from ("## Intended use", "")
    yield (
        "Research and teaching on dermoscopy images of single skin lesions: to sort images by risk, and to alert a "
        "dermatologist. Not for: self-diagnosis, photographs without a dermatoscope, mucosa, nails, scars, or any decision "
        "without a person who looks."
    )
    yield from ("", "## What it tells apart", "", ", ".join(config.classes) + ".")
    yield from ("", "## What it learnt from", "")
    recipe = config.recipe
    yield f"{recipe.get('images', 'an unknown number of')} training images; recipe {recipe.get('name', 'unknown')}."
    yield from (f"- {name}: {text}" for name, text in config.notes.items())
    yield from ("", "## Where it alerts", "")
    yield from _points(config)
    yield from ("", "## How good it is", "")
    yield from _figures(config.figures)
    yield from ("", "## Where it fails", "")
    yield (
        "Its figures hold for images like those it was measured on. Few public collections show dark skin: how well it works "
        "there is not known. Collections also tell their classes by camera and hospital, and a network learns that: images "
        "from elsewhere are harder than figures on the same collection say. It abstains from what is unlike its training "
        "images, and abstaining always means that a person must look."
    )
    yield from ("", "## Made with", "", ", ".join(f"{name} {version}" for name, version in config.made_with.items()))


def _points(config: DetectorConfig) -> Iterator[str]:
    scores = config.calibration(config.settings.views).scores
    own = config.point(config.settings)
    if own is not None:
        yield f"- {own}."
        yield from (f"    - {own.at_prevalence(share)}." for share in _PREVALENCES)
    for target, goal in product(TARGETS, GOALS):
        if (target, goal) == (config.settings.target, config.settings.sensitivity) and own is not None:
            continue
        there, needed = (scores[target].positive_lesions if target in scores else 0), lesions_needed(goal)
        if there < needed:
            why = f"it takes {needed} lesions in validation, and there are {there}"
            yield f"- {target}, {goal:.0%} sensitivity: not offered; {why}."
        else:
            yield f"- {scores[target].point(goal)}."


def _figures(figures: Mapping[str, Any]) -> Iterator[str]:
    if not figures:
        yield "It was not measured when it was saved."
    for split, found in figures.items():
        yield f"On {found['images']} {split} images of {found['lesions']} lesions, each with its 95 % interval:"
        yield from ("", "| figure | value | 95 % interval |", "|---|---|---|")
        for name, title in _FIGURES.items():
            figure = found["figures"].get(name)
            if figure and figure["value"] is not None:
                yield f"| {title} | {figure['value']:.3f} | {figure['low']:.3f} to {figure['high']:.3f} |"
        yield ""
        recalls = {label: one for label, one in found.get("recall", {}).items() if one["value"] is not None}
        if recalls:
            told = (
                f"{label} {one['value']:.2f} [{one['low']:.2f}, {one['high']:.2f}]"
                for label, one in sorted(recalls.items(), key=lambda item: item[1]["value"])
            )
            yield from (f"Images of each diagnosis that are called so, the worst first: {'; '.join(told)}.", "")
        if found.get("shortcuts"):
            yield from (found["shortcuts"]["verdict"], "")
