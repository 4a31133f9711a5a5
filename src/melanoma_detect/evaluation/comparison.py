"""Comparison of two detectors on the same images: the difference of every figure by a paired bootstrap over lesions."""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.agreement import DECISIONS, Agreement, agreements_of, p_text
from melanoma_detect.evaluation.bootstrap import Figure, compute_replicates, percentile_figure
from melanoma_detect.evaluation.independent_units import PLURALS as UNIT_PLURALS
from melanoma_detect.evaluation.independent_units import Unit, find_units
from melanoma_detect.evaluation.matching_images import MatchedAnswers, match_images
from melanoma_detect.evaluation.metrics import DECISIONS as DECIDED
from melanoma_detect.evaluation.metrics import HEADLINES, WeightedMetrics, headlines
from melanoma_detect.evaluation.per_image import PerImage
from melanoma_detect.inference.operating_points import PLURALS, OperatingPoint, Target
from melanoma_detect.printable import printable
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.random import check_seed
from melanoma_detect.utils.text_table import WIDTH

# Computed over the classes of a detector: two detectors of other classes cannot be compared by them.
_OF_CLASSES = ("accuracy", "balanced_accuracy", "balanced_accuracy_common", "brier_classes")
_SIGNIFICANT = 0.05

Metrics: TypeAlias = Callable[[Float64Array], dict[str, Float64Array]]


class Difference(NamedTuple):
    """A figure of two detectors on the same images, and its difference.

    Attributes:
        title: The figure's title.
        first: The first detector's value.
        second: The second detector's.
        difference: Second minus first, with its 95 % interval by a paired bootstrap over lesions.
        p_value: Two-sided, from the same bootstrap; not below 0.001, since it has 2,000 replicates.
        adjusted_p_value: The same after Holm's correction for the number of figures compared.
        tested: Whether a difference is possible at all: one detector with two operating points has the same probabilities, and
            its AUC takes no part in Holm's correction.
    """

    title: str
    first: float
    second: float
    difference: Figure
    p_value: float
    adjusted_p_value: float
    tested: bool = True

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at 5 % after the correction for many comparisons."""
        return self.adjusted_p_value < _SIGNIFICANT

    def __str__(self) -> str:
        numbers = f"{self.first:.3f}  {self.second:.3f}  {self.change}"
        return f"{numbers}  p {p_text(self.p_value)}, adjusted {p_text(self.adjusted_p_value)}"

    @property
    def change(self) -> str:
        """The difference with its interval as text, with signs."""
        value, low, high = (round(number, 3) + 0.0 for number in self.difference[:3])  # 0.0: no "-0.000"
        return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Two detectors on the same images.

    Attributes:
        first: A description of the first detector.
        second: A description of the second.
        target: What sensitivity, specificity and calibration are measured for.
        images: The number of images that both evaluated; everything is computed on these.
        lesions: The number of lesions that they show.
        only_first: Images left out because the second detector has seen them in training.
        only_second: Images left out because the first has.
        differences: For each figure, both values and the difference.
        agreements: How both decide images of the target, and others; empty where one has no operating point.
        notes: What a reader must know, as sentences.
        unit: What the intervals count, as in `Evaluation.units`; `lesions` is the number of these.
    """

    first: str
    second: str
    target: Target
    images: int
    lesions: int
    only_first: int
    only_second: int
    differences: Mapping[str, Difference]
    agreements: tuple[Agreement, ...]
    notes: tuple[str, ...]
    unit: Unit = "lesion"

    _repr_html_ = notebook_view

    def __repr__(self) -> str:
        return f"<Comparison of two detectors on {count_noun(self.images, 'image')}: {self._significant_text()}>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per figure: both values, the difference with its interval, and the p-values.

        Returns:
            Indexed by the figure's name.

        Examples:
            >>> evaluation = detector.evaluate(data.test)
            >>> evaluation.compare(evaluation).to_frame().loc["melanoma_auc", "difference"].item()
            0.0
        """
        rows = [
            {
                "first": row.first,
                "second": row.second,
                "difference": row.difference.value,
                "difference_low": row.difference.low,
                "difference_high": row.difference.high,
                "p_value": row.p_value,
                "adjusted_p_value": row.adjusted_p_value,
                "lesions": row.difference.lesions,
            }
            for row in self.differences.values()
        ]
        return pd.DataFrame(rows, index=pd.Index(self.differences, name="figure"))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name, as JSON takes them.

        Returns:
            Everything that the comparison holds.

        Examples:
            >>> evaluation = detector.evaluate(data.test)
            >>> evaluation.compare(evaluation).to_dict()["images"] == len(data.test)
            True
        """
        differences = {
            name: row._asdict() | {"difference": row.difference._asdict(), "significant": row.significant}
            for name, row in self.differences.items()
        }
        agreements = [row._asdict() | {"decisions": list(DECISIONS)} for row in self.agreements]
        return {**vars(self), "differences": differences, "agreements": agreements, "notes": list(self.notes)}

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Two detectors on the same {self.heading}"
        first, second = (printable(name or "a detector") for name in (self.first, self.second))
        yield from (f"first:  {first}", f"second: {second}", "")
        width = max([len(row.title) for row in self.differences.values()], default=0) + 2
        yield f"{'figure':<{width}}{'first':>7}{'second':>8}  {'second - first':<25}{'p':>7}{'adjusted':>10}"
        for row in self.differences.values():
            mark = " *" if row.significant else ""
            p_values = [p_text(row.p_value), p_text(row.adjusted_p_value)] if row.tested else ["–", "–"]
            numbers = f"{row.first:>7.3f}{row.second:>8.3f}  {row.change:<25}{p_values[0]:>7}{p_values[1]:>10}"
            yield f"{row.title:<{width}}{numbers}{mark}"
        yield from ("", *(textwrap.fill(printable(note), WIDTH) for note in self.notes))
        for agreement in self.agreements:
            yield from ("", *agreement.lines())

    @property
    def heading(self) -> str:
        """How many images of how many lesions or patients both evaluated."""
        images = count_noun(self.images, "image")
        return (
            images
            if self.unit == "image"
            else f"{images} of {count_noun(self.lesions, self.unit, UNIT_PLURALS[self.unit])}"
        )

    def _significant_text(self) -> str:
        found = [row.title for row in self.differences.values() if row.significant]
        return f"significant differences in {', '.join(found)}" if found else "no significant difference"


def compare(
    first: PerImage,
    second: PerImage,
    figures: Sequence[str] | None = None,
    *,
    names: tuple[str, str] | None = None,
    seed: int = 123,
) -> Comparison:
    """Compare two detectors on the same images; see `Evaluation.compare`.

    Args:
        first: The evaluation of one detector.
        second: The evaluation of another on the same data.
        figures: Names of figures to compare; None for all.
        names: What the comparison calls the detectors; None for their descriptions.
        seed: Seed of the bootstrap.

    Returns:
        The comparison.

    Raises:
        DetectorError: The evaluations are not of the same images, or alert to different targets; or a figure is unknown.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> compare(evaluation, evaluation, ["melanoma_auc"]).differences["melanoma_auc"].adjusted_p_value
        1.0
    """
    seed = check_seed(seed, DetectorError)
    if first.target != second.target:
        raise DetectorError(
            f"the first detector alerts to {PLURALS[first.target]}, the second to {PLURALS[second.target]}; compare both for "
            "one target, with detector.at(target='melanoma') before evaluate"
        )
    chosen = _check_names(figures)
    matched = match_images(first, second)
    same_classes = matched.first.classes == matched.second.classes
    chosen = [name for name in chosen if same_classes or name not in _OF_CLASSES]
    differences = _differences(matched, (first.operating_point, second.operating_point), chosen, seed)
    agreements = agreements_of(matched, first.operating_point, second.operating_point)
    return Comparison(
        *(names or _descriptions(first, second)),
        first.target,
        len(matched.first),
        matched.first.lesions,
        matched.only_first,
        matched.only_second,
        differences,
        agreements,
        tuple(_notes(first, second, matched, differences)),
        find_units(matched.first.groups, matched.first.records).unit,
    )


def _descriptions(first: PerImage, second: PerImage) -> tuple[str, str]:
    """Return what the detectors are called: with their operating points where their descriptions are the same."""
    if first.detector != second.detector or not (first.operating_point and second.operating_point):
        return first.detector, second.detector
    goals = [f"set for {100 * point.goal:g}% sensitivity" for point in (first.operating_point, second.operating_point)]
    name = first.detector or "a detector"
    return (first.detector, second.detector) if goals[0] == goals[1] else (f"{name}, {goals[0]}", f"{name}, {goals[1]}")


def _check_names(figures: Sequence[str] | None) -> list[str]:
    names = list(HEADLINES if figures is None else dict.fromkeys(figures))
    unknown = [name for name in names if name not in HEADLINES]
    if unknown or not names:
        raise DetectorError(f"figures={figures!r}; expected one or more of {', '.join(HEADLINES)}")
    return names


def _differences(
    matched: MatchedAnswers, points: tuple[OperatingPoint | None, OperatingPoint | None], names: list[str], seed: int
) -> dict[str, Difference]:
    both = [WeightedMetrics(answers, point) for answers, point in zip(matched[:2], points, strict=True)]

    def paired(weights: Float64Array) -> dict[str, Float64Array]:
        first, second = (metrics(weights) for metrics in both)
        return {f"{at}{name}": found[name] for at, found in enumerate((first, second)) for name in names}

    values = paired(np.ones((1, len(matched.first))))
    replicates = compute_replicates(paired, matched.first.groups, seed=seed)
    lesions, titles = both[0].lesions(), headlines(matched.first.target)
    found: dict[str, Difference] = {}
    for name in names:
        first, second = float(values[f"0{name}"][0]), float(values[f"1{name}"][0])
        if not np.isfinite([first, second]).all():
            continue
        changes = replicates[f"1{name}"] - replicates[f"0{name}"]
        difference = percentile_figure(second - first, changes, lesions[name])
        tested = name in DECIDED or not _same_probabilities(matched)
        found[name] = Difference(titles[name], first, second, difference, _p_value(changes), 1.0, tested)
    tested_names = [name for name, row in found.items() if row.tested]
    adjusted = dict(zip(tested_names, _holm([found[name].p_value for name in tested_names]), strict=True))
    return {name: row._replace(adjusted_p_value=adjusted.get(name, 1.0)) for name, row in found.items()}


def _same_probabilities(matched: MatchedAnswers) -> bool:
    """Return whether both are one detector, perhaps with two operating points: only what the decisions say can differ."""
    first, second = matched.first, matched.second
    return (
        first.classes == second.classes
        and np.array_equal(first.probabilities, second.probabilities)
        and np.array_equal(first.abstained, second.abstained)
    )


def _p_value(changes: Float64Array) -> float:
    """Return the two-sided p-value of no difference: twice the smaller tail of the bootstrap beyond 0."""
    defined = changes[np.isfinite(changes)]
    # One is added to both counts, so that p is never 0 (Davison and Hinkley 1997, section 4.2).
    tails = [(np.sum(tail) + 1) / (len(defined) + 1) for tail in (defined <= 0, defined >= 0)]
    return float(min(1.0, 2 * min(tails)))


def _holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number (Holm 1979): each difference is significant if its adjusted value is under 0.05."""
    order = np.argsort(p_values, kind="stable")
    steps = np.array(p_values)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return list(map(float, adjusted))


def _seen_notes(first: PerImage, second: PerImage) -> Iterator[str]:
    for name, evaluation in {"first": first, "second": second}.items():
        if seen := evaluation.seen_in_training:
            yield (
                f"The {name} detector has seen {seen} of its {count_noun(len(evaluation), 'image')} in training: its figures "
                "are too good, and the comparison is not fair."
            )


def _notes(
    first: PerImage, second: PerImage, matched: MatchedAnswers, differences: Mapping[str, Difference]
) -> Iterator[str]:
    count = sum(row.tested for row in differences.values())
    if count < len(differences):
        yield (
            f"Both give the same probabilities: {len(differences) - count} of {len(differences)} figures cannot differ, and "
            "take no part in the tests."
        )
    if count:
        yield (
            f"{count_noun(count, 'figure is', 'figures are')} compared. Of 20 differences that are chance, one has p < 0.05; "
            "the adjusted p-values (Holm) allow for that, and * marks what is significant by them."
        )
    if count > 1:
        yield "For one question, name its figure beforehand: compare(other, figures=['melanoma_auc'])."
    left_out = {"second": matched.only_first, "first": matched.only_second}
    if any(left_out.values()):
        parts = [
            f"{count_noun(images, 'image')} that the {name} detector has seen"
            for name, images in left_out.items()
            if images
        ]
        yield f"Left out: {', and '.join(parts)} in training."
    yield from _seen_notes(first, second)
    if matched.first.classes != matched.second.classes:
        yield "The detectors have different classes: accuracy, balanced accuracy and the Brier score of classes are left out."
    points = first.operating_point, second.operating_point
    if all(points) and points[0] and points[1] and points[0].goal != points[1].goal:
        yield (
            f"The operating points were set for different sensitivities, {points[0].goal:.0%} and {points[1].goal:.0%}: "
            "compare sensitivity and specificity together, or the AUC."
        )
