"""The evaluation of a detector on held-out images: every metric with its 95 % confidence interval."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from melanoma_detect.data.record import Record
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.as_dict import evaluation_as_dict
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.image_types import ImageTypes
from melanoma_detect.evaluation.measurements import Measurements
from melanoma_detect.evaluation.metrics import BIASED, HEADLINES, MAXIMA, Figures, WeightedMetrics, headlines
from melanoma_detect.evaluation.notes import measuring_notes
from melanoma_detect.evaluation.shortcuts import Shortcuts
from melanoma_detect.evaluation.truth import LabelTruth
from melanoma_detect.inference.image_types import TYPE_PLURALS
from melanoma_detect.inference.operating_points import PLURALS, OperatingPoint, Target
from melanoma_detect.printable import printable
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.deprecation import call_moved
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.probability_arrays import check_probabilities


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Measurements):
    """The metrics of a detector on a split, each with a 95 % confidence interval that counts lesions, not images.

    `figures` holds these metrics, all over all images, those that the detector abstains from included:

    - Of the most probable class, over the images whose label is one of the classes: `accuracy`; `balanced_accuracy`, the mean
      recall of the classes that occur; `balanced_accuracy_common`, that of those with at least 20 images, if there are two.
    - Of the ranking: `melanoma_auc`, the area under the ROC curve of the probability of melanoma, against all other images;
      `malignant_auc`, that of the probability of a malignant diagnosis, malignant against benign lesions; `melanoma_pauc_80`
      and `malignant_pauc_80`, the part of that area above 80 % sensitivity, 0 to 0.2 (ISIC 2024 challenge).
    - At the operating point, for its target (melanoma by default): `sensitivity`, the share of its images with an alert;
      `specificity`, the share of other images without one; `false_negative_rate`, the share of its images that are cleared;
      `false_positive_rate`, the share of other images with an alert. Images that the detector abstains from are referred to a
      person and count in none of the four, so that sensitivity and false-negative rate sum to less than 1 where it abstains.
    - Of the decisions: `coverage`, the share of images that the detector does not abstain from; `referral_rate`, the share that
      it refers, because it abstains or finds a malignant diagnosis likely without an alert; `clearance_rate`, the share of
      other images that it clears; `malignant_clearance_rate`, the share of malignant lesions, also melanomas, that it clears.
    - At the highest threshold with 95 % sensitivity on these very images: `specificity_at_95`; `benign_below_threshold`, the
      share of benign images under it, which would need no review (those that the detector abstains from would).
    - Of the calibration: `ece`, the expected calibration error of the probability of the target (Naeini, Cooper and Hauskrecht
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
        notes: What a reader must know, as sentences: images that the detector has seen in training; labels that look swapped;
            what was measured on which images where the labels of the data differ from the detector's classes.
        seen_in_training: The number of images that are evaluated although the detector has seen them, or their lesions, in
            training: over 0 with `seen="keep"` only. The figures are then too good.
        dataset: The names of the sources that the images come from; empty if unknown.
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
    notes: tuple[str, ...] = ()
    seen_in_training: int = 0
    dataset: str = ""

    _repr_html_ = notebook_view

    def __repr__(self) -> str:
        dataset = f" of {printable(self.dataset)}" if self.dataset else ""
        seen = f", {self.seen_in_training} of them seen in training" if self.seen_in_training else ""
        return f"<Evaluation of {self._images}{dataset}{seen}: accuracy {self.figures['accuracy']}>"

    @property
    def heading(self) -> str:
        """How many images of how many lesions or patients, of which data set, and what the intervals count."""
        units = "" if self.units.unit == "image" else f" of {self.units}"
        dataset = f" ({printable(self.dataset)})" if self.dataset else ""
        set_aside = f"; {self.set_aside} set aside, seen in training" if self.set_aside else ""
        return f"{self._images}{units}{dataset}{set_aside}; 95 % intervals by {self.units.unit}"

    @property
    def _images(self) -> str:
        return count_noun(len(self), f"{self.split} image".strip())

    @property
    def abstention_note(self) -> str:
        """How many images the detector abstains from, and how many of them show the target, as the start of a sentence."""
        of_target = int((self.abstained & self.per_image.is_positive).sum())
        images = count_noun(int(self.abstained.sum()), "image")
        return f"The detector abstains from {images}, {of_target} of them {PLURALS[self.target]}:"

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

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the single predictions, as `metrics.json` holds it.

        Returns:
            Plain values that `json` takes, with None for what is not defined: every figure, and the data behind every plot of
            the report (ROC and calibration curves, decision curve, shares of decisions, operating points, subgroups).

        Examples:
            >>> sorted(detector.evaluate(data.test).to_dict())[:3]
            ['abstained', 'abstained_melanomas', 'calibration_curve']
        """
        return evaluation_as_dict(self)

    def _describe(self, name: str) -> str:
        """Return a figure as text; where it needs lesions that these images do not show, with that reason."""
        needs = (
            "sensitivity",
            "false_negative_rate",
            f"{self.target}_auc",
            f"{self.target}_pauc_80",
            "specificity_at_95",
        )
        missing = name in needs and not self.per_image.is_positive.any()
        return f"{self.figures[name]}{f'  (no {PLURALS[self.target]} here)' * missing}"

    def _point_lines(self) -> Iterator[str]:
        """Yield the operating points that these images were judged by."""
        for image_type, point in self.operating_points_used.items():
            yield f"Operating point{f' for {TYPE_PLURALS[image_type]}' if image_type else ''}: {point}"

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
        lines = [self.heading, *([self.notes[0]] if self.seen_in_training else []), ""]
        lines += [f"{title:<38}{self._describe(name)}" for name, title in headlines(self.target).items()]
        if self.abstained.any():
            lines += ["", f"{self.abstention_note} a person must look at them."]
        if notes := self.notes[bool(self.seen_in_training) :]:
            lines += ["", *map(printable, notes)]
        width = max(32, *(len(printable(label)) + 1 for label in self.classes))
        lines += ["", f"{'class':<{width}}{'images':>8}  {'recall':<22} precision"]
        for label, count in zip(self.classes, self.confusion.sum(axis=1), strict=True):
            lines.append(f"{printable(label):<{width}}{count:>8}  {self.recall[label]!s:<22} {self.precision[label]}")
        lines += [text for part in (*self._point_lines(), self.shortcuts) if part for text in ("", str(part))]
        return "\n".join(lines)


def measure(
    probabilities: Float64Array,
    labels: NDArray[np.int64],
    groups: Sequence[str],
    classes: tuple[str, ...],
    operating_point: OperatingPoint | None = None,
    *,
    abstained: NDArray[np.bool_] | None = None,
    records: Sequence[Record] = (),
    target: Target | None = None,
    label_names: Sequence[str] = (),
    truths: Mapping[str, LabelTruth] | None = None,
    unmerged: tuple[Float64Array, tuple[str, ...]] | None = None,
    image_types: ImageTypes | None = None,
    malignant_before: NDArray[np.bool_] | None = None,
    seed: int = 123,
) -> Evaluation:
    """Compute every metric from predicted probabilities and true labels.

    Args:
        probabilities: The predicted probabilities, `(n, classes)`.
        labels: The true classes as positions in `classes`, `(n,)`; -1 for a label that is none of them.
        groups: The lesion of each image, `(n,)`.
        classes: Class names.
        operating_point: The operating point of sensitivity and specificity; they are not defined without one.
        abstained: Which images the detector abstained from, `(n,)`; none if None.
        records: The dataset's record of each image, `(n,)`; empty if unknown.
        target: `"melanoma"` or `"malignant"`; None for the operating point's, and melanoma without one.
        label_names: See `Answers`; needed where a label is -1.
        truths: See `Answers`.
        unmerged: See `Answers`.
        image_types: See `Answers`.
        malignant_before: See `Answers`.
        seed: Seed of the bootstrap.

    Returns:
        The evaluation.

    Raises:
        DetectorError: The probabilities have another shape, or are none.

    Examples:
        >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
        >>> measure(probabilities, np.array([0, 1]), ["a", "b"], ("nevus", "melanoma")).figures["accuracy"].value
        1.0
    """
    answers = Answers(
        check_probabilities(probabilities, classes, images=len(labels)),
        labels,
        tuple(groups),
        classes,
        np.zeros(len(labels), np.bool_) if abstained is None else abstained,
        tuple(records),
        target=target or (operating_point.target if operating_point else "melanoma"),
        label_names=tuple(label_names),
        truths=truths or {},
        unmerged=unmerged,
        image_types=image_types,
        malignant_before=malignant_before,
    )
    metrics = WeightedMetrics(answers, operating_point)
    figures = compute_figures(metrics, answers.groups, metrics.lesions(), seed=seed, biased=BIASED, maxima=MAXIMA)
    return Evaluation(
        split="",
        per_image=answers,
        figures=Figures({name: figures[name] for name in HEADLINES}),
        recall={label: figures[f"recall {label}"] for label in classes},
        precision={label: figures[f"precision {label}"] for label in classes},
        confusion=confusion_matrix(
            labels[answers.has_class], answers.predicted[answers.has_class], labels=range(len(classes))
        ),
        operating_point=operating_point,
        points=(operating_point,) if operating_point else (),
        notes=(*measuring_notes(answers), *(image_types.notes(operating_point) if image_types else ())),
    )
