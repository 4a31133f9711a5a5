"""Metrics by subgroup: source, hospital, image type, sex, age band, site of the lesion and skin tone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.record import Record
from melanoma_detect.data.sources.patient_columns import (
    AGE_COLUMNS,
    HOSPITAL_COLUMNS,
    SEX_COLUMNS,
    SITE_COLUMNS,
    find_cell,
)
from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.independent_units import PLURALS as UNIT_PLURALS
from melanoma_detect.evaluation.independent_units import PREPOSITIONS, Unit, find_units
from melanoma_detect.evaluation.metrics import WeightedMetrics, mean_recall
from melanoma_detect.evaluation.skin_tone import FITZPATRICK_GROUPS, skin_tone
from melanoma_detect.inference.image_types import TYPE_PLURALS, recorded_type
from melanoma_detect.inference.operating_points import PLURALS, OperatingPoint, Target
from melanoma_detect.printable import printable
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
_RECALL = "recall "  # before the name of a class, as `WeightedMetrics` calls its recall
_MAX_HOSPITALS = 12  # with more names a column tells free text, or departments of a few images each
_AGE_BANDS = ((40, "under 40"), (60, "40 to 59"), (75, "60 to 74"), (np.inf, "75 and over"))


@dataclass(frozen=True)
class Subgroup:
    """The metrics of a detector on a subgroup of the images.

    Attributes:
        kind: What defines it: `"source"`, `"hospital"`, `"image type"`, `"sex"`, `"age"`, `"site"` or `"skin tone"`.
        name: Which subgroup it is, such as `"female"`, `"under 40"` or `"Fitzpatrick V–VI"`.
        images: The number of images.
        lesions: The number of lesions that they show.
        melanomas: The number of these lesions that are melanomas, or of the target.
        figures: melanoma_auc, sensitivity and specificity as in `Evaluation.figures`; and balanced_accuracy, the mean recall of
            `classes`, with the number of lesions of the rarest of them.
        target: What sensitivity and specificity are measured for, and `melanomas` counts: `"melanoma"` or `"malignant"`.
        melanoma_images: The number of images that show the target.
        unit: What counts as a lesion, as in `Evaluation.units`: `"patient"` where the tables name patients.
        classes: The classes of balanced_accuracy, the same for all subgroups of a kind: those with 20 lesions in every
            subgroup that has two such classes.
    """

    kind: str
    name: str
    images: int
    lesions: int
    melanomas: int
    figures: Mapping[str, Figure]
    target: Target = "melanoma"
    melanoma_images: int = 0
    unit: Unit = "lesion"
    classes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name.

        Returns:
            The figures as dictionaries with value, low, high, lesions, and whether the figure is `reliable`.

        Examples:
            >>> Subgroup("sex", "female", 9, 9, 3, {}).to_dict()["name"]
            'female'
        """
        figures = {
            name: figure._asdict() | {"reliable": self.is_reliable(name)} for name, figure in self.figures.items()
        }
        return vars(self) | {"figures": figures}

    def __str__(self) -> str:
        figures = ", ".join(f"{title} {self.describe(name)}" for name, title in SHOWN.items())
        return printable(f"{self.kind} {self.name}: {self.counts}; {figures}")

    @property
    def counts(self) -> str:
        """How many images of how many lesions or patients there are, and how many of each show the target."""
        targets = PLURALS[self.target]
        images = f"{count_noun(self.images, 'image')} ({self.melanoma_images} {targets})"
        if self.unit == "image":
            return images
        units = count_noun(self.lesions, self.unit, UNIT_PLURALS[self.unit])
        return f"{images} of {units} ({self.melanomas} {PREPOSITIONS[self.unit]}{targets})"

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
    """Measure each source, hospital, image type, sex, age band, site and skin tone on its own; see `Evaluation.subgroups`.

    Args:
        answers: The detector's answers, with their records.
        point: The operating point of sensitivity and specificity.
        seed: Seed of the bootstrap.

    Returns:
        Subgroups by source, hospital, image type, sex, age band, site and skin tone, in this order. Images without a record
        of, for example, sex are a subgroup too. A property that no image has recorded, or that all have in common, is left out;
        so are more than 12 hospitals.

    Raises:
        DetectorError: The answers have no records.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> subgroups(evaluation.per_image, evaluation.operating_point)  # the drawn lesions have no age, sex or site
        ()
    """
    if len(answers.records) != len(answers):
        raise DetectorError("this evaluation has no records of its images; expected one from Detector.evaluate")
    unit = find_units(answers.groups, answers.records).unit
    return tuple(
        subgroup
        for kind, name_of in _KINDS.items()
        for names in [np.array([name_of(record) for record in answers.records])]
        for subgroup in _subgroups_of_kind(
            {name: WeightedMetrics(answers.select(names == name), point) for name in _ordered(kind, names)},
            kind,
            unit,
            seed,
        )
    )


def _subgroups_of_kind(parts: Mapping[str, WeightedMetrics], kind: str, unit: Unit, seed: int) -> Iterator[Subgroup]:
    lesions = {name: metrics.lesions() for name, metrics in parts.items()}
    classes = _comparable_classes([counted for name, counted in lesions.items() if name != UNKNOWN])
    for name, metrics in parts.items():
        figures = _figures(metrics, classes, lesions[name], seed)
        answers, positives = metrics.answers, lesions[name]["sensitivity"]
        images = int(metrics.positive.sum())
        yield Subgroup(
            kind, name, len(answers), answers.lesions, positives, figures, answers.target, images, unit, classes
        )


def _comparable_classes(lesions: Sequence[Mapping[str, int]]) -> tuple[str, ...]:
    """Return the classes with 20 lesions in each subgroup that has two such classes; none where these are fewer than two."""
    recalls = [{name: count for name, count in counted.items() if name.startswith(_RECALL)} for counted in lesions]
    common = [[name for name, count in counted.items() if count >= MIN_LESIONS] for counted in recalls]
    large = [names for names in common if len(names) > 1]
    shared = [name for name in large[0] if all(name in names for names in large)] if large else []
    return tuple(name.removeprefix(_RECALL) for name in shared) if len(shared) > 1 else ()


def _ordered(kind: str, names: NDArray[np.str_]) -> Iterator[str]:
    occurring = set(names.tolist())
    if len(occurring) < 2 or (kind == "hospital" and len(occurring) > _MAX_HOSPITALS):
        return
    bands = {"age": [band for _, band in _AGE_BANDS], "skin tone": FITZPATRICK_GROUPS}.get(kind, ())
    known = [*bands, *sorted(occurring - {UNKNOWN, *bands})]
    yield from (name for name in (*known, UNKNOWN) if name in occurring)


def _figures(
    metrics: WeightedMetrics, classes: tuple[str, ...], lesions: Mapping[str, int], seed: int
) -> dict[str, Figure]:
    recalls = [f"{_RECALL}{label}" for label in classes]

    def shown(weights: Float64Array) -> dict[str, Float64Array]:
        values = metrics(weights)
        recall = np.stack([values[name] for name in recalls], axis=1) if recalls else np.empty((len(weights), 0))
        return {name: values[name] for name in SHOWN} | {"balanced_accuracy": mean_recall(recall)}

    counted = {name: lesions[name] for name in SHOWN}
    counted["balanced_accuracy"] = min((lesions[name] for name in recalls), default=0)
    return compute_figures(shown, metrics.answers.groups, counted, seed=seed)


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
    "hospital": lambda record: find_cell(record.metadata, HOSPITAL_COLUMNS) or UNKNOWN,
    "image type": _image_type,
    "sex": lambda record: _recorded(record, SEX_COLUMNS),
    "age": _age_band,
    "site": lambda record: _recorded(record, SITE_COLUMNS),
    "skin tone": lambda record: skin_tone(record.metadata) or UNKNOWN,
}
