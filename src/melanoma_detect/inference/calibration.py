"""Calibration of one detector: temperature, operating points, prediction sets and the out-of-distribution threshold.

This module applies what `training.calibrate` fits on the validation split. NumPy only.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.local_calibration import LocalCalibration
from melanoma_detect.inference.operating_points import (
    MALIGNANT_THRESHOLD,
    PLURALS,
    OperatingPoint,
    Target,
    ValidationScores,
    lesions_needed,
)
from melanoma_detect.inference.prediction import may_be_malignant, softmax
from melanoma_detect.utils.arrays import Float64Array, sum_columns
from melanoma_detect.utils.number_arguments import real_number
from melanoma_detect.utils.probability_arrays import check_table

COVERAGE = (
    0.9  # of prediction sets by default, as in most of the literature (Angelopoulos and Bates 2021, arXiv:2107.07511)
)
_TINY = 1e-300  # keeps a probability that underflows from dividing by zero


@dataclass(frozen=True)
class Calibration:
    """What was fitted on the validation split, for one number of test-time views.

    Attributes:
        temperature: Logits are divided by it before the softmax (temperature scaling: Guo et al. 2017, arXiv:1706.04599).
        operating_scores: The scores of validation images, for each target that they show; operating points are read from
            them.
        conformal_thresholds: For each coverage, the lowest probability at which a diagnosis is in the prediction set (split
            conformal prediction with least ambiguous sets: Sadinle, Lei and Wasserman 2019, doi
            10.1080/01621459.2017.1395341).
        ood_threshold: The out-of-distribution score (`FeatureSpace.distance`) above which the detector abstains; infinite
            where none was set.
        bias: Added to the logits, one number a class, for a model trained as if all classes were equally frequent: it
            restores the class frequencies of validation (bias-corrected temperature scaling: Alexandari, Kundaje and
            Shrikumar 2020, arXiv:1901.06852). Empty for none; see `probabilities`.
        local: What a clinic's own images changed (see `Detector.localize`); None for nothing. `operating_scores` stay on the
            scale before it: a threshold is read from them there, and then moved.
    """

    temperature: float = 1.0
    operating_scores: Mapping[Target, ValidationScores] = field(default_factory=dict)
    conformal_thresholds: Mapping[float, float] = field(default_factory=dict)
    ood_threshold: float = float("inf")
    bias: tuple[float, ...] = ()
    local: LocalCalibration | None = None

    def probabilities(self, logits: NDArray[np.floating], classes: tuple[str, ...]) -> Float64Array:
        """Return calibrated probabilities.

        With a bias, the probability of melanoma is the one for the class frequencies of validation, which ranks melanomas
        better because nevi are common there. The other classes share the rest in the proportions of the model without the
        bias, so that a rare diagnosis can still be the most probable one.

        Args:
            logits: `(n, classes)`.
            classes: Class names, in the order of the columns.

        Returns:
            float64 `(n, classes)`; rows sum to 1, and are nan where a logit is no finite number, or
            the calibration makes no sense.

        Examples:
            >>> tempered = Calibration(temperature=2.0, bias=(2.0, 0.0, -1.0))
            >>> tempered.probabilities(np.zeros((1, 3)), ("nevus", "melanoma", "dermatofibroma")).round(2)
            array([[0.44, 0.11, 0.44]])
        """
        check_table(logits, classes, what="logits")
        if self.problem:
            return np.full(np.shape(logits), np.nan)
        # Infinite logits may give finite probabilities, and what is no number gives none: such rows are nan, without a warning.
        with np.errstate(all="ignore"):
            original = self._original_probabilities(logits, classes)
            probabilities = original if self.local is None else self.local.apply(original, classes)
        finite = np.isfinite(logits).all(axis=1)
        return probabilities if finite.all() else np.where(finite[:, None], probabilities, np.nan)

    @property
    def problem(self) -> str:
        """What of its numbers makes no sense, so that no image may be judged by them; empty where all do."""
        temperatures, biases, local = [self.temperature], [self.bias], self.local
        while local is not None:
            temperatures += [local.temperature, local.melanoma.slope, local.malignant.slope]
            biases += [local.bias, (local.melanoma.intercept, local.malignant.intercept)]
            local = local.first
        for number in temperatures:
            if not 0 < number < math.inf:
                return (
                    f"a temperature or a slope of the detector's calibration is {number:g}, which is no number over 0"
                )
        for number in itertools.chain.from_iterable(biases):
            if not math.isfinite(number):
                return f"a bias of the detector's calibration is {number:g}, which is no number"
        return ""

    def malignant_before(self, logits: NDArray[np.floating], classes: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return which images had a malignant diagnosis as their most probable one before a local calibration.

        Such an image was referred. It is never cleared afterwards, however rare malignant diagnoses are among the local images.

        Args:
            logits: `(n, classes)`.
            classes: Class names, in the order of the columns.

        Returns:
            bool `(n,)`: whether a class that is malignant, or may be, was the most probable one before the local calibration or
            before an earlier one; False without one.

        Examples:
            >>> from melanoma_detect.inference.local_calibration import LogOddsLine
            >>> local = LocalCalibration(malignant=LogOddsLine(intercept=-2.0))
            >>> classes = ("melanoma", "basal cell carcinoma", "nevus")
            >>> Calibration(local=local).malignant_before(np.array([[0.0, 2.0, 1.0], [0.0, 1.0, 2.0]]), classes).tolist()
            [True, False]
        """
        if self.local is None:
            return np.zeros(len(logits), dtype=np.bool_)
        earlier = self._earlier(self.local)
        most_probable = earlier.probabilities(logits, classes).argmax(axis=1)
        return np.isin(most_probable, may_be_malignant(classes)) | earlier.malignant_before(logits, classes)

    def _original_probabilities(self, logits: NDArray[np.floating], classes: tuple[str, ...]) -> Float64Array:
        unbiased = softmax(logits / self.temperature)
        if not self.bias:
            return unbiased
        biased = softmax(logits / self.temperature + np.asarray(self.bias))
        melanoma = np.isin(np.arange(len(classes)), taxonomy.positions(classes, code=taxonomy.MELANOMA))
        probabilities = unbiased.copy()
        for columns in (melanoma, ~melanoma):
            total = np.maximum(sum_columns(unbiased, columns)[:, None], _TINY)
            probabilities[:, columns] *= sum_columns(biased, columns)[:, None] / total
        return probabilities

    def operating_point(self, sensitivity: float, target: Target = "melanoma") -> OperatingPoint:
        """Return the threshold that reaches a sensitivity on validation, or on local images that support it.

        Args:
            sensitivity: The share of the target that must raise an alert, over 0 and under 1.
            target: `"melanoma"`, or `"malignant"` for any malignant diagnosis.

        Returns:
            The operating point, with the threshold on the probability of a malignant diagnosis from which an image without an
            alert is referred: that of the same sensitivity for malignant diagnoses, but at most 0.5. Where local images support
            only a lower sensitivity, it is the threshold for that one or the earlier threshold, whichever is lower.

        Raises:
            DetectorError: Neither the validation images nor the local ones can support it.

        Examples:
            >>> detector.predictor.config.calibrations[1].operating_point(0.6).goal
            0.6
        """
        point = self._operating_point(sensitivity, target)
        return replace(point, malignant_threshold=self._malignant_threshold(sensitivity))

    def _operating_point(self, sensitivity: float, target: Target) -> OperatingPoint:
        if self.local is None:
            return self._validation_point(sensitivity, target)
        own = self.local.nearest_point(sensitivity, target)
        if own is not None and own.goal == sensitivity:
            return own
        try:
            earlier = self._earlier(self.local)._operating_point(sensitivity, target)
        except DetectorError as error:
            lesions, needed = self.local.lesions(target), lesions_needed(sensitivity)
            raise DetectorError(
                f"{error}; with {needed} local {PLURALS[target]} it could be set too, and there are {lesions}"
            ) from error
        threshold = self.local.move(earlier.threshold, target)
        if own is not None and own.threshold < threshold:  # a higher sensitivity must not find fewer
            return replace(own, goal=sensitivity)
        return replace(earlier, threshold=threshold)

    def _validation_point(self, sensitivity: float, target: Target) -> OperatingPoint:
        if target not in self.operating_scores:
            raise DetectorError(
                f"there is no operating point for {target}: validation showed no {target} lesion, or nothing else"
            )
        return self.operating_scores[target].operating_point(sensitivity)

    def _malignant_threshold(self, sensitivity: float) -> float:
        """Return the probability of a malignant diagnosis from which an image is never cleared."""
        if self.local is None:
            try:
                own = self._validation_point(sensitivity, "malignant")
            except DetectorError:  # no malignant lesion in validation, or too few
                return MALIGNANT_THRESHOLD
            return min(own.threshold, MALIGNANT_THRESHOLD)
        local = self.local.nearest_point(sensitivity, "malignant")
        thresholds = [MALIGNANT_THRESHOLD, *([local.threshold] if local is not None else [])]
        if local is None or local.goal < sensitivity:
            # What reached the threshold before the local calibration still does.
            thresholds.append(self.local.move(self._earlier(self.local)._malignant_threshold(sensitivity), "malignant"))
        return min(thresholds)

    def _earlier(self, local: LocalCalibration) -> "Calibration":
        """Return the calibration before the latest local one."""
        return replace(self, local=local.first)

    def conformal_threshold(self, coverage: float) -> float:
        """Return the lowest probability at which a diagnosis is in the prediction set.

        Args:
            coverage: The share of images whose set must hold the true diagnosis.

        Returns:
            0 to 1; 0, which puts every diagnosis in the set, where validation had too few images for this coverage.

        Raises:
            DetectorError: The detector was not calibrated for this coverage.

        Examples:
            >>> 0 <= detector.predictor.config.calibrations[1].conformal_threshold(0.9) <= 1
            True
        """
        if not self.conformal_thresholds:
            return 0.0
        fitted = "one of " + ", ".join(f"{value:g}" for value in sorted(self.conformal_thresholds))
        share = real_number(coverage, "coverage", DetectorError, fitted)
        if share not in self.conformal_thresholds:
            raise DetectorError(f"coverage={coverage}; expected {fitted}")
        return self.conformal_thresholds[share]
