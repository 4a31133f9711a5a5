"""What can be measured on an evaluation's images beyond its figures: curves, subgroups, predictive values, comparisons."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.evaluation.balanced_accuracy import balanced_accuracy
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.calibration_curve import Bin, calibration_curve
from melanoma_detect.evaluation.comparison import Comparison, compare
from melanoma_detect.evaluation.decision_curve import DecisionCurve, decision_curve
from melanoma_detect.evaluation.decision_shares import DecisionShares, decision_shares
from melanoma_detect.evaluation.measured_points import MeasuredPoint, measured_points
from melanoma_detect.evaluation.per_image import PerImage
from melanoma_detect.evaluation.predictive_values import PredictiveFigures, predictive_values
from melanoma_detect.evaluation.roc import RocCurve, RocPoint, roc_curves
from melanoma_detect.evaluation.shortcuts import Shortcuts
from melanoma_detect.evaluation.subgroups import Subgroup, subgroups
from melanoma_detect.inference.operating_points import OperatingPoint, Target

_Value = TypeVar("_Value")


class Measurements(PerImage):
    """What an evaluation can measure on its images on demand.

    Attributes:
        split: The name of the split.
        dataset: The names of the sources that the images come from; empty if unknown.
        figures: The metrics by name.
        recall: For each class, the share of its images that are predicted as it.
        precision: For each class, the share of the images predicted as it that show it.
        confusion: The confusion matrix, `(classes, classes)`: rows are the true, columns the predicted classes.
        shortcuts: The test for shortcuts; None if it was not requested.
        notes: What was measured on which images, as sentences.
        points: The operating points that validation supports: at 90, 95 and 99 % sensitivity, and the one in use.
    """

    split: str
    dataset: str
    figures: dict[str, Figure]
    recall: dict[str, Figure]
    precision: dict[str, Figure]
    confusion: NDArray[np.int64]
    shortcuts: Shortcuts | None
    notes: tuple[str, ...]
    points: tuple[OperatingPoint, ...]

    def _once(self, name: str, compute: Callable[[], _Value]) -> _Value:
        """Compute a value on first use: a bootstrap takes seconds, and a page and its JSON need the same ones."""
        known: dict[str, _Value] = self.__dict__.setdefault("_known", {})
        if name not in known:
            known[name] = compute()
        return known[name]

    def subgroups(self) -> tuple[Subgroup, ...]:
        """Measure each source, hospital, image type, sex, age, site and skin tone on its own, where a table records them.

        Returns:
            The subgroups; metrics that rest on fewer than 20 lesions read "too few lesions".

        Raises:
            DetectorError: The evaluation has no records of its images, since it was made by `measure`.

        Examples:
            >>> for subgroup in detector.evaluate(data.test).subgroups():
            ...     print(subgroup)
        """
        return self._once("subgroups", lambda: subgroups(self.per_image, self.operating_point))

    def calibration_curve(self) -> tuple[Bin, ...]:
        """Compute the calibration curve: the predicted probability of the target against the observed share of it.

        Returns:
            The bins that hold images, of ten equally wide ones; empty if no class belongs to the target.

        Examples:
            >>> sum(tenth.images for tenth in detector.evaluate(data.test).calibration_curve()) == len(data.test)
            True
        """
        return self._once("calibration curve", lambda: calibration_curve(self.per_image))

    def measured_points(self) -> tuple[MeasuredPoint, ...]:
        """Measure every operating point that validation supports on these images.

        Returns:
            The points with their sensitivity and specificity here; empty if the images do not show the target, or nothing else.

        Examples:
            >>> [measured.point.goal for measured in detector.evaluate(data.test).measured_points()]
            [0.6]
        """
        return self._once("points", lambda: measured_points(self.per_image, self.points, in_use=self.operating_point))

    def roc_curves(self, target: Target | None = None) -> tuple[RocCurve, ...]:
        """Compute the ROC curve: the sensitivity and false-positive rate of every threshold, with the operating points on it.

        Args:
            target: `"melanoma"` or `"malignant"`; None for that of the evaluation.

        Returns:
            The curve over all images, whose area is `figures["melanoma_auc"]` (or `malignant_auc`). Where the detector
            recognises both types of image, one more for each: they have thresholds of their own. Empty if the images show the
            target only, or never.

        Examples:
            >>> (curve,) = detector.evaluate(data.test).roc_curves()
            >>> curve.points[0].sensitivity, curve.points[-1].sensitivity
            (0.0, 1.0)
        """
        return self._once(f"ROC curves {target}", lambda: roc_curves(self.per_image, self.points, target))

    def roc_points(self) -> tuple[RocPoint, ...]:
        """Return the vertices of the ROC curve over all images.

        Returns:
            From (0, 0) to (1, 1); empty if the images show the target only, or never.

        Examples:
            >>> detector.evaluate(data.test).roc_points()[-1].false_positive_rate
            1.0
        """
        curves = self.roc_curves()
        return curves[0].points if curves else ()

    def decision_curve(
        self, thresholds: Sequence[float] | None = None, *, prevalence: float | None = None
    ) -> DecisionCurve | None:
        """Compute the decision curve: the net benefit at each threshold probability (Vickers and Elkin 2006).

        It answers whether acting by the detector is better than acting on every lesion, or on none, for somebody who would
        excise (or examine) a lesion from a given risk.

        Args:
            thresholds: The risks, each over 0 and under 1; None for 1 % to 30 %.
            prevalence: The share of the target where the detector is to be used; None for that of these images. The calibrated
                probabilities are moved to it by Bayes' rule.

        Returns:
            The net benefit of the calibrated probability, of the alerts, of alerts and referrals, and of acting on all images;
            None if the images show the target only, or never.

        Raises:
            DetectorError: A threshold or the prevalence is out of range.

        Examples:
            >>> curve = detector.evaluate(data.test).decision_curve()
            >>> curve.thresholds[0], curve.thresholds[-1]
            (0.01, 0.3)
        """
        name = f"decision curve {thresholds} {prevalence}"
        return self._once(
            name, lambda: decision_curve(self.per_image, self.operating_point, thresholds, prevalence=prevalence)
        )

    def decision_shares(self) -> tuple[DecisionShares, ...]:
        """Measure how many images raise an alert, are cleared, and are referred; overall and by what they truly show.

        Returns:
            All images, then melanomas, other malignant, benign, and indeterminate or unknown lesions, as far as they occur.

        Examples:
            >>> shares = detector.evaluate(data.test).decision_shares()[0]
            >>> round(shares.alert.value + shares.clear.value + shares.refer.value, 9)
            1.0
        """
        return self._once("decision shares", lambda: decision_shares(self.per_image, self.operating_point))

    def compare(
        self, other: PerImage, figures: Sequence[str] | None = None, *, names: tuple[str, str] | None = None
    ) -> Comparison:
        """Compare with the evaluation of another detector on the same images.

        Both are measured on the images that both evaluated: each has set aside what it has seen in training. Intervals and
        p-values are those of a paired bootstrap over lesions, which takes into account that the images are the same.

        Args:
            other: The other detector's evaluation; differences are the other's value minus this one's.
            figures: Names of figures to compare, such as `["melanoma_auc"]` for one question asked beforehand; None for all.
            names: What the comparison calls this detector and the other; None for their descriptions.

        Returns:
            The comparison.

        Raises:
            DetectorError: The evaluations are not of the same images, or alert to different targets; or a figure is unknown.

        Examples:
            >>> evaluation = detector.evaluate(data.test)
            >>> evaluation.compare(evaluation, ["melanoma_auc"]).differences["melanoma_auc"].difference.value
            0.0
        """
        return compare(self, other, figures, names=names)

    def balanced_accuracy_over(self, labels: Sequence[str]) -> Figure:
        """Compute the balanced accuracy over given diagnoses, to compare sets whose labels differ.

        Args:
            labels: Classes or coarse labels, such as HAM10000's seven: akiec, bcc, bkl, df, mel, nv, vasc. What a coarse label
                covers is added up in the predictions and in the truth.

        Returns:
            The mean recall of those that occur, with its interval. A prediction of another class counts as wrong.

        Raises:
            DetectorError: There is no label, a label covers no class of the detector, or two labels cover one class.

        Examples:
            >>> figure = detector.evaluate(data.test).balanced_accuracy_over(["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"])
            >>> 0 <= figure.low <= figure.value <= figure.high <= 1
            True
        """
        return balanced_accuracy(self.per_image, labels)

    def at_prevalence(self, share: float) -> PredictiveFigures:
        """Compute what an alert, and a cleared image, mean at a prevalence of the target (Bayes' rule).

        Args:
            share: The share of images that show the target, melanoma by default; over 0 and under 1.

        Returns:
            Positive and negative predictive value and the number needed to biopsy, with intervals.

        Raises:
            DetectorError: The share is out of range, or sensitivity or specificity is not defined.

        Examples:
            >>> print(detector.evaluate(data.test).at_prevalence(0.02))
            at a prevalence of 2.00%: ... of alerts are melanomas (one in ...); ... of cleared images are not
        """
        return predictive_values(self.figures, share, self.target)
