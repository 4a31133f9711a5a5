"""Metrics by subgroup: source, image type, sex, age band, site of the lesion and skin tone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.record import Record
from melanoma_detect.data.sources.patient_columns import AGE_COLUMNS, SEX_COLUMNS, SITE_COLUMNS, find_cell
from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.metrics import WeightedMetrics
from melanoma_detect.evaluation.skin_tone import FITZPATRICK_GROUPS, skin_tone
from melanoma_detect.inference.image_types import TYPE_PLURALS, recorded_type
from melanoma_detect.inference.operating_points import PLURALS, OperatingPoint, Target
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.deprecation import warn_renamed

SHOWN = {
    "balanced_accuracy": "balanced accuracy",
    "melanoma_auc": "melanoma AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}
MIN_LESIONS = 20  # with fewer, the 95 % interval of a share of one half is over 0.4 wide
TOO_FEW = "too few lesions"
UNKNOWN = "not recorded"
_AGE_BANDS = ((40, "under 40"), (60, "40 to 59"), (75, "60 to 74"), (np.inf, "75 and over"))


@dataclass(frozen=True)
class Subgroup:
    """The metrics of a detector on a subgroup of the images.

    Attributes:
        kind: What defines the subgroup: `"source"`, `"image type"`, `"sex"`, `"age"`, `"site"` or `"skin tone"`.
        name: Which subgroup it is, such as `"female"`, `"under 40"` or `"Fitzpatrick V–VI"`.
        images: The number of images.
        lesions: The number of lesions that they show.
        melanomas: The number of lesions that are melanomas, or of the target.
        figures: balanced_accuracy, melanoma_auc, sensitivity and specificity, as in `Evaluation.figures`.
        target: What sensitivity and specificity are measured for, and `melanomas` counts: `"melanoma"` or `"malignant"`.
    """

    kind: str
    name: str
    images: int
    lesions: int
    melanomas: int
    figures: Mapping[str, Figure]
    target: Target = "melanoma"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name.

        Returns:
            The figures as dictionaries with value, low, high and lesions.

        Examples:
            >>> Subgroup("sex", "female", 9, 9, 3, {}).to_dict()["name"]
            'female'
        """
        return vars(self) | {"figures": {name: figure._asdict() for name, figure in self.figures.items()}}

    def __str__(self) -> str:
        figures = ", ".join(f"{title} {self.describe(name)}" for name, title in SHOWN.items())
        images = count_noun(self.images, "image")
        return f"{self.kind} {self.name}: {images}, {self.melanomas} {PLURALS[self.target]}; {figures}"

    def is_reliable(self, name: str) -> bool:
        """Return whether a metric is defined and rests on 20 lesions or more.

        Args:
            name: The name of the metric.

        Returns:
            Whether it can be read. Lesions of the target are counted for sensitivity, others for specificity, and the rarer
            side for the AUC.

        Examples:
            >>> Subgroup("sex", "female", 9, 9, 3, {"sensitivity": Figure(1.0, 0.3, 1.0, 3)}).is_reliable("sensitivity")
            False
        """
        figure = self.figures[name]
        return bool(np.isfinite(figure.value)) and figure.lesions >= MIN_LESIONS

    def describe(self, name: str) -> str:
        """Return a metric with its interval as text, or that it rests on too few lesions.

        Args:
            name: The name of the metric.

        Returns:
            Text.

        Examples:
            >>> Subgroup("sex", "female", 9, 9, 3, {"sensitivity": Figure(1.0, 0.3, 1.0, 3)}).describe("sensitivity")
            'too few lesions'
        """
        figure = self.figures[name]
        return TOO_FEW if figure.lesions < MIN_LESIONS else str(figure)

    def tells(self, name: str) -> bool:
        """Deprecated: use `is_reliable`."""
        warn_renamed("Subgroup.tells", "Subgroup.is_reliable")
        return self.is_reliable(name)

    def tell(self, name: str) -> str:
        """Deprecated: use `describe`."""
        warn_renamed("Subgroup.tell", "Subgroup.describe")
        return self.describe(name)


def subgroups(answers: Answers, point: OperatingPoint | None, *, seed: int = 123) -> tuple[Subgroup, ...]:
    """Measure each source, image type, sex, age band, site and skin tone on its own; see `Evaluation.subgroups`.

    Args:
        answers: The detector's answers, with their records.
        point: The operating point of sensitivity and specificity.
        seed: Seed of the bootstrap.

    Returns:
        Subgroups by source, image type, sex, age band, site and skin tone, in this order. Images without a record of, for
        example, sex are a subgroup too. A property that no image has recorded, or that all have in common, is left out.

    Raises:
        DetectorError: The answers have no records.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> subgroups(evaluation.per_image, evaluation.operating_point)  # the drawn lesions have no age, sex or site
        ()
    """
    if len(answers.records) != len(answers):
        raise DetectorError("this evaluation has no records of its images; expected one from Detector.evaluate")
    return tuple(
        _measure(answers.select(names == name), point, kind, name, seed)
        for kind, name_of in _KINDS.items()
        for names in [np.array([name_of(record) for record in answers.records])]
        for name in _ordered(kind, names)
    )


def _ordered(kind: str, names: NDArray[np.str_]) -> Iterator[str]:
    occurring = set(names.tolist())
    if len(occurring) < 2:
        return
    bands = {"age": [band for _, band in _AGE_BANDS], "skin tone": FITZPATRICK_GROUPS}.get(kind, ())
    known = [*bands, *sorted(occurring - {UNKNOWN, *bands})]
    yield from (name for name in (*known, UNKNOWN) if name in occurring)


def _measure(answers: Answers, point: OperatingPoint | None, kind: str, name: str, seed: int) -> Subgroup:
    metrics = WeightedMetrics(answers, point)
    lesions = metrics.lesions()

    def shown(weights: Float64Array) -> dict[str, Float64Array]:
        return {metric: value for metric, value in metrics(weights).items() if metric in SHOWN}

    figures = compute_figures(shown, answers.groups, lesions, seed=seed)
    return Subgroup(kind, name, len(answers), answers.lesions, lesions["sensitivity"], figures, answers.target)


def _recorded(record: Record, columns: tuple[str, ...]) -> str:
    return find_cell(record.metadata, columns).lower() or UNKNOWN


def _age_band(record: Record) -> str:
    try:
        age = float(_recorded(record, AGE_COLUMNS))
    except ValueError:
        return UNKNOWN
    return next((band for end, band in _AGE_BANDS if age < end), UNKNOWN)


def _image_type(record: Record) -> str:
    image_type = recorded_type(record.metadata)
    return TYPE_PLURALS[image_type] if image_type else UNKNOWN


_KINDS: Mapping[str, Callable[[Record], str]] = {
    "source": lambda record: record.source or UNKNOWN,
    "image type": _image_type,
    "sex": lambda record: _recorded(record, SEX_COLUMNS),
    "age": _age_band,
    "site": lambda record: _recorded(record, SITE_COLUMNS),
    "skin tone": lambda record: skin_tone(record.metadata) or UNKNOWN,
}
