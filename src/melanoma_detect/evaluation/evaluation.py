"""The evaluation of a detector on held-out images: every metric with its 95 % confidence interval."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from melanoma_detect.data.record import Record
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.calibration_curve import Bin, calibration_curve
from melanoma_detect.evaluation.measured_points import MeasuredPoint, measured_points
from melanoma_detect.evaluation.metrics import BIASED, HEADLINES, Figures, WeightedMetrics
from melanoma_detect.evaluation.predictive_values import PredictiveFigures, predictive_values
from melanoma_detect.evaluation.shortcuts import Shortcuts
from melanoma_detect.evaluation.subgroups import Subgroup, subgroups
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.deprecation import call_moved, warn_renamed


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """The metrics of a detector on a split, each with a 95 % confidence interval that counts lesions, not images.

    `figures` holds these metrics, all over all images, those that the detector abstains from included:

    - Of the most probable class: `accuracy`; `balanced_accuracy`, the mean recall of the classes that occur.
    - Of the ranking: `melanoma_auc`, the area under the ROC curve of the probability of melanoma.
    - At the operating point: `sensitivity`, the share of melanomas with an alert; `specificity`, the share of other images
      that are cleared; `false_negative_rate`, the share of melanomas that are cleared; `false_positive_rate`, the share of
      other images with an alert. Images that the detector abstains from are referred to a person and count in none of the
      four, so that sensitivity and false-negative rate sum to less than 1 where it abstains from melanomas.
    - `coverage`: the share of images that the detector does not abstain from.
    - At the highest threshold with 95 % sensitivity on these very images: `specificity_at_95`; `benign_below_threshold`, the
      share of benign images under it, which would need no review (those that the detector abstains from would).
    - Of the calibration: `ece`, the expected calibration error of the probability of melanoma (Naeini, Cooper and Hauskrecht
      2015), in ten equally wide bins; `brier`, the Brier score of that probability, 0 to 1 (Brier 1950); `brier_classes`, the
      Brier score summed over all classes, 0 to 2.

    Attributes:
        split: The name of the split.
        per_image: The answers and true labels that everything is computed from.
        figures: The metrics by name.
        recall: For each class, the share of its images that are predicted as it.
        precision: For each class, the share of the images predicted as it that show it.
        confusion: The confusion matrix, `(classes, classes)`: rows are the true, columns the predicted classes.
        operating_point: The operating point of sensitivity and specificity; None if the detector has none.
        set_aside: The number of images set aside because the detector was trained on them or on their lesions.
        points: The operating points that validation supports: at 90, 95 and 99 % sensitivity, and the one in use.
        shortcuts: The test for shortcuts; None if it was not requested.
        detector: A description of the detector.
    """

    split: str
    per_image: Answers
    figures: dict[str, Figure]
    recall: dict[str, Figure]
    precision: dict[str, Figure]
    confusion: NDArray[np.int64]
    operating_point: OperatingPoint | None
    set_aside: int = 0
    points: tuple[OperatingPoint, ...] = ()
    shortcuts: Shortcuts | None = None
    detector: str = ""

    def __repr__(self) -> str:
        return f"<Evaluation of {len(self)} {self.split} images: accuracy {self.figures['accuracy']}>"

    def __len__(self) -> int:
        return len(self.per_image)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the confusion matrix."""
        return self.per_image.classes

    @property
    def labels(self) -> NDArray[np.int64]:
        """The true class of each image as a position in `classes`, `(n,)`."""
        return self.per_image.labels

    @property
    def probabilities(self) -> Float64Array:
        """The predicted probabilities, `(n, classes)`."""
        return self.per_image.probabilities

    @property
    def abstained(self) -> NDArray[np.bool_]:
        """Which images the detector abstained from, `(n,)`."""
        return self.per_image.abstained

    @property
    def groups(self) -> tuple[str, ...]:
        """The lesion that each image shows, `(n,)`."""
        return self.per_image.groups

    @property
    def records(self) -> tuple[Record, ...]:
        """The dataset's record of each image, `(n,)`; empty if unknown."""
        return self.per_image.records

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of each image, `(n,)`; empty if unknown."""
        return tuple(record.id for record in self.records)

    @property
    def lesions(self) -> int:
        """The number of independent lesions (groups) that the images show."""
        return self.per_image.lesions

    @property
    def melanoma_scores(self) -> Float64Array:
        """The predicted probability of melanoma of each image, `(n,)`."""
        return self.per_image.melanoma_scores

    @property
    def is_melanoma(self) -> NDArray[np.bool_]:
        """Which images show a melanoma, `(n,)`."""
        return self.per_image.is_melanoma

    @property
    def knows_melanoma(self) -> bool:
        """Deprecated: use `per_image.has_melanoma_class`."""
        warn_renamed("Evaluation.knows_melanoma", "Evaluation.per_image.has_melanoma_class")
        return self.per_image.has_melanoma_class

    @property
    def abstained_melanomas(self) -> int:
        """The number of melanomas that the detector abstained from: referred, neither true positives nor false negatives."""
        return int((self.abstained & self.is_melanoma).sum())

    @property
    def frame(self) -> pd.DataFrame:
        """One row per class: images, recall and precision with their intervals."""
        rows = [
            [int(count), *self.recall[label][:3], *self.precision[label][:3]]
            for label, count in zip(self.classes, self.confusion.sum(axis=1), strict=True)
        ]
        ends = ("", "_low", "_high")
        columns = ["images", *(f"recall{end}" for end in ends), *(f"precision{end}" for end in ends)]
        return pd.DataFrame(rows, index=pd.Index(self.classes, name="class"), columns=columns)

    @property
    def predictions(self) -> pd.DataFrame:
        """One row per image: truth, diagnosis, the probability of each class, melanoma; its id as the index if known."""
        names = np.array(self.classes)
        table = pd.DataFrame(self.probabilities, columns=[f"p {label}" for label in self.classes])
        table.insert(0, "truth", names[self.labels])
        table.insert(1, "diagnosis", names[self.per_image.predicted])
        table["melanoma"] = self.melanoma_scores
        return table.set_axis(list(self.ids), axis="index") if self.ids else table

    @property
    def answers(self) -> pd.DataFrame:
        """Deprecated: use `predictions`."""
        warn_renamed("Evaluation.answers", "Evaluation.predictions")
        return self.predictions

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the single predictions, as `metrics.json` holds it.

        Returns:
            Plain values that `json` takes; metrics that are not defined are None.

        Examples:
            >>> sorted(detector.evaluate(data.test).to_dict())[:3]
            ['abstained', 'abstained_melanomas', 'classes']
        """
        shortcuts = self.shortcuts and {
            **_plain(vars(self.shortcuts)),
            "taken": self.shortcuts.detected,
            "verdict": self.shortcuts.summary,
        }
        return {
            "split": self.split,
            "images": len(self),
            "lesions": self.lesions,
            "set_aside": self.set_aside,
            "abstained": int(self.abstained.sum()),
            "abstained_melanomas": self.abstained_melanomas,
            "classes": list(self.classes),
            "figures": _plain(self.figures),
            "recall": _plain(self.recall),
            "precision": _plain(self.precision),
            "confusion": self.confusion.tolist(),
            "operating_point": vars(self.operating_point) if self.operating_point else None,
            "shortcuts": shortcuts,
        }

    def subgroups(self) -> tuple[Subgroup, ...]:
        """Measure each source, sex, age band and site on its own, if the dataset's table records them.

        Returns:
            The subgroups; metrics that rest on fewer than 20 lesions read "too few lesions".

        Raises:
            DetectorError: The evaluation has no records of its images, since it was made by `measure`.

        Examples:
            >>> for subgroup in detector.evaluate(data.test).subgroups():
            ...     print(subgroup)
        """
        return subgroups(self.per_image, self.operating_point)

    def calibration_curve(self) -> tuple[Bin, ...]:
        """Compute the calibration curve: the predicted probability of melanoma against the observed share of melanomas.

        Returns:
            The bins that hold images, of ten equally wide ones; empty if no class is melanoma.

        Examples:
            >>> sum(tenth.images for tenth in detector.evaluate(data.test).calibration_curve()) == len(data.test)
            True
        """
        return calibration_curve(self.per_image)

    def measured_points(self) -> tuple[MeasuredPoint, ...]:
        """Measure every operating point that validation supports on these images.

        Returns:
            The points with their sensitivity and specificity here; empty if the images show no melanoma, or nothing else.

        Examples:
            >>> [measured.point.goal for measured in detector.evaluate(data.test).measured_points()]
            [0.6]
        """
        return measured_points(self.per_image, self.points)

    def at_prevalence(self, share: float) -> PredictiveFigures:
        """Compute what an alert, and a cleared image, mean at a prevalence of melanoma (Bayes' rule).

        Args:
            share: The share of images that are melanomas, over 0 and under 1.

        Returns:
            Positive and negative predictive value and the number needed to biopsy, with intervals.

        Raises:
            DetectorError: The share is out of range, or sensitivity or specificity is not defined.

        Examples:
            >>> print(detector.evaluate(data.test).at_prevalence(0.02))
            at a prevalence of 2.00%: ... of alerts are melanomas (one in ...); ... of cleared images are not
        """
        return predictive_values(self.figures, share)

    def html(self, path: "str | os.PathLike[str]", *, validation: "Evaluation | None" = None) -> Path:
        """Write an HTML report. Deprecated: use `md.report.write_html`.

        Args:
            path: The file to write.
            validation: The evaluation of the validation split.

        Returns:
            The file.
        """
        old, new = "Evaluation.html(path)", "md.report.write_html(evaluation, path)"
        written = call_moved(old, new, "melanoma_detect.report", "write_html", self, path, validation=validation)
        return Path(written)

    def __str__(self) -> str:
        set_aside = f"; {self.set_aside} set aside, seen in training" if self.set_aside else ""
        lines = [f"{len(self)} {self.split} images of {self.lesions} lesions{set_aside}; 95 % intervals by lesion", ""]
        lines += [f"{title:<32}{self.figures[name]}" for name, title in HEADLINES.items()]
        if self.abstained.any():
            lines += [
                "",
                f"The detector abstains from {self.abstained.sum()} images, {self.abstained_melanomas} of them melanomas: a "
                "person must look at them.",
            ]
        width = max(32, *(len(label) + 1 for label in self.classes))
        lines += ["", f"{'class':<{width}}{'images':>8}  {'recall':<22} precision"]
        for label, count in zip(self.classes, self.confusion.sum(axis=1), strict=True):
            lines.append(f"{label:<{width}}{count:>8}  {self.recall[label]!s:<22} {self.precision[label]}")
        lines += [text for part in (self.operating_point, self.shortcuts) if part for text in ("", str(part))]
        return "\n".join(lines)


def _plain(figures: dict[str, Figure]) -> dict[str, Any]:
    """Return figures as plain values, with None for nan, which JSON does not have."""
    return {
        name: {key: value if np.isfinite(value) else None for key, value in figure._asdict().items()}
        for name, figure in figures.items()
    }


def measure(
    probabilities: Float64Array,
    labels: NDArray[np.int64],
    groups: Sequence[str],
    classes: tuple[str, ...],
    operating_point: OperatingPoint | None = None,
    *,
    abstained: NDArray[np.bool_] | None = None,
    records: Sequence[Record] = (),
    seed: int = 123,
) -> Evaluation:
    """Compute every metric from predicted probabilities and true labels.

    Args:
        probabilities: The predicted probabilities, `(n, classes)`.
        labels: The true classes as positions in `classes`, `(n,)`.
        groups: The lesion of each image, `(n,)`.
        classes: Class names.
        operating_point: The operating point of sensitivity and specificity; they are not defined without one.
        abstained: Which images the detector abstained from, `(n,)`; none if None.
        records: The dataset's record of each image, `(n,)`; empty if unknown.
        seed: Seed of the bootstrap.

    Returns:
        The evaluation.

    Examples:
        >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
        >>> measure(probabilities, np.array([0, 1]), ["a", "b"], ("nevus", "melanoma")).figures["accuracy"].value
        1.0
    """
    away = np.zeros(len(labels), np.bool_) if abstained is None else abstained
    answers = Answers(probabilities, labels, tuple(groups), classes, away, tuple(records))
    metrics = WeightedMetrics(answers, operating_point)
    figures = compute_figures(metrics, answers.groups, metrics.lesions(), seed=seed, biased=BIASED)
    return Evaluation(
        split="",
        per_image=answers,
        figures=Figures({name: figures[name] for name in HEADLINES}),
        recall={label: figures[f"recall {label}"] for label in classes},
        precision={label: figures[f"precision {label}"] for label in classes},
        confusion=confusion_matrix(labels, answers.predicted, labels=range(len(classes))),
        operating_point=operating_point,
        points=(operating_point,) if operating_point else (),
    )
