"""The figures of an external validation, the worst set of each, and the sets that count for it."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import numpy as np

from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.subgroups import MIN_LESIONS
from melanoma_detect.inference.operating_points import Target

UNDEFINED = Figure(float("nan"), float("nan"), float("nan"), 0)


class Column(NamedTuple):
    """A figure of the table.

    Attributes:
        title: Its title; `{targets}` stands for melanomas, or malignant lesions.
        better: Whether a high or a low value is better.
        of: The figure of an evaluation; undefined where the set cannot show it.
    """

    title: str
    better: Literal["high", "low"]
    of: Callable[[Evaluation], Figure]


def columns(target: Target, *, shortcuts: bool = False) -> dict[str, Column]:
    """Return the figures of the table by name, in its order.

    Args:
        target: What sensitivity, specificity and calibration are measured for.
        shortcuts: Whether the sets were tested for shortcuts.

    Returns:
        The columns.

    Examples:
        >>> list(columns("melanoma"))[:3]
        ['melanoma_auc', 'ece', 'sensitivity']
    """
    chosen = {
        f"{target}_auc": _named(f"{target}_auc", f"{target} ROC AUC", "high"),
        "ece": Column("ECE", "low", _calibration_error),
        "sensitivity": _named("sensitivity", "sensitivity", "high"),
        "false_negative_rate": _named("false_negative_rate", "false-negative rate", "low"),
        "specificity": _named("specificity", "specificity", "high"),
        "false_positive_rate": _named("false_positive_rate", "false-positive rate", "low"),
        "clearance_rate": _named("clearance_rate", "others cleared", "high"),
        "referral_rate": _named("referral_rate", "referral rate", "low"),
        "abstention_rate": Column("abstention rate", "low", _abstention_rate),
        "balanced_accuracy_common": _named("balanced_accuracy_common", "balanced accuracy", "high"),
    }
    if shortcuts:
        chosen["background_auc"] = Column("lesion covered", "low", _background_auc)
    return chosen


def _named(name: str, title: str, better: Literal["high", "low"]) -> Column:
    return Column(title, better, lambda evaluation: evaluation.figures[name])


def _calibration_error(evaluation: Evaluation) -> Figure:
    # Without the target nothing shows whether its probabilities are too low, and with little of it, chance makes the error.
    lesions = evaluation.figures["sensitivity"].lesions
    return evaluation.figures["ece"]._replace(lesions=lesions) if lesions else UNDEFINED


def _abstention_rate(evaluation: Evaluation) -> Figure:
    coverage = evaluation.figures["coverage"]
    return Figure(1 - coverage.value, 1 - coverage.high, 1 - coverage.low, coverage.lesions)


def _background_auc(evaluation: Evaluation) -> Figure:
    return evaluation.shortcuts.background if evaluation.shortcuts else UNDEFINED


def deciding(evaluations: Mapping[str, Evaluation], column: Column) -> dict[str, float]:
    """Return the values by which the worst set is found and the mean is taken.

    A figure that rests on few lesions is far off by chance, and would often be the worst.

    Args:
        evaluations: The evaluation of each set.
        column: The figure.

    Returns:
        The value of each set where the figure is defined and rests on at least 20 lesions; if it does so nowhere, of each set
        where it is defined.

    Examples:
        >>> deciding({"ours": detector.evaluate(data)}, columns("melanoma")["specificity"]).keys()
        dict_keys(['ours'])
    """
    found = {name: column.of(evaluation) for name, evaluation in evaluations.items()}
    defined = {name: figure for name, figure in found.items() if np.isfinite(figure.value)}
    reliable = {name: figure for name, figure in defined.items() if figure.lesions >= MIN_LESIONS}
    return {name: figure.value for name, figure in (reliable or defined).items()}


def worst_set(evaluations: Mapping[str, Evaluation], column: Column) -> str | None:
    """Return the set with the worst value of a figure.

    Args:
        evaluations: The evaluation of each set.
        column: The figure.

    Returns:
        The set's name; None where fewer than two sets show the figure, or several share the worst value.

    Examples:
        >>> worst_set({"ours": detector.evaluate(data)}, columns("melanoma")["specificity"]) is None
        True
    """
    values = deciding(evaluations, column)
    if len(values) < 2:
        return None
    extreme = min(values.values()) if column.better == "high" else max(values.values())
    # The table shows three digits: what reads alike is a tie.
    worst = [name for name, value in values.items() if f"{value:.3f}" == f"{extreme:.3f}"]
    return worst[0] if len(worst) == 1 else None
