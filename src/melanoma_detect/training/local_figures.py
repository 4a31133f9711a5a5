"""What a local calibration set and what it refused, and how good the detector was before and is after it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.metrics import calibration_gaps
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import Settings
from melanoma_detect.inference.decision_rules import DecisionRule
from melanoma_detect.inference.exact_intervals import clopper_pearson_interval, rank_interval
from melanoma_detect.inference.operating_points import PLURALS, TARGETS, OperatingPoint, Target, lesions_needed
from melanoma_detect.inference.prediction import target_scores
from melanoma_detect.training.calibrate import ACCEPTED, CalibrationInputs
from melanoma_detect.training.local_fit import LocalImages
from melanoma_detect.training.local_thresholds import Fold, distance_rank
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.counts import is_or_are


class LocalOutcome(NamedTuple):
    """A local calibration, with what it was fitted on.

    Attributes:
        old: The calibration before.
        new: The calibration after.
        validated: The folds of the cross-validation, each with what was fitted on the others.
        inputs: The model's outputs for the local images.
        images: Their labels and lesions.
        rejected: How many images are left out, because they cannot be judged, such as for blur.
    """

    old: Calibration
    new: Calibration
    validated: list[Fold]
    inputs: CalibrationInputs
    images: LocalImages
    rejected: int = 0


class _Answers(NamedTuple):
    """What a detector says of local images, `(n,)` each."""

    scores: Float64Array
    alert: NDArray[np.bool_]
    cleared: NDArray[np.bool_]
    abstained: NDArray[np.bool_]
    judged: NDArray[np.bool_]


def describe_outcome(outcome: LocalOutcome, settings: Settings) -> dict[str, Any]:
    """Return what was set and what was refused, as the record of a localisation holds it.

    Args:
        outcome: The local calibration.
        settings: How the detector is used.

    Returns:
        Numbers of images and lesions, and the lists `set` and `refused` of sentences.
    """
    images = outcome.images
    counts = {
        "images": len(images.groups),
        "rejected": outcome.rejected,
        "lesions": images.lesions(np.ones(len(images.groups), dtype=np.bool_)),
        "melanoma_lesions": _lesions_of(images, "melanoma"),
        "malignant_lesions": _lesions_of(images, "malignant"),
    }
    done = [
        *_probabilities_set(outcome),
        *(f"{point}" for target in TARGETS if (point := _own_point(outcome, settings, target)) is not None),
        *_thresholds_set(outcome),
    ]
    refused = [*_points_refused(outcome, settings), *_thresholds_refused(outcome)]
    return {**counts, "sensitivity": settings.sensitivity, "target": settings.target, "set": done, "refused": refused}


def measure_local(outcome: LocalOutcome, settings: Settings) -> dict[str, Any]:
    """Measure a detector on local images before and after it was localised.

    Args:
        outcome: The local calibration.
        settings: How the detector is used.

    Returns:
        `before`, and `after`: by cross-validation, since on the images that it was fitted on every calibration looks good. Each
        has metrics by name, as `Evaluation.figures` names them; those of decisions are left out where there is no threshold.
    """
    everything = np.ones(len(outcome.images.groups), dtype=np.bool_)
    before = _answers(outcome, outcome.old, everything, settings)
    parts = [
        (fold.rows, _answers(outcome, fold.calibration, fold.rows, _settings_of_fold(outcome, fold, settings)))
        for fold in outcome.validated
    ]
    after = _Answers._make(values.copy() for values in before)
    for rows, own in parts:
        for values, of_fold in zip(after, own, strict=True):
            values[rows] = of_fold
    figures = {}
    for name, answers, calibration in (("before", before, outcome.old), ("after", after, outcome.new)):
        decides = _point(calibration, settings.sensitivity, settings.target) is not None
        figures[name] = _figures(answers, outcome.images, settings.target, decides=decides)
    return figures


def find_broken_promise(outcome: LocalOutcome, settings: Settings) -> str:
    """Return a warning if the local images do not support the sensitivity, and the earlier threshold does not hold on them.

    Args:
        outcome: The local calibration.
        settings: How the detector is used.

    Returns:
        The warning; empty where the local lesions do not contradict the sensitivity that was promised.
    """
    point = _point(outcome.old, settings.sensitivity, settings.target)
    shown, known = outcome.images.sides(settings.target)
    shown = shown & known
    if point is None or not shown.any() or _own_point(outcome, settings, settings.target) is not None:
        return ""
    probabilities = outcome.old.probabilities(outcome.inputs.logits, outcome.images.classes)[shown]
    alert = target_scores(probabilities, outcome.images.classes, settings.target) >= point.threshold
    figure = _share(alert, np.ones(len(alert), dtype=np.bool_), outcome.images.groups[shown])
    if figure["high"] >= settings.sensitivity:
        return ""
    lesions = int(figure["lesions"])
    return (
        f"the earlier threshold was set for {100 * settings.sensitivity:g}% sensitivity, but of {lesions} local "
        f"{PLURALS[settings.target]} it finds {_interval_text(figure)}; {_in_force(outcome, settings, settings.target)}. "
        f"Localize with {lesions_needed(settings.sensitivity)} of them, or for {_highest(lesions):.0%} sensitivity, which "
        f"{lesions} support"
    )


def _probabilities_set(outcome: LocalOutcome) -> Iterator[str]:
    images, local = outcome.images, outcome.new.local
    old = outcome.old.probabilities(outcome.inputs.logits, images.classes)
    for target in TARGETS:
        shown, known = images.sides(target)
        if local is None or not known.any() or not target_scores(old, images.classes, target).any():
            continue
        count = int(known.sum())
        share = _share(shown[known], np.ones(count, dtype=np.bool_), images.groups[known])
        expected = target_scores(old[known], images.classes, target).mean()
        line = local.line(target)
        yield (
            f"the probability of {'melanoma' if target == 'melanoma' else 'any malignant diagnosis'}: {_interval_text(share)} "
            f"of {count} local images ({share['lesions']} lesions) show {PLURALS[target]}, where the detector expected "
            f"{expected:.1%}; log-odds "
            f"times {line.slope:.2f} {'plus' if line.intercept >= 0 else 'minus'} {abs(line.intercept):.2f}"
        )
    fine = images.targets[images.targets.sum(axis=1) == 1].argmax(axis=1)
    seen = [images.classes[column] for column in np.unique(fine).tolist()]
    yield f"how common each diagnosis is; the images show {', '.join(seen) or 'none by name'}"


def _thresholds_set(outcome: LocalOutcome) -> Iterator[str]:
    lesions, fine = _rank_lesions(outcome)
    rank = distance_rank(lesions)
    if rank and len(outcome.inputs.distances):
        low, high = rank_interval(lesions + 1 - rank, lesions)
        yield (
            f"abstention beyond a distance of {outcome.new.ood_threshold:.2f} (before: {outcome.old.ood_threshold:.2f}); by "
            f"the ranks of {lesions} lesions, {rank / (lesions + 1):.1%} [{low:.1%}, {high:.1%}] of new ones lie within it"
        )
    for coverage in sorted(outcome.new.conformal_thresholds):
        errors = int(np.floor((fine + 1) * (1 - coverage) + 1e-9))
        if errors:
            low, high = rank_interval(errors, fine)
            yield (
                f"prediction sets of {coverage:.0%} coverage; by the ranks of {fine} lesions, {1 - errors / (fine + 1):.1%} "
                f"[{low:.1%}, {high:.1%}] of new ones"
            )


def _thresholds_refused(outcome: LocalOutcome) -> Iterator[str]:
    lesions, fine = _rank_lesions(outcome)
    if not distance_rank(lesions) and len(outcome.inputs.distances):
        needed = lesions_needed(ACCEPTED)
        yield f"the abstention distance: it takes {needed} lesions, and there are {lesions}; it stays as it was"
    for coverage in sorted(outcome.new.conformal_thresholds):
        if fine < lesions_needed(coverage):
            yield (
                f"prediction sets of {coverage:.0%} coverage: they take {lesions_needed(coverage)} lesions with one diagnosis, "
                f"and there are {fine}; these sets hold every diagnosis"
            )


def _points_refused(outcome: LocalOutcome, settings: Settings) -> Iterator[str]:
    for target in TARGETS:
        if _own_point(outcome, settings, target) is not None:
            continue
        lesions, needed = _lesions_of(outcome.images, target), lesions_needed(settings.sensitivity)
        there = f"it takes {needed} {PLURALS[target]} of different lesions, and there {is_or_are(lesions)} {lesions}"
        if lesions >= needed:
            there = "it takes a lesion of another kind, and there is none"
        possible = (
            f" ({lesions} {'supports' if lesions == 1 else 'support'} {_highest(lesions):.0%})"
            if 0 < lesions < needed
            else ""
        )
        in_force = _in_force(outcome, settings, target)
        yield f"{100 * settings.sensitivity:g}% sensitivity for {target}: {there}{possible}; {in_force}"


def _in_force(outcome: LocalOutcome, settings: Settings, target: Target) -> str:
    point, local = _point(outcome.new, settings.sensitivity, target), outcome.new.local
    if point is None or local is None:
        return "there is no threshold"
    nearest = local.nearest_point(settings.sensitivity, target)
    if nearest is not None and nearest.threshold == point.threshold:
        return f"the threshold for what they support is in force, since it is lower than the earlier one: {point.threshold:.3f}"
    return f"the earlier threshold stays in force, on the local scale {point.threshold:.3f}"


def _own_point(outcome: LocalOutcome, settings: Settings, target: Target) -> OperatingPoint | None:
    """Return the threshold that these local images set; None where they are too few."""
    local = outcome.new.local
    return local.operating_point(settings.sensitivity, target) if local is not None else None


def _point(calibration: Calibration, sensitivity: float, target: Target) -> OperatingPoint | None:
    try:
        return calibration.operating_point(sensitivity, target)
    except DetectorError:
        return None


def _highest(lesions: int) -> float:
    """Return the highest sensitivity, in whole per cent, that a number of lesions supports."""
    return float(np.floor(100 * lesions / (lesions + 1)) / 100)


def _lesions_of(images: LocalImages, target: Target) -> int:
    shown, known = images.sides(target)
    return images.lesions(shown & known)


def _rank_lesions(outcome: LocalOutcome) -> tuple[int, int]:
    """Return the number of lesions, and of those with a label of one class."""
    images = outcome.images
    fine = images.targets.sum(axis=1) == 1
    return images.lesions(np.ones(len(fine), dtype=np.bool_)), images.lesions(fine)


def _settings_of_fold(outcome: LocalOutcome, fold: Fold, settings: Settings) -> Settings:
    """Return the settings with which a fold stands for all images: it has fewer lesions, and supports a little less."""
    lesions = _lesions_of(outcome.images.select(~fold.rows), settings.target)
    if _own_point(outcome, settings, settings.target) is None or not lesions:
        return settings
    return replace(settings, sensitivity=min(settings.sensitivity, lesions / (lesions + 1)))


def _answers(outcome: LocalOutcome, calibration: Calibration, rows: NDArray[np.bool_], settings: Settings) -> _Answers:
    """Return what the detector says with a calibration of some of the images."""
    point = _point(calibration, settings.sensitivity, settings.target)
    rule = DecisionRule("", calibration, point, 0.0)
    count = len(rows)
    # The first view of each image is the image as it is.
    distance = outcome.inputs.distances[:count][rows] if len(outcome.inputs.distances) else None
    batch = rule.predict(outcome.inputs.logits[rows], outcome.images.classes, distance, [""] * int(rows.sum()))
    judged = ~batch.abstained & (point is not None)
    return _Answers(
        batch.melanoma if settings.target == "melanoma" else batch.malignant,
        batch.alert,
        batch.clear,
        batch.abstained,
        judged,
    )


def _figures(answers: _Answers, images: LocalImages, target: Target, *, decides: bool) -> dict[str, dict[str, float]]:
    shown, known = images.sides(target)
    positive, negative = shown & known, known & ~shown
    error = (answers.scores - shown)[known]
    gaps = calibration_gaps(answers.scores[known], error, np.ones((1, len(error))))[0]
    lesions = images.lesions(known)
    of = {
        "sensitivity": (answers.alert, positive),
        "false_negative_rate": (answers.cleared, positive),
        "specificity": (~answers.alert & answers.judged, negative),
        "clearance_rate": (answers.cleared, negative),
    }
    of = (of if decides else {}) | {"coverage": (~answers.abstained, np.ones_like(known))}
    calibration = {
        "ece": float(gaps / max(known.sum(), 1)),
        "brier": float(np.square(error).sum() / max(known.sum(), 1)),
    }
    return {
        **{name: {"value": value, "lesions": lesions} for name, value in calibration.items() if known.any()},
        **{name: _share(chosen, among, images.groups) for name, (chosen, among) in of.items() if among.any()},
    }


def _share(chosen: NDArray[np.bool_], among: NDArray[np.bool_], groups: NDArray[np.str_]) -> dict[str, float]:
    """Return a share of images with its exact interval, whose sample size is the number of lesions."""
    lesions, value = len(set(groups[among].tolist())), float(chosen[among].mean())
    low, high = clopper_pearson_interval(value * lesions, lesions)
    return {"value": value, "low": low, "high": high, "lesions": lesions}


def _interval_text(figure: dict[str, float]) -> str:
    return f"{figure['value']:.1%} [{figure['low']:.1%}, {figure['high']:.1%}]"
