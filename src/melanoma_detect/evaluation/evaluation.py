"""Figures with intervals: how good a detector is on images that it has not seen."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.data.record import Record
from melanoma_detect.evaluation import predictive_values, subgroups
from melanoma_detect.evaluation.bootstrap import Figure, figures
from melanoma_detect.evaluation.metrics import HEADLINES, MIRRORED, Statistics, is_melanoma
from melanoma_detect.evaluation.shortcuts import Shortcuts
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.prediction import melanoma_scores
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.deprecation import call_moved


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What a detector's answers are worth, each figure with a 95 % interval drawn lesion by lesion.

    Attributes:
        split: Which split was measured.
        classes: Class names, in the order of the confusion matrix.
        figures: Over all images, those that the detector abstains from too. Of what it would say: accuracy,
            balanced_accuracy (the mean recall of the classes that occur) and melanoma_auc. Of what it does at its threshold:
            sensitivity (the share of melanomas with an alert), missed (the share that is cleared; the others are referred),
            specificity (the share of other images that is cleared), false_alarms (the share of those with an alert) and
            coverage (the share that it does not abstain from). Of what the probabilities are worth, read off these very
            images: specificity_at_95 (at the highest threshold that finds 95 % of the melanomas), spared (the share of
            benign images under that threshold: nobody needs to look at them), ece (of the probability of melanoma, in ten
            equally wide bins; see `measuring.reliability`), brier (the mean square of its error, 0 to 1; Brier 1950) and
            brier_classes (summed over all classes, 0 to 2).
        recall: For each class the share of its images that were called so.
        precision: For each class the share of images called so that were it.
        confusion: `(classes, classes)`: rows are the truth, columns the answer.
        labels: The truth, `(n,)`.
        probabilities: The answers, `(n, classes)`.
        operating_point: Where sensitivity and specificity were taken.
        abstained: Which images the detector abstained from, `(n,)`.
        lesions: How many independent lesions (groups) the images show.
        set_aside: How many images were set aside because the detector had seen them.
        ids: What each image is called, `(n,)`; empty where that is not known.
        groups: The lesion of each image, `(n,)`.
        records: What is known about each image, `(n,)`; empty where that is not known.
        points: The operating points that validation supports: at 90, 95 and 99 % sensitivity, and the detector's own.
        shortcuts: What the detector knows without seeing the lesions; None where that was not asked.
        detector: What was measured, in a few words.
    """

    split: str
    classes: tuple[str, ...]
    figures: dict[str, Figure]
    recall: dict[str, Figure]
    precision: dict[str, Figure]
    confusion: NDArray[np.int64]
    labels: NDArray[np.int64]
    probabilities: Float64Array
    operating_point: OperatingPoint | None
    abstained: NDArray[np.bool_]
    lesions: int
    set_aside: int = 0
    ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    points: tuple[OperatingPoint, ...] = ()
    shortcuts: Shortcuts | None = None
    detector: str = ""

    def __repr__(self) -> str:
        return f"<Evaluation of {len(self)} {self.split} images: accuracy {self.figures['accuracy']}>"

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def melanoma_scores(self) -> Float64Array:
        """The probability of melanoma of each image, `(n,)`."""
        return melanoma_scores(self.probabilities, self.classes)

    @property
    def is_melanoma(self) -> NDArray[np.bool_]:
        """Which images are melanomas, `(n,)`."""
        return is_melanoma(self.labels, self.classes)

    @property
    def knows_melanoma(self) -> bool:
        """Whether one of the classes is melanoma."""
        return bool(taxonomy.positions(self.classes, code=taxonomy.MELANOMA))

    @property
    def abstained_melanomas(self) -> int:
        """How many melanomas the detector abstained from: they are referred, and neither found nor missed."""
        return int((self.abstained & self.is_melanoma).sum())

    @property
    def frame(self) -> pd.DataFrame:
        """One row a class: images, recall and precision with their intervals."""
        rows = [
            [int(self.confusion[at].sum()), *self.recall[label][:3], *self.precision[label][:3]]
            for at, label in enumerate(self.classes)
        ]
        ends = ("", "_low", "_high")
        columns = ["images", *(f"recall{end}" for end in ends), *(f"precision{end}" for end in ends)]
        return pd.DataFrame(rows, index=pd.Index(self.classes, name="class"), columns=columns)

    @property
    def answers(self) -> pd.DataFrame:
        """One row an image: truth, diagnosis, the probability of each class, melanoma; its id as the index."""
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
            "images": len(self),
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
            "shortcuts": self.shortcuts
            and {**plain(vars(self.shortcuts)), "taken": self.shortcuts.taken, "verdict": self.shortcuts.verdict},
        }

    def subgroups(self) -> "tuple[subgroups.Subgroup, ...]":
        """Measure each source, sex, age band and site on its own, where the dataset's table knows them.

        Returns:
            One subgroup a source, sex, age band and site; figures that rest on fewer than 20 lesions say "too few to tell".

        Raises:
            DetectorError: The evaluation was made by `measure`, and does not know its records.

        Examples:
            >>> for part in detector.evaluate(data.test).subgroups():
            ...     print(part)
        """
        return subgroups.subgroups(self)

    def at_prevalence(self, share: float) -> predictive_values.PredictiveFigures:
        """Say what an alert, and a cleared image, mean where melanoma is as common as this.

        Args:
            share: The share of images that are melanomas, over 0 and under 1.

        Returns:
            Predictive values and the number needed to biopsy, with intervals.

        Raises:
            DetectorError: The share is out of range, or sensitivity and specificity are not defined.

        Examples:
            >>> print(detector.evaluate(data.test).at_prevalence(0.02))
            at a prevalence of 2.00%: ... of alerts are right (one in ...), ... of cleared images are
        """
        return predictive_values.at_prevalence(self, share)

    def html(self, path: "str | os.PathLike[str]", *, validation: "Evaluation | None" = None) -> Path:
        """Write an HTML report. Deprecated: use `md.report.write_html`.

        Args:
            path: The file to write.
            validation: The evaluation of the validation split.

        Returns:
            The file.
        """
        old, new = "Evaluation.html(path)", "md.report.write_html(evaluation, path)"
        found = call_moved(old, new, "melanoma_detect.report", "write_html", self, path, validation=validation)
        return Path(found)

    def __str__(self) -> str:
        aside = f"; {self.set_aside} set aside, seen in training" if self.set_aside else ""
        lines = [
            f"{len(self)} {self.split} images of {self.lesions} lesions{aside}; 95 % intervals by lesion",
            "",
        ]
        lines += [f"{title:<28}{self.figures[name]}" for name, title in HEADLINES.items()]
        if self.abstained.any():
            lines += [
                "",
                f"It abstains from {self.abstained.sum()} images, {self.abstained_melanomas} of them melanomas: a person "
                "must look at those.",
            ]
        width = max(28, *(len(label) + 1 for label in self.classes))
        lines += ["", f"{'class':<{width}}{'images':>8}  {'recall':<22} precision"]
        for at, label in enumerate(self.classes):
            count = int(self.confusion[at].sum())
            lines.append(f"{label:<{width}}{count:>8}  {self.recall[label]!s:<22} {self.precision[label]}")
        if self.operating_point:
            lines += ["", str(self.operating_point)]
        if self.shortcuts:
            lines += ["", str(self.shortcuts)]
        return "\n".join(lines)


def measure(
    probabilities: Float64Array,
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
        groups: The lesion of each image, `(n,)`.
        classes: Class names.
        operating_point: Where to take sensitivity and specificity; they are not defined without one.
        abstained: Which images the detector abstained from, `(n,)`; none where it is None.
        seed: Where the bootstrap's draws come from.

    Returns:
        The figures.

    Examples:
        >>> answers = np.array([[0.9, 0.1], [0.2, 0.8]])
        >>> measure(answers, np.array([0, 1]), ["a", "b"], ("nevus", "melanoma")).figures["accuracy"].value
        1.0
    """
    away = np.zeros(len(labels), np.bool_) if abstained is None else abstained
    statistics = Statistics(probabilities, labels, classes, operating_point, away)
    found = figures(statistics, groups, statistics.counts(groups), seed=seed, mirrored=MIRRORED)
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
        groups=tuple(groups),
        points=(operating_point,) if operating_point else (),
    )
