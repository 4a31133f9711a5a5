"""What is known about a detector's model, use and performance: the facts of a checklist's items on technique and application.

Each function takes the facts and returns sentences; an empty text where nothing is recorded.
"""

import math

from melanoma_detect.evaluation.independent_units import PLURALS as UNIT_PLURALS
from melanoma_detect.report.checklist_facts import (
    Facts,
    describe_figures,
    describe_seen,
    join,
    known,
    sentence,
    with_interval,
)
from melanoma_detect.utils.counts import count_noun

_LOSSES = {
    "weighted": "The loss weights classes by their inverse frequency.",
    "focal": "The focal loss counts images that are predicted well less.",
    "logit_adjusted": "The loss adds the log frequency of each class to its logit (logit adjustment).",
}


def task(facts: Facts) -> str:
    """What is predicted, from what, and whether the report develops or evaluates."""
    config = facts.config
    does = "Development and evaluation" if facts.evaluation or config.metrics else "Development"
    return (
        f"{does} of a diagnostic image classifier, {config.description}: from one image of a skin lesion, the probabilities of "
        f"{', '.join(config.classes)}, and an alert to {config.settings.target}."
    )


def intended_use(facts: Facts) -> str:
    """For whom and what the detector is meant."""
    return facts.card("Intended use")


def preprocessing(facts: Facts) -> str:
    """How an image becomes the model's input, and which images are not judged."""
    config, limits = facts.config, facts.config.input_limits
    height, width = config.image_size
    text = f"An image is read as 8-bit sRGB and brought to {height}×{width} pixels ({config.resize})."
    checks = []
    if limits.side:
        checks.append(f"a shorter side under {limits.side} pixels")
    if limits.sharpness:
        checks.append(f"a sharpness under {limits.sharpness:g} grey levels")
    if limits.dark or limits.bright < 255:
        checks.append(f"a brightness outside {limits.dark:g} to {limits.bright:g}")
    if limits.colour:
        checks.append("no colour")
    return f"{text} Images with {' or '.join(checks)} are referred to a person." if checks else text


def model(facts: Facts) -> str:
    """The model and how it was trained."""
    architecture, recipe = facts.config.architecture, facts.config.recipe
    if not architecture.get("name"):
        return ""
    options = ", ".join(f"{name}={value}" for name, value in architecture.get("options", {}).items())
    trained = ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in recipe.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    )
    return join(
        f"{architecture['name']} ({architecture.get('package', '')} {architecture.get('version', '')}"
        f"{', ' + options if options else ''}), input {'×'.join(map(str, facts.config.image_size))}.",
        f"Recipe: {trained}." if trained else "",
        f"The weights are those of epoch {facts.config.best_epoch}." if facts.config.best_epoch else "",
        facts.note("network"),
    )


def imbalance(facts: Facts) -> str:
    """How rare classes were handled."""
    recipe, calibration = facts.config.recipe, facts.config.calibrations.get(1)
    return join(
        _LOSSES.get(str(recipe.get("loss")), ""),
        "Images of each source are shown equally often within a class." if recipe.get("balance_sources") else "",
        "Calibration restores the class frequencies of validation." if calibration and calibration.bias else "",
    )


def output(facts: Facts) -> str:
    """What comes out, and how thresholds were set."""
    point = facts.config.operating_point(facts.config.settings)
    return join(
        "A probability of each diagnosis, a conformal prediction set, and a decision: alert, clear or refer.",
        f"Threshold: {point}." if point else "There is no alert threshold: every image is referred to a person.",
    )


def measures(facts: Facts) -> str:
    """Which measures the evaluation gives."""
    units = UNIT_PLURALS[facts.evaluation.get("unit", "lesion")]
    return (
        "Discrimination: ROC AUC, its part above 80 % sensitivity, sensitivity and specificity at the operating point, recall "
        "and precision of each class, confusion matrix. Calibration: curve, expected calibration error, Brier score. Clinical "
        "utility: decision curve (net benefit), predictive values by prevalence. Each with a 95 % interval from a bootstrap "
        f"over {units}. Two detectors are compared by a paired bootstrap on the same images."
    )


def performance(facts: Facts) -> str:
    """The main figures, set by set."""
    texts = [
        f"{name}: {describe_figures(measured)}{describe_seen(measured)}"
        for name, measured in facts.measured.items()
        if describe_figures(measured)
    ]
    return sentence("; ".join(texts)) if texts else ""


def updating(facts: Facts) -> str:
    """Whether the detector was recalibrated on a clinic's own images."""
    texts = [
        f"Recalibrated on {count_noun(record['images'], 'image')} of {count_noun(record['lesions'], 'lesion')} from "
        f"{record['data']}; figures before and after are in the model card."
        for record in facts.config.localizations
    ]
    return " ".join(texts) or "The detector records no recalibration on local images."


def unfamiliar(facts: Facts) -> str:
    """How unfamiliar images are handled."""
    thresholds = [calibration.ood_threshold for calibration in facts.config.calibrations.values()]
    if not any(map(math.isfinite, thresholds)):
        return ""
    coverage = facts.evaluation.get("figures", {}).get("coverage")
    share = (
        f" In this evaluation it judges {with_interval(coverage)} of the images (coverage)." if known(coverage) else ""
    )
    return f"The detector abstains from images that are unlike its training images, and refers them to a person.{share}"


def shortcuts(facts: Facts) -> str:
    """What the test for shortcuts found."""
    found = [measured["shortcuts"]["verdict"] for measured in facts.measured.values() if measured.get("shortcuts")]
    return found[0] if found else ""


def limitations(facts: Facts) -> str:
    """The limits that the model card names."""
    return facts.card("Limitations")


def availability(facts: Facts) -> str:
    """How others can run the model."""
    versions = ", ".join(f"{name} {version}" for name, version in facts.config.made_with.items())
    return join(
        "The detector is one file without code or pickle, which runs on ONNX Runtime through melanoma-detect "
        "(`melanoma_detect.Detector.load`, or `melanoma-detect predict`), and can be exported to ONNX, LiteRT and SavedModel.",
        facts.note("licence", "license"),
        f"Made with {versions}." if versions else "",
    )


def computed(_: Facts) -> str:
    """How the predictions of an evaluation are computed."""
    return "By `melanoma_detect.Detector.evaluate`, from the file alone, with the pixels that prediction sees."


def code(facts: Facts) -> str:
    """Where the code is."""
    version = facts.config.made_with.get("melanoma-detect", "")
    return (
        f"Data preparation, training and evaluation: melanoma-detect {version}, MIT licence, with fixed seeds.".replace(
            "  ", " "
        )
    )


def interaction(_: Facts) -> str:
    """What a user does."""
    return (
        "A user gives one image with the lesion in the middle and reads the decision; nothing is marked or measured by hand. "
        "A dermatologist decides."
    )


def poor_input(facts: Facts) -> str:
    """What happens to poor images."""
    return join(preprocessing(facts), unfamiliar(facts))
