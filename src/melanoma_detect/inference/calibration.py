"""What was fitted on validation, and applying it: logits to probabilities, operating points, prediction sets.

NumPy only; `learning.calibration` fits it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.operating_points import OperatingPoint, Target, ValidationScores
from melanoma_detect.inference.prediction import softmax

COVERAGE = 0.9


@dataclass(frozen=True)
class Calibration:
    """What was fitted on the validation split, for one number of views.

    Attributes:
        temperature: Logits are divided by it (Guo et al. 2017, arXiv:1706.04599).
        bias: For a model that was trained for a population in which all classes are equally frequent, what brings its logits
            back to the population of validation, one number a class (Alexandari, Kundaje and Shrikumar 2020,
            arXiv:1901.06852); empty for none. See `probabilities`.
        scores: What validation images scored, for each target that they show; operating points are read from them.
        least: For each coverage, the probability that a diagnosis needs to be in the prediction set (split conformal
            prediction, least ambiguous sets; Sadinle, Lei and Wasserman 2019, doi 10.1080/01621459.2017.1395341).
        farthest: The distance in feature space beyond which the detector abstains; infinite where none was set.
    """

    temperature: float = 1.0
    scores: Mapping[Target, ValidationScores] = field(default_factory=dict)
    least: Mapping[float, float] = field(default_factory=dict)
    farthest: float = float("inf")
    bias: tuple[float, ...] = ()

    def probabilities(self, logits: NDArray[np.floating], classes: tuple[str, ...]) -> NDArray[np.float64]:
        """Turn a model's logits into probabilities.

        With a bias, the probability of melanoma is that of validation's population: nevi are common there, and knowing that
        ranks melanomas better. The other classes share what is left in even odds, as
        the model was trained, so that a rare diagnosis is still named.

        Args:
            logits: `(n, classes)`.
            classes: Class names, in the order of the columns.

        Returns:
            float64 `(n, classes)`; rows sum to 1.

        Examples:
            >>> tempered = Calibration(temperature=2.0, bias=(2.0, 0.0, -1.0))
            >>> tempered.probabilities(np.zeros((1, 3)), ("nevus", "melanoma", "dermatofibroma")).round(2)
            array([[0.44, 0.11, 0.44]])
        """
        even = softmax(logits / self.temperature)
        if not self.bias:
            return even
        inside = np.isin(np.arange(len(classes)), taxonomy.positions(classes, code=taxonomy.MELANOMA))
        common = softmax(logits / self.temperature + np.asarray(self.bias))
        found = even.copy()
        for columns in (inside, ~inside):
            own = np.maximum(even[:, columns].sum(axis=1, keepdims=True), 1e-300)
            found[:, columns] *= common[:, columns].sum(axis=1, keepdims=True) / own
        return found

    def point(self, sensitivity: float, target: Target = "melanoma") -> OperatingPoint:
        """Return where to alert.

        Args:
            sensitivity: The share to find, over 0 and under 1.
            target: `"melanoma"`, or `"malignant"` for any malignant diagnosis.

        Returns:
            The operating point.

        Raises:
            DetectorError: The validation images cannot support it.

        Examples:
            >>> detector.predictor.config.calibrations[1].point(0.6).goal
            0.6
        """
        if target not in self.scores:
            raise DetectorError(
                f"there is no operating point for {target}: validation showed no {target} lesion, or nothing else"
            )
        return self.scores[target].point(sensitivity)

    def conformal_threshold(self, coverage: float) -> float:
        """Return the probability that a diagnosis needs to be in the prediction set.

        Args:
            coverage: The share of images whose set shall hold the true diagnosis.

        Returns:
            The probability, 0 to 1; 0 where there were too few validation images for this coverage: all diagnoses.

        Raises:
            DetectorError: The coverage is not one that was fitted.

        Examples:
            >>> 0 <= detector.predictor.config.calibrations[1].conformal_threshold(0.9) <= 1
            True
        """
        if not self.least:
            return 0.0
        if coverage not in self.least:
            offered = ", ".join(f"{known:g}" for known in sorted(self.least))
            raise DetectorError(f"coverage={coverage}; expected one of {offered}")
        return self.least[coverage]
