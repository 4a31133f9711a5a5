"""Texts in place of the figures of a report, for readers who do not see them: what each figure shows, in a sentence."""

import math

from melanoma_detect.evaluation.comparison import Comparison
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.external import ExternalValidation
from melanoma_detect.evaluation.subgroups import SHOWN, Subgroup
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.report.labels import subgroup_name
from melanoma_detect.utils.counts import count_noun


def roc_text(evaluation: Evaluation) -> str:
    """Describe the ROC curve: the area, and where the operating point in use lies.

    Args:
        evaluation: The evaluation.

    Returns:
        A sentence or two.

    Examples:
        >>> roc_text(detector.evaluate(data))[:24]
        'ROC curve: the AUC for a'
    """
    curves = evaluation.roc_curves()
    if not curves:
        return f"No ROC curve: the images show {PLURALS[evaluation.target]} only, or none."
    texts = [f"ROC curve: the AUC for {curve.name} is {curve.auc}" for curve in curves[:1]]
    texts += [f"for {curve.name} {curve.auc}" for curve in curves[1:]]
    goal = evaluation.operating_point.goal if evaluation.operating_point else None
    for curve in curves:
        for on in curve.operating_points:
            if on.point.goal == goal:
                texts.append(
                    f"at the operating point in use, sensitivity is {on.sensitivity:.2f} at a false-positive rate of "
                    f"{on.false_positive_rate:.2f} ({curve.name})"
                )
    return "; ".join(texts) + "."


def calibration_text(evaluation: Evaluation) -> str:
    """Describe the calibration curve: whether predicted probabilities are too high or too low.

    Args:
        evaluation: The evaluation.

    Returns:
        A sentence.

    Examples:
        >>> calibration_text(detector.evaluate(data))[:19]
        'Calibration curve: '
    """
    bins = evaluation.calibration_curve()
    if not bins:
        return "No calibration curve."
    high = sum(tenth.predicted > tenth.observed.high for tenth in bins)
    low = sum(tenth.predicted < tenth.observed.low for tenth in bins)
    fits = len(bins) - high - low
    return (
        f"Calibration curve: of {count_noun(len(bins), 'bin')} of predicted probabilities, {fits} agree with the observed "
        f"share, {high} are too high and {low} too low; the expected calibration error is {evaluation.figures['ece']}."
    )


def confusion_text(evaluation: Evaluation) -> str:
    """Describe the confusion matrix: how many are right, and the most frequent confusion.

    Args:
        evaluation: The evaluation.

    Returns:
        A sentence.

    Examples:
        >>> confusion_text(detector.evaluate(data))[:18]
        'Confusion matrix: '
    """
    counts, classes = evaluation.confusion.copy(), evaluation.classes
    total, right = int(counts.sum()), int(counts.trace())
    text = f"Confusion matrix: {right} of {count_noun(total, 'image')} are assigned to their class"
    counts[range(len(classes)), range(len(classes))] = 0
    if not counts.any():
        return f"{text}."
    row, column = divmod(int(counts.argmax()), len(classes))
    times = count_noun(int(counts.max()), "time")
    return f"{text}; the most frequent confusion is {classes[row]} taken for {classes[column]}, {times}."


def decisions_text(evaluation: Evaluation) -> str:
    """Describe the share of each decision.

    Args:
        evaluation: The evaluation.

    Returns:
        A sentence.

    Examples:
        >>> decisions_text(detector.evaluate(data))[:20]
        'Decisions by truth: '
    """
    texts = [
        f"{share.truth}: {share.alert.value:.0%} alert, {share.refer.value:.0%} referred, {share.clear.value:.0%} cleared"
        for share in evaluation.decision_shares()
    ]
    return f"Decisions by truth: {'; '.join(texts)}."


def decision_curve_text(evaluation: Evaluation) -> str:
    """Describe the decision curve: at which thresholds the detector is of use.

    Args:
        evaluation: The evaluation.

    Returns:
        A sentence.

    Examples:
        >>> "decision curve" in decision_curve_text(detector.evaluate(data)).lower()
        True
    """
    curve = evaluation.decision_curve()
    if curve is None:
        return "No decision curve."
    if not curve.useful:
        return (
            "Decision curve: at no threshold is the detector better than acting on everybody or nobody beyond chance."
        )
    return (
        f"Decision curve: the detector is better than acting on everybody or nobody beyond chance at {len(curve.useful)} of "
        f"{count_noun(len(curve.thresholds), 'threshold')}, from {min(curve.useful):.0%} to {max(curve.useful):.0%}."
    )


def predictive_values_text(evaluation: Evaluation, prevalence: float = 0.02) -> str:
    """Describe the predictive values at one prevalence.

    Args:
        evaluation: The evaluation; sensitivity and specificity must be defined.
        prevalence: The share of the target.

    Returns:
        A sentence.

    Examples:
        >>> predictive_values_text(detector.evaluate(data))[:18]
        'Predictive values '
    """
    return f"Predictive values rise and fall with the prevalence; {evaluation.at_prevalence(prevalence)}."


def subgroups_text(subgroups: tuple[Subgroup, ...], name: str) -> str:
    """Describe a metric over subgroups: the lowest and the highest.

    Args:
        subgroups: The subgroups.
        name: The metric's name.

    Returns:
        A sentence.

    Examples:
        >>> subgroups_text((), "sensitivity")
        'Sensitivity by subgroup: no subgroup has enough lesions.'
    """
    title = f"{SHOWN[name][0].upper()}{SHOWN[name][1:]} by subgroup"
    known = sorted((part for part in subgroups if part.is_reliable(name)), key=lambda part: part.figures[name].value)
    if not known:
        return f"{title}: no subgroup has enough lesions."
    low, high = known[0], known[-1]
    ends = (
        f"lowest for {low.kind} {subgroup_name(low)}, {low.figures[name]}",
        f"highest for {high.kind} {subgroup_name(high)}, {high.figures[name]}",
    )
    return f"{title}: {'; '.join(ends)}."


def sets_text(validation: ExternalValidation, name: str) -> str:
    """Describe a figure over the sets of an external validation: the mean and the worst set.

    Args:
        validation: The evaluations of several sets.
        name: The figure's name.

    Returns:
        A sentence.

    Examples:
        >>> sets_text(detector.evaluate({"ours": data}), "melanoma_auc")[:30]
        'melanoma auc by set: the mean '
    """
    text = f"{name.replace('_', ' ')} by set: the mean is {validation.mean[name]:.3f}"
    worst = validation.worst.get(name)
    if worst is None:
        return f"{text}."
    figure = validation.evaluations[worst].figures.get(name)
    value = f", {figure}" if figure is not None and math.isfinite(figure.value) else ""
    return f"{text}; the worst set is {worst}{value}."


def comparison_text(compared: Comparison) -> str:
    """Describe a comparison: what differs beyond chance.

    Args:
        compared: The comparison.

    Returns:
        A sentence.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> comparison_text(evaluation.compare(evaluation))
        'Differences of two detectors: none is significant.'
    """
    found = [f"{row.title} {row.difference.value:+.3f}" for row in compared.differences.values() if row.significant]
    return f"Differences of two detectors: {', '.join(found) + ' are significant' if found else 'none is significant'}."
