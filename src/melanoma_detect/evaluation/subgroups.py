"""The same figures for parts of the images: one source, women, people over 75, lesions of the back."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.record import Record
from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.bootstrap import Figure, figures
from melanoma_detect.evaluation.metrics import Statistics

if TYPE_CHECKING:
    from melanoma_detect.evaluation.evaluation import Evaluation

SHOWN = {
    "balanced_accuracy": "balanced accuracy",
    "melanoma_auc": "melanoma AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}
ENOUGH = 20  # lesions: under this an interval says little, and a comparison of two says nothing
TOO_FEW = "too few to tell"
UNKNOWN = "not recorded"
# The first that a table has counts; the names are those of HAM10000, of the ISIC archive and of its challenges.
_AGES = ("age", "age_approx")
_SITES = ("localization", "anatom_site_general", "anatom_site_general_challenge", "anatom_site_1")
_BANDS = ((40, "under 40"), (60, "40 to 59"), (75, "60 to 74"), (np.inf, "75 and over"))


@dataclass(frozen=True)
class Subgroup:
    """What a detector's answers are worth on a part of the images.

    Attributes:
        kind: By what the images are told apart: `"source"`, `"sex"`, `"age"` or `"site"`.
        name: Which part this is, as `"female"` or `"under 40"`.
        images: How many.
        lesions: Of how many lesions.
        melanomas: How many of the lesions are melanomas.
        figures: balanced_accuracy, melanoma_auc, sensitivity and specificity, as `Evaluation.figures` has them.
    """

    kind: str
    name: str
    images: int
    lesions: int
    melanomas: int
    figures: Mapping[str, Figure]

    def __str__(self) -> str:
        told = ", ".join(f"{title} {self.tell(name)}" for name, title in SHOWN.items())
        return f"{self.kind} {self.name}: {self.images} images, {self.melanomas} melanomas; {told}"

    def tells(self, name: str) -> bool:
        """Return whether a figure rests on enough lesions to be read.

        Args:
            name: Of the figure.

        Returns:
            Whether it is defined and rests on 20 lesions or more: melanomas for sensitivity, others for specificity, both
            for the AUC.

        Examples:
            >>> Subgroup("sex", "female", 9, 9, 3, {"sensitivity": Figure(1.0, 0.3, 1.0, 3)}).tells("sensitivity")
            False
        """
        figure = self.figures[name]
        return bool(np.isfinite(figure.value)) and figure.lesions >= ENOUGH

    def tell(self, name: str) -> str:
        """Return a figure with its interval in words, or that there are too few lesions to tell.

        Args:
            name: Of the figure.

        Returns:
            Text.

        Examples:
            >>> Subgroup("sex", "female", 9, 9, 3, {"sensitivity": Figure(1.0, 0.3, 1.0, 3)}).tell("sensitivity")
            'too few to tell'
        """
        figure = self.figures[name]
        if figure.lesions < ENOUGH:
            return TOO_FEW
        return str(figure)


def subgroups(evaluation: "Evaluation", *, seed: int = 123) -> tuple[Subgroup, ...]:
    """Measure each source, sex, age band and site on its own; see `Evaluation.subgroups`.

    Args:
        evaluation: The figures, of a dataset with a table.
        seed: Where the bootstrap's draws come from.

    Returns:
        A subgroup a source, sex, age band and site, in this order; what one image at least does not have recorded is a
        subgroup too. What no image has recorded, or all have alike, is left out.

    Raises:
        DetectorError: The evaluation does not know its records, since it was made by `measure`.

    Examples:
        >>> subgroups(detector.evaluate(data.test))  # the drawn lesions have no age, no sex and no site
        ()
    """
    if len(evaluation.records) != len(evaluation):
        raise DetectorError("this evaluation does not know its records; expected one that Detector.evaluate gave")
    return tuple(
        _measured(evaluation, kind, name, names == name, seed)
        for kind, of in _KINDS.items()
        for names in [np.array([of(record) for record in evaluation.records])]
        for name in _ordered(kind, names)
    )


def _ordered(kind: str, names: NDArray[np.str_]) -> Iterator[str]:
    found = set(names.tolist())
    if len(found) < 2:
        return
    known = [band for _, band in _BANDS] if kind == "age" else sorted(found - {UNKNOWN})
    yield from (name for name in (*known, UNKNOWN) if name in found)


def _measured(evaluation: "Evaluation", kind: str, name: str, chosen: NDArray[np.bool_], seed: int) -> Subgroup:
    groups = [group for group, kept in zip(evaluation.groups, chosen, strict=True) if kept]
    statistics = Statistics(
        evaluation.probabilities[chosen],
        evaluation.labels[chosen],
        evaluation.classes,
        evaluation.operating_point,
        evaluation.abstained[chosen],
    )
    counts = statistics.counts(groups)
    found = figures(
        lambda weights: {shown: value for shown, value in statistics(weights).items() if shown in SHOWN},
        groups,
        counts,
        seed=seed,
    )
    return Subgroup(kind, name, len(groups), counts["accuracy"], counts["sensitivity"], found)


def _first(record: Record, columns: tuple[str, ...]) -> str:
    said = (record.metadata.get(column, "").strip().lower() for column in columns)
    return next((text for text in said if text not in ("", "unknown", "nan")), UNKNOWN)


def _band(record: Record) -> str:
    try:
        age = float(_first(record, _AGES))
    except ValueError:
        return UNKNOWN
    return next((band for end, band in _BANDS if age < end), UNKNOWN)


_KINDS: Mapping[str, Callable[[Record], str]] = {
    "source": lambda record: record.source or UNKNOWN,
    "sex": lambda record: _first(record, ("sex",)),
    "age": _band,
    "site": lambda record: _first(record, _SITES),
}
