"""The record of a localisation (see `Detector.localize`), as a section of the model card.

A record is a dictionary of plain values: `parent` (title and SHA-256 of the detector before), `data`, `seed`, `image_type`,
`images`, `rejected` (how many further ones were left out), `lesions`, `melanoma_lesions`, `malignant_lesions`, `sensitivity`,
`target`, the sentences `set` and `refused`, `auc` (the ranking by each
target) and the figures `before` and `after`. NumPy only.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from melanoma_detect.inference.image_types import TYPE_PLURALS
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.markdown import markdown_prose, markdown_text

BEFORE_LOCALIZATION = "before_localization"  # marks metrics of `DetectorConfig.metrics` that were measured before

_FEW = 10  # lesions with the target: under it, one of them decides the figures

_FIGURES = {
    "ece": "expected calibration error of the probability of {targets} (ECE)",
    "brier": "Brier score of that probability",
    "sensitivity": "sensitivity for {targets}",
    "false_negative_rate": "false-negative rate: {targets} that it clears",
    "specificity": "specificity",
    "clearance_rate": "other images that it clears",
    "coverage": "coverage: images that it does not abstain from",
}


def describe_localization(record: Mapping[str, Any]) -> Iterator[str]:
    r"""Yield the lines of Markdown that describe a localisation.

    Args:
        record: One of `DetectorConfig.localizations`.

    Yields:
        The origin, what was set, what was refused and why, and the figures before and after.

    Examples:
        >>> record = {"data": "clinic", "images": 60, "lesions": 55, "melanoma_lesions": 8, "target": "melanoma"}
        >>> record |= {"parent": {"title": "cnn", "sha256": ""}, "set": [], "refused": ["95% sensitivity"]}
        >>> print(*describe_localization(record | {"before": {}, "after": {}}), sep="\n")
        Calibrated on 60 images of 55 lesions (8 melanomas) from clinic; ...
    """
    types = {str(name): plural for name, plural in TYPE_PLURALS.items()}
    parent = record["parent"]
    yield (
        f"Calibrated on {record['images']} {types.get(record.get('image_type', ''), 'images')} of {record['lesions']} lesions "
        f"({count_noun(record['melanoma_lesions'], 'melanoma')}) from {markdown_text(record['data'])}; the model is that "
        f"of {markdown_text(parent['title'])} (SHA-256 {parent['sha256'][:16]}…)."
    )
    if record.get("rejected"):
        yield f"Left out, because the detector does not judge them, such as for blur: {record['rejected']} images."
    yield from _list("Set", record["set"])
    yield from _list("For which the images are too few", record["refused"])
    targets = PLURALS["malignant" if record["target"] == "malignant" else "melanoma"]
    yield from (
        "",
        "On these images before, and after by cross-validation (each lesion by what the others gave), with exact 95 % "
        "intervals:",
        "",
        "| metric | before | after |",
        "|---|---|---|",
    )
    before, after = record["before"], record["after"]
    for name, title in _FIGURES.items():
        if name in before or name in after:
            yield f"| {title.format(targets=targets)} | {_figure(before.get(name))} | {_figure(after.get(name))} |"
    yield from _verdict(before, after, record.get(f"{record['target']}_lesions", 0), targets)
    yield from _rankings(record.get("auc", {}))


def _verdict(before: Mapping[str, Any], after: Mapping[str, Any], lesions: int, targets: str) -> Iterator[str]:
    """Say whether localising made the probabilities better: by the Brier score, which chance moves less than the ECE."""
    if lesions < _FEW:
        yield from ("", f"Fewer than {_FEW} {targets} do not tell whether the probabilities are better than they were.")
    elif "brier" in before and "brier" in after:
        gained = before["brier"]["value"] - after["brier"]["value"]
        text = "The local probabilities are better than the detector's own were: their Brier score is lower."
        if gained <= 0:
            text = (
                "Localising did not improve the probabilities on these images: their Brier score is no lower. The detector "
                "without it is as good here, unless its threshold does not hold."
            )
        yield from ("", text)


def _rankings(rankings: Mapping[str, Any]) -> Iterator[str]:
    texts = [
        f"{target} {own['auc']:.3f} [{own['low']:.3f}, {own['high']:.3f}] ({own['positives']} of "
        f"{own['positives'] + own['negatives']} lesions)"
        for target, own in rankings.items()
    ]
    if texts:
        yield from ("", f"ROC AUC on these images, which localising does not change: {'; '.join(texts)}.")


def _list(title: str, sentences: list[str]) -> Iterator[str]:
    if sentences:
        yield from ("", f"{title}:", "")
        yield from (f"- {markdown_prose(sentence)}." for sentence in sentences)


def _figure(figure: Mapping[str, float] | None) -> str:
    if figure is None:  # without a threshold there are no decisions to measure
        return "–"
    interval = f" [{figure['low']:.3f}, {figure['high']:.3f}]" if "low" in figure else ""
    return f"{figure['value']:.3f}{interval}"
