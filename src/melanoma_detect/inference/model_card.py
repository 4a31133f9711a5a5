"""The model card of a detector, as Markdown: intended use, training data, operating points, metrics, limitations.

The items are those of Mitchell et al. 2019 ("Model Cards for Model Reporting", doi 10.1145/3287560.3287596) and of CLEAR Derm
(Daneshjou et al. 2022, doi 10.1001/jamadermatol.2021.4915).
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.image_types import IMAGE_TYPES, TYPE_PLURALS
from melanoma_detect.inference.localization import describe_localization
from melanoma_detect.inference.metrics_section import describe_metrics
from melanoma_detect.inference.operating_points import SENSITIVITIES, TARGETS, OperatingPoint, lesions_needed
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.markdown import markdown_prose, markdown_text

# Of melanoma among images: screening, a dermatologist's practice, and a collection of suspicious lesions.
_PREVALENCES = (0.01, 0.05, 0.2)
_USELESS = 0.01  # a specificity under it
_UNKNOWN = {"images": "an unknown number of", "name": "unknown"}  # what a recipe does not say


def model_card(config: DetectorConfig) -> str:
    """Return the model card of a detector.

    Args:
        config: The detector's configuration.

    Returns:
        Markdown.

    Examples:
        >>> print(model_card(detector.predictor.config))
        # Model card: cnn
        ...
    """
    return "\n".join(_lines(config)) + "\n"


def _lines(config: DetectorConfig) -> Iterator[str]:
    yield f"# Model card: {markdown_text(config.name)}"
    yield from ("", DISCLAIMER, "")
    yield from ("## Intended use", "")
    yield (
        f"Research and teaching on {_judged(config)} of single skin lesions: to sort images by risk, and to alert a "
        f"dermatologist. Not for self-diagnosis, {_photographs(config)}for mucosa, nails or scars, or for any decision that no "
        "person reviews."
    )
    yield from ("", "## Classes", "", ", ".join(map(markdown_text, config.classes)) + ".")
    yield from ("", "## Training data", "")
    recipe = config.recipe
    images, name = (markdown_text(recipe.get(key, unknown)) for key, unknown in _UNKNOWN.items())
    yield f"{images} training images; recipe {name}."
    yield from (f"- {markdown_text(name)}: {markdown_prose(text)}" for name, text in config.notes.items())
    yield from ("", "## Operating points", "")
    yield from _points_by_type(config)
    if config.localizations:
        yield from ("", "## Local calibration")
    for record in config.localizations:
        yield ""
        yield from describe_localization(record)
    yield from ("", "## Metrics", "")
    yield from describe_metrics(config.metrics)
    yield from ("", "## Limitations", "")
    yield (
        "The metrics hold for images like those they were measured on. Few public collections show dark skin: how well the "
        "detector works there is not known. In many collections the diagnosis also correlates with the camera and the "
        "hospital, and a network learns that: on images from elsewhere, expect lower metrics than on the same collection. The "
        "detector abstains from images that are unlike its training images; a person must then look."
    )
    made_with = (markdown_text(f"{name} {version}") for name, version in config.made_with.items())
    yield from ("", "## Made with", "", ", ".join(made_with))


def _judges_photographs(config: DetectorConfig) -> bool:
    return bool(config.clinical) and "clinical" not in config.referred_types


def _judged(config: DetectorConfig) -> str:
    """Return the types of image that the detector judges."""
    both = "dermoscopy images and clinical photographs (without a dermatoscope)"
    if "dermoscopy" in config.referred_types:
        return TYPE_PLURALS["clinical"]
    return both if _judges_photographs(config) else TYPE_PLURALS["dermoscopy"]


def _photographs(config: DetectorConfig) -> str:
    return "" if _judges_photographs(config) else "for photographs without a dermatoscope, "


def _points_by_type(config: DetectorConfig) -> Iterator[str]:
    """Yield the operating points of each type of image that the detector tells apart."""
    if not config.clinical and not config.referred_types:
        yield from _operating_points(config, config.settings)
        return
    yield from (
        "The detector tells dermoscopy from clinical photographs, and each has its own calibration and thresholds, set on the "
        "validation images that it recognises as that type; it takes a few of each type for the other.",
        "",
    )
    for image_type in IMAGE_TYPES:
        yield from (f"### {TYPE_PLURALS[image_type].capitalize()}", "")
        if image_type in config.referred_types:
            yield f"- Always referred: the detector does not judge {TYPE_PLURALS[image_type]}."
        else:
            settings = replace(config.settings, image_type=image_type)
            yield f"- Temperature {config.calibration(settings.views, image_type).temperature:.3f}."
            yield from _operating_points(config, settings)
        yield ""


def _operating_points(config: DetectorConfig, settings: Settings) -> Iterator[str]:
    calibration = config.calibration(settings.views, settings.image_type)
    own = config.operating_point(settings)
    if own is not None:
        yield f"- {own}."
        yield from (f"    - {own.at_prevalence(prevalence)}." for prevalence in _PREVALENCES)
        before = " (or was before the local calibration)" if config.localizations else ""
        yield (
            f"    - An image without an alert is referred, not cleared, if its most probable diagnosis is malignant{before}, "
            f"or if its probability of any malignant diagnosis reaches {own.malignant_threshold:.3f}."
        )
        yield from _by_source(own)
    for target, sensitivity in product(TARGETS, SENSITIVITIES):
        if (target, sensitivity) == (settings.target, settings.sensitivity) and own is not None:
            continue
        try:
            point = calibration.operating_point(sensitivity, target)
            useless = "; it alerts to nearly every image, and is of no use" if point.specificity < _USELESS else ""
            yield f"- {point}{useless}."
        except DetectorError as error:
            yield f"- {target}, {100 * sensitivity:g}% sensitivity: not offered: {error}."


def _by_source(point: OperatingPoint) -> Iterator[str]:
    """Yield the sensitivity on each source of validation, the lowest first, and which sources are too small to be listed."""
    ordered = sorted(point.sources, key=lambda source: source.sensitivity)
    texts = [
        f"{markdown_text(source.source)} {source.sensitivity:.1%} [{source.interval[0]:.1%}, {source.interval[1]:.1%}] of "
        f"{source.lesions} lesions"
        for source in ordered
        if source.decides
    ]
    if texts:
        yield f"    - The sensitivity on each source of validation, the lowest first: {'; '.join(texts)}."
    if few := [f"{markdown_text(source.source)} ({source.lesions})" for source in ordered if not source.decides]:
        needed = lesions_needed(point.goal)
        yield f"    - Sources with fewer than {needed} lesions of the target show too few to be listed: {', '.join(few)}."
