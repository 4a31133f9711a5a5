"""The metrics of a detector, as a section of the model card: see `model_card`."""

from collections.abc import Iterator, Mapping
from typing import Any

from melanoma_detect.inference.localization import BEFORE_LOCALIZATION
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.inference.value_checks import check_count, check_mapping, check_number
from melanoma_detect.utils.markdown import markdown_text

_METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "melanoma_auc": "melanoma ROC AUC",
    "malignant_auc": "malignant ROC AUC: malignant against benign lesions",
    "sensitivity": "sensitivity for {targets}, at the detector's own threshold",
    "false_negative_rate": "false-negative rate: {targets} that it clears; the others raise an alert or are referred",
    "specificity": "specificity: other images without an alert that it does not abstain from",
    "coverage": "coverage: images that it does not abstain from",
    "referral_rate": "images without an alert that it refers to a person",
    "clearance_rate": "other images that it clears",
    "malignant_clearance_rate": "malignant lesions of any kind that it clears",
    "specificity_at_95": "specificity at 95 % sensitivity",
    "benign_below_threshold": "benign images below that threshold, which need no review",
    "ece": "expected calibration error of the probability of {targets} (ECE)",
}


def describe_metrics(metrics: Mapping[str, Any]) -> Iterator[str]:
    r"""Yield the lines of Markdown that describe the metrics of a detector.

    Args:
        metrics: By split, what `Evaluation.to_dict` returned.

    Yields:
        For each split a table of metrics, and the recall of each diagnosis.

    Examples:
        >>> print(*describe_metrics({}), sep="\n")
        It was not evaluated before it was saved.
    """
    if not metrics:
        yield "It was not evaluated before it was saved."
    for split, evaluation in metrics.items():
        targets = PLURALS[evaluation.get("target", "melanoma")]
        when = ", before the local calibration and at the thresholds of that time"
        yield (
            f"On {evaluation['images']} {split} images of {evaluation['lesions']} lesions"
            f"{when if evaluation.get(BEFORE_LOCALIZATION) else ''}, each with its 95 % confidence interval:"
        )
        yield from ("", "| metric | value | 95 % interval |", "|---|---|---|")
        for name, title in _METRICS.items():
            metric = evaluation["figures"].get(name)
            if metric and metric["value"] is not None:
                values = f"{metric['value']:.3f} | {metric['low']:.3f} to {metric['high']:.3f}"
                yield f"| {title.format(targets=targets)} | {values} |"
        yield ""
        yield from _recalls(evaluation.get("recall", {}))
        if evaluation.get("shortcuts"):
            yield from (evaluation["shortcuts"]["verdict"], "")


def check_metrics(metrics: Any) -> dict[str, Any]:
    """Raise ValueError unless metrics have what the model card says of them.

    Args:
        metrics: `DetectorConfig.metrics`, as a file holds them.

    Returns:
        The metrics.

    Raises:
        ValueError: A value is missing, has the wrong type or is out of range.

    Examples:
        >>> check_metrics({"test": {}})
        Traceback (most recent call last):
        ValueError: metrics are damaged (KeyError: 'images')
    """
    try:
        for evaluation in check_mapping(metrics, "metrics").values():
            for name in ("images", "lesions"):
                check_count(evaluation[name], name)
            shown = {name: figure for name, figure in evaluation["figures"].items() if name in _METRICS}
            _check_figures(shown | evaluation.get("recall", {}))
        "\n".join(describe_metrics(metrics))
        return dict(metrics)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"metrics are damaged ({type(error).__name__}: {error})") from error


def _check_figures(figures: Any) -> None:
    """Raise an error unless figures are shares, or not defined; others than the model card's are not looked at."""
    for name, figure in check_mapping(figures, "figures").items():
        if figure["value"] is not None:
            for end in ("value", "low", "high"):
                check_number(figure[end], f"{end} of {name}", 0, 1)


def _recalls(recalls: Mapping[str, Any]) -> Iterator[str]:
    defined = {label: recall for label, recall in recalls.items() if recall["value"] is not None}
    if defined:
        texts = (
            f"{markdown_text(label)} {recall['value']:.2f} [{recall['low']:.2f}, {recall['high']:.2f}]"
            for label, recall in sorted(defined.items(), key=lambda item: item[1]["value"])
        )
        yield from (f"Recall of each diagnosis, the lowest first: {'; '.join(texts)}.", "")
