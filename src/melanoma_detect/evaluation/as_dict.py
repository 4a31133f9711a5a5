"""An evaluation as plain values, as JSON holds it: every figure, and the data behind every plot."""

import math
from typing import Any

import numpy as np

from melanoma_detect.evaluation.measurements import Measurements
from melanoma_detect.evaluation.predictive_values import PREVALENCES


def evaluation_as_dict(evaluation: Measurements) -> dict[str, Any]:
    """Return everything but the single predictions; see `Evaluation.to_dict`.

    Args:
        evaluation: The evaluation.

    Returns:
        Plain values; None for what is not defined.

    Examples:
        >>> evaluation_as_dict(detector.evaluate(data.test))["images"] == len(data.test)
        True
    """
    values: dict[str, Any] = plain(_figures(evaluation) | _curves(evaluation))
    return values


def _figures(evaluation: Measurements) -> dict[str, Any]:
    shortcuts = evaluation.shortcuts and {
        **vars(evaluation.shortcuts),
        "taken": evaluation.shortcuts.detected,
        "verdict": evaluation.shortcuts.summary,
    }
    point = evaluation.operating_point
    return {
        "detector": evaluation.detector,
        "split": evaluation.split,
        "dataset": evaluation.dataset,
        "images": len(evaluation),
        "lesions": evaluation.lesions,
        "unit": evaluation.units.unit,
        "seen_in_training": evaluation.seen_in_training,
        "set_aside": evaluation.set_aside,
        "abstained": int(evaluation.abstained.sum()),
        "abstained_melanomas": evaluation.abstained_melanomas,
        "cleared_melanomas": evaluation.cleared_melanomas,
        "cleared_malignant": evaluation.cleared_malignant,
        "target": evaluation.target,
        "notes": list(evaluation.notes),
        "classes": list(evaluation.classes),
        "common_classes": list(evaluation.common_classes),
        "figures": evaluation.figures,
        "recall": evaluation.recall,
        "precision": evaluation.precision,
        "confusion": evaluation.confusion.tolist(),
        "operating_point": point.to_dict() if point else None,
        "operating_points_used": {name: used.to_dict() for name, used in evaluation.operating_points_used.items()},
        "shortcuts": shortcuts,
    }


def _curves(evaluation: Measurements) -> dict[str, Any]:
    """Return what plots and tables of a report are drawn from."""
    rates = (evaluation.figures[name].value for name in ("sensitivity", "clearance_rate"))
    curve = evaluation.decision_curve()
    return {
        "decision_shares": [shares.to_dict() for shares in evaluation.decision_shares()],
        "roc": [roc.to_dict() for roc in evaluation.roc_curves()],
        "measured_points": [measured._asdict() for measured in evaluation.measured_points()],
        "calibration_curve": evaluation.calibration_curve(),
        "decision_curve": curve and curve.to_dict(),
        "predictive_values": [evaluation.at_prevalence(share) for share in PREVALENCES]
        if all(map(math.isfinite, rates))
        else [],
        "subgroups": [subgroup.to_dict() for subgroup in evaluation.subgroups()] if evaluation.records else [],
    }


def plain(value: Any) -> Any:
    """Return a value as JSON takes it: named tuples as dictionaries, and None for nan and infinity, which JSON lacks.

    Args:
        value: Dictionaries, sequences, named tuples, operating points and numbers, nested.

    Returns:
        Dictionaries, lists, text, numbers, and None.

    Examples:
        >>> from melanoma_detect.evaluation.bootstrap import Figure
        >>> plain({"auc": Figure(float("nan"), 0.0, 1.0, 3)})
        {'auc': {'value': None, 'low': 0.0, 'high': 1.0, 'lesions': 3}}
    """
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
