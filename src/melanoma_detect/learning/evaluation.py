"""Figures with intervals: how good a detector is on pictures that it has not seen."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.data.dataset import Dataset, Part
from melanoma_detect.detection.decision import melanoma_scores
from melanoma_detect.detection.operating import OperatingPoint
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.learning.bootstrap import Figure, Floats, figures

if TYPE_CHECKING:
    from melanoma_detect.detection.detector import Detector

HEADLINES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "melanoma_auc": "melanoma ROC AUC",
    "sensitivity": "sensitivity for melanoma",
    "specificity": "specificity for melanoma",
    "missed": "melanomas that it clears",
    "coverage": "pictures that it judges",
}


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What a detector's answers are worth, each figure with a 95 % interval drawn lesion by lesion.

    Attributes:
        split: Which split was measured.
        classes: Class names, in the order of the confusion matrix.
        figures: Over all pictures, those that the detector abstains from too. Of what it would say: accuracy,
            balanced_accuracy (the mean recall of the classes that occur) and melanoma_auc. Of what it does at its threshold:
            sensitivity (the share of melanomas with an alert), missed (the share that is cleared; the others are referred),
            specificity (the share of other pictures that is cleared) and coverage (the share that it does not abstain from).
        recall: For each class the share of its pictures that were called so.
        precision: For each class the share of pictures called so that were it.
        confusion: `(classes, classes)`: rows are the truth, columns the answer.
        labels: The truth, `(n,)`.
        probabilities: The answers, `(n, classes)`.
        operating_point: Where sensitivity and specificity were taken.
        abstained: Which pictures the detector abstained from, `(n,)`.
        lesions: How many independent lesions (groups) the pictures show.
        set_aside: How many pictures were set aside because the detector had seen them.
        ids: What each picture is called, `(n,)`; empty where that is not known.
    """

    split: str
    classes: tuple[str, ...]
    figures: dict[str, Figure]
    recall: dict[str, Figure]
    precision: dict[str, Figure]
    confusion: NDArray[np.int64]
    labels: NDArray[np.int64]
    probabilities: Floats
    operating_point: OperatingPoint | None
    abstained: NDArray[np.bool_]
    lesions: int
    set_aside: int = 0
    ids: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Evaluation of {len(self)} {self.split} pictures: accuracy {self.figures['accuracy']}>"

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def melanoma_scores(self) -> Floats:
        """The probability of melanoma of each picture, `(n,)`."""
        return melanoma_scores(self.probabilities, self.classes)

    @property
    def is_melanoma(self) -> NDArray[np.bool_]:
        """Which pictures are melanomas, `(n,)`."""
        return _is_melanoma(self.labels, self.classes)

    @property
    def abstained_melanomas(self) -> int:
        """How many melanomas the detector abstained from: they are referred, and neither found nor missed."""
        return int((self.abstained & self.is_melanoma).sum())

    @property
    def frame(self) -> pd.DataFrame:
        """One row a class: pictures, recall and precision with their intervals."""
        rows = [
            [int(self.confusion[at].sum()), *self.recall[label][:3], *self.precision[label][:3]]
            for at, label in enumerate(self.classes)
        ]
        ends = ("", "_low", "_high")
        columns = ["pictures", *(f"recall{end}" for end in ends), *(f"precision{end}" for end in ends)]
        return pd.DataFrame(rows, index=pd.Index(self.classes, name="class"), columns=columns)

    @property
    def answers(self) -> pd.DataFrame:
        """One row a picture: truth, diagnosis, the probability of each class, melanoma; its id as the index."""
        names = np.array(self.classes)
        table = pd.DataFrame(self.probabilities, columns=[f"p {label}" for label in self.classes])
        table.insert(0, "truth", names[self.labels])
        table.insert(1, "diagnosis", names[self.probabilities.argmax(axis=1)])
        table["melanoma"] = self.melanoma_scores
        return table.set_axis(list(self.ids), axis="index") if self.ids else table

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the single answers, as `metrics.json` holds it.

        Returns:
            Plain values that `json` takes; figures that are not defined are None.

        Examples:
            >>> sorted(detector.evaluate(data.test).to_dict())[:3]
            ['abstained', 'abstained_melanomas', 'classes']
        """

        def plain(values: dict[str, Figure]) -> dict[str, Any]:
            keep = {name: figure._asdict() for name, figure in values.items()}
            return {
                name: {key: value if np.isfinite(value) else None for key, value in figure.items()}
                for name, figure in keep.items()
            }

        return {
            "split": self.split,
            "pictures": len(self),
            "lesions": self.lesions,
            "set_aside": self.set_aside,
            "abstained": int(self.abstained.sum()),
            "abstained_melanomas": self.abstained_melanomas,
            "classes": list(self.classes),
            "figures": plain(self.figures),
            "recall": plain(self.recall),
            "precision": plain(self.precision),
            "confusion": self.confusion.tolist(),
            "operating_point": vars(self.operating_point) if self.operating_point else None,
        }

    def __str__(self) -> str:
        aside = f"; {self.set_aside} set aside, seen in training" if self.set_aside else ""
        lines = [
            f"{len(self)} {self.split} pictures of {self.lesions} lesions{aside}; 95 % intervals by lesion",
            "",
        ]
        lines += [f"{title:<28}{self.figures[name]}" for name, title in HEADLINES.items()]
        if self.abstained.any():
            lines += [
                "",
                f"It abstains from {self.abstained.sum()} pictures, {self.abstained_melanomas} of them melanomas: a person "
                "must look at those.",
            ]
        lines += ["", f"{'class':<28}{'pictures':>8}  {'recall':<22} precision"]
        for at, label in enumerate(self.classes):
            count = int(self.confusion[at].sum())
            lines.append(f"{label:<28}{count:>8}  {self.recall[label]!s:<22} {self.precision[label]}")
        if self.operating_point:
            lines += ["", str(self.operating_point)]
        return "\n".join(lines)


def evaluate(
    detector: "Detector",
    data: Dataset | Part,
    *,
    seen: Literal["set aside", "keep"] = "set aside",
    seed: int = 123,
) -> Evaluation:
    """Measure a detector; see `Detector.evaluate`.

    Args:
        detector: The detector.
        data: A split, or a dataset: then its test split.
        seen: What to do with pictures that the detector was trained on.
        seed: Where the bootstrap's draws come from.

    Returns:
        The figures.

    Raises:
        DetectorError: No picture is left, or the classes are not the detector's.

    Examples:
        >>> len(evaluate(detector, data)) == len(data.test)
        True
    """
    if seen not in ("set aside", "keep"):
        raise DetectorError(f"seen={seen!r}; expected 'set aside' or 'keep'")
    part = data.test if isinstance(data, Dataset) else data
    if not isinstance(part, Part):
        raise DetectorError(f"the data is a {type(data).__name__}; expected a Dataset or one of its splits: data.test")
    if not set(part.classes) <= set(detector.classes):
        strange = ", ".join(sorted(set(part.classes) - set(detector.classes)))
        raise DetectorError(f"the detector does not know the classes {strange}; it knows {', '.join(detector.classes)}")
    part = _finely_labelled(part)
    fresh = part if seen == "keep" else _unseen(detector, part)
    if not len(fresh):
        raise DetectorError(
            f"no picture of the {part.name} split is left ({len(part)} there, all of them seen in training); evaluate on "
            "pictures of other lesions, or with seen='keep' to look at the figures of training itself"
        )
    # The detector's own order of classes; the data may lack some.
    fresh = replace(fresh, classes=detector.classes, coarse={}, resize=detector.card.resize)
    judged = detector.judge(fresh.pixels(detector.image_size))
    return replace(
        measure(
            judged.probabilities,
            fresh.labels,
            fresh.groups,
            detector.classes,
            detector.operating_point,
            abstained=judged.abstained,
            seed=seed,
        ),
        split=part.name,
        set_aside=len(part) - len(fresh),
        ids=tuple(record.id for record in fresh),
    )


def measure(
    probabilities: Floats,
    labels: NDArray[np.int64],
    groups: Sequence[str],
    classes: tuple[str, ...],
    operating_point: OperatingPoint | None = None,
    *,
    abstained: NDArray[np.bool_] | None = None,
    seed: int = 123,
) -> Evaluation:
    """Compute every figure from answers and truth.

    Args:
        probabilities: The answers, `(n, classes)`.
        labels: The truth as positions in `classes`, `(n,)`.
        groups: The lesion of each picture, `(n,)`.
        classes: Class names.
        operating_point: Where to take sensitivity and specificity; they are not defined without one.
        abstained: Which pictures the detector abstained from, `(n,)`; none where it is None.
        seed: Where the bootstrap's draws come from.

    Returns:
        The figures.

    Examples:
        >>> answers = np.array([[0.9, 0.1], [0.2, 0.8]])
        >>> measure(answers, np.array([0, 1]), ["a", "b"], ("nevus", "melanoma")).figures["accuracy"].value
        1.0
    """
    away = np.zeros(len(labels), np.bool_) if abstained is None else abstained
    statistics = _Statistics(probabilities, labels, classes, operating_point, away)
    found = figures(statistics, groups, statistics.counts(groups), seed=seed)
    return Evaluation(
        split="",
        classes=classes,
        figures={name: found[name] for name in HEADLINES},
        recall={label: found[f"recall {label}"] for label in classes},
        precision={label: found[f"precision {label}"] for label in classes},
        confusion=np.bincount(statistics.cells, minlength=len(classes) ** 2).reshape(len(classes), len(classes)),
        labels=labels,
        probabilities=probabilities,
        operating_point=operating_point,
        abstained=away,
        lesions=len(set(groups)),
    )


class _Statistics:
    """Every figure as a function of how often each picture counts."""

    def __init__(
        self,
        probabilities: Floats,
        labels: NDArray[np.int64],
        classes: tuple[str, ...],
        point: OperatingPoint | None,
        abstained: NDArray[np.bool_],
    ) -> None:
        self.classes, self.labels, self.answers = classes, labels, probabilities.argmax(axis=1)
        self.cells = labels * len(classes) + self.answers
        self._onehot = np.eye(len(classes) ** 2)[self.cells]
        self.positive, self.judged = _is_melanoma(labels, classes), ~abstained
        self.scores = melanoma_scores(probabilities, classes)
        self.alert = _alert_scores(probabilities, classes, point) >= point.threshold if point else None

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        size = len(self.classes)
        confusion = (weights @ self._onehot).reshape(-1, size, size)
        right = np.diagonal(confusion, axis1=1, axis2=2)
        recall, precision = _ratio(right, confusion.sum(axis=2)), _ratio(right, confusion.sum(axis=1))
        occurring = np.isfinite(recall)
        found = {
            "accuracy": _ratio(right.sum(axis=1), weights.sum(axis=1)),
            "balanced_accuracy": _ratio(np.where(occurring, recall, 0).sum(axis=1), occurring.sum(axis=1)),
            "melanoma_auc": weighted_auc(self.scores, self.positive, weights),
            "sensitivity": self._share(weights, self.positive, alert=True),
            "specificity": self._share(weights, ~self.positive, alert=False),
            "missed": self._share(weights, self.positive, alert=False),
            "coverage": _ratio(weights @ self.judged, weights.sum(axis=1)),
        }
        for at, label in enumerate(self.classes):
            found |= {f"recall {label}": recall[:, at], f"precision {label}": precision[:, at]}
        return found

    def counts(self, groups: Sequence[str]) -> dict[str, int]:
        """Count the independent lesions that each figure rests on."""
        named = np.asarray(groups)

        def lesions(chosen: NDArray[np.bool_]) -> int:
            return len(np.unique(named[chosen]))

        positives, negatives, every = lesions(self.positive), lesions(~self.positive), len(np.unique(named))
        return {
            "accuracy": every,
            "balanced_accuracy": every,
            "melanoma_auc": min(positives, negatives),
            "sensitivity": positives,
            "specificity": negatives,
            "missed": positives,
            "coverage": every,
            **{f"recall {label}": lesions(self.labels == at) for at, label in enumerate(self.classes)},
            **{f"precision {label}": lesions(self.answers == at) for at, label in enumerate(self.classes)},
        }

    def _share(self, weights: Floats, chosen: NDArray[np.bool_], *, alert: bool) -> Floats:
        if self.alert is None:
            return np.full(len(weights), np.nan)
        return _ratio(weights @ (chosen & self.judged & (self.alert == alert)), weights @ chosen)


def weighted_auc(scores: Floats, positive: NDArray[np.bool_], weights: Floats) -> Floats:
    """Compute the area under the ROC curve, as the share of pairs in the right order (Mann and Whitney), ties counting half.

    Args:
        scores: `(n,)`.
        positive: `(n,)`.
        weights: How often each picture counts, `(some, n)`.

    Returns:
        `(some,)`, 0 to 1; nan where one side is empty.

    Examples:
        >>> weighted_auc(np.array([0.1, 0.9]), np.array([False, True]), np.ones((1, 2)))
        array([1.])
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    for_, against = weights * positive, weights * ~positive
    wins = np.add.reduceat(for_[:, order], starts, axis=1)
    losses = np.add.reduceat(against[:, order], starts, axis=1)
    beaten = np.cumsum(losses, axis=1) - losses / 2
    return _ratio((wins * beaten).sum(axis=1), for_.sum(axis=1) * against.sum(axis=1))


def _alert_scores(probabilities: Floats, classes: tuple[str, ...], point: OperatingPoint) -> Floats:
    if point.target == "melanoma":
        return melanoma_scores(probabilities, classes)
    malignant: Floats = probabilities[:, list(taxonomy.positions(classes, malignant=True))].sum(axis=1)
    return malignant


def _is_melanoma(labels: NDArray[np.int64], classes: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.isin(labels, taxonomy.positions(classes, code=taxonomy.MELANOMA))


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> Floats:
    shares: Floats = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
    return shares


def _unseen(detector: "Detector", part: Part) -> Part:
    known = detector.files.seen().holds(part.records)
    kept = tuple(record for record, seen in zip(part.records, known, strict=True) if not seen)
    if len(kept) < len(part):
        warnings.warn(
            f"{len(part) - len(kept)} of {len(part)} pictures of the {part.name} split are set aside: the detector has seen "
            "them, or their lesions, in training, and figures on them would be too good (seen='keep' keeps them)",
            DataWarning,
            stacklevel=4,
        )
    return replace(part, records=kept)


def _finely_labelled(part: Part) -> Part:
    """Leave out pictures whose label covers several classes: of them nobody can say which answer is right."""
    kept = tuple(record for record in part.records if record.label in part.classes)
    if len(kept) < len(part):
        warnings.warn(
            f"{len(part) - len(kept)} of {len(part)} pictures of the {part.name} split have a coarse label "
            f"({', '.join(part.coarse)}) and are not measured",
            DataWarning,
            stacklevel=4,
        )
    return replace(part, records=kept)
