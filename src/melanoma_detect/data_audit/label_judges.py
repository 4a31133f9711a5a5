"""Two judges of labels: a regression that has learnt from the dataset itself, and the detector, which has not.

The regression knows the dataset's own look and classes. It has learnt from the wrong labels too, and where one diagnosis is
always filed under another, it finds that right. The detector does not, but knows only its own classes, and their frequencies
elsewhere: its probabilities are first adjusted to the frequencies of the labels (Saerens, Latinne and Decaestecker 2002, doi
10.1162/089976602753284446).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.data_audit.label_noise import LabelNoise, fit_label_noise
from melanoma_detect.data_audit.out_of_fold import predict_out_of_fold, regression_inputs
from melanoma_detect.inference.image_outputs import ImageOutputs
from melanoma_detect.utils.arrays import Float64Array

_DOUBTFUL = 0.5  # chance of being wrong
_STEPS, _RATE = 30, 0.5  # of the adjustment to frequencies
_MOST = 3.0  # change of a class's logarithm: e cubed is 20 times as frequent
_LEAST = 1e-6  # of a probability, before its logarithm is taken


@dataclass(frozen=True)
class JudgedLabels:
    """What the judges say.

    Attributes:
        chances: The chance that each label is wrong, the mean of the judges, `(n,)`.
        doubtful: Whether one of them finds it more likely wrong than right, `(n,)`.
        looks_like: The position of the most probable class other than the label, `(n,)`.
        opinions: The probabilities of each judge, `(n, classes)`: of the regression, and of the detector if it knows the
            classes.
        noises: The estimate of each judge.
    """

    chances: Float64Array
    doubtful: NDArray[np.bool_]
    looks_like: NDArray[np.intp]
    opinions: tuple[Float64Array, ...]
    noises: tuple[LabelNoise, ...]

    def estimate(self) -> dict[str, int]:
        """Return how many labels are wrong: the mean of the judges, and an interval that holds the interval of each.

        Returns:
            `value`, `low` and `high`.

        Examples:
            >>> noises = LabelNoise(0.02, 0.01, 0.04, np.zeros(100)), LabelNoise(0.04, 0.02, 0.07, np.zeros(100))
            >>> JudgedLabels(np.zeros(100), np.zeros(100, bool), np.zeros(100, int), (), noises).estimate()
            {'value': 3, 'low': 1, 'high': 7}
        """
        shares = {
            "value": float(np.mean([noise.rate for noise in self.noises])),
            "low": min(noise.low for noise in self.noises),
            "high": max(noise.high for noise in self.noises),
        }
        return {name: round(share * len(self.chances)) for name, share in shares.items()}


def judge_labels(
    outputs: ImageOutputs, labels: Sequence[str], groups: Sequence[str], classes: Sequence[str]
) -> JudgedLabels:
    """Estimate which labels are wrong, and how many.

    Args:
        outputs: The detector's outputs for the images.
        labels: The label of each image, `(n,)`.
        groups: The lesion or patient of each image, `(n,)`.
        classes: The detector's classes.

    Returns:
        The judgement.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> sure = np.repeat(np.array([[0.98, 0.02], [0.02, 0.98]]), 60, axis=0)
        >>> outputs = ImageOutputs(rng.normal(size=(120, 3)).astype(np.float32) + 20 * sure[:, :1].astype(np.float32), sure, ())
        >>> labels = ["nevus"] * 57 + ["melanoma"] * 63  # three nevi too few
        >>> judged = judge_labels(outputs, labels, [str(number) for number in range(120)], ["nevus", "melanoma"])
        >>> sorted(np.argsort(-judged.chances)[:3].tolist())
        [57, 58, 59]
    """
    names, positions = np.unique(np.asarray(labels), return_inverse=True)
    fitted = predict_out_of_fold(regression_inputs(outputs.features, outputs.probabilities), positions, groups)
    opinions = [fitted]
    if (told := _of_labels(outputs.probabilities, names.tolist(), classes)) is not None:
        opinions.append(match_frequencies(told, positions))
    noises = tuple(fit_label_noise(opinion, positions, groups) for opinion in opinions)
    chances = np.array([noise.chances for noise in noises])
    others = np.mean(opinions, axis=0)
    others[np.arange(len(positions)), positions] = -1
    return JudgedLabels(
        chances.mean(axis=0), chances.max(axis=0) > _DOUBTFUL, others.argmax(axis=1), tuple(opinions), noises
    )


def match_frequencies(probabilities: Float64Array, labels: NDArray[np.intp]) -> Float64Array:
    """Adjust probabilities so that their means are the frequencies of the labels.

    Args:
        probabilities: `(n, classes)`; rows sum to 1.
        labels: The position of each image's label, `(n,)`.

    Returns:
        `(n, classes)`; a class becomes 20 times as frequent or rare at most.

    Examples:
        >>> probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
        >>> match_frequencies(probabilities, np.array([0, 0, 1, 1])).mean(axis=0).round(2).tolist()
        [0.5, 0.5]
    """
    floored = np.maximum(probabilities, _LEAST)
    frequencies = np.bincount(labels, minlength=probabilities.shape[1]) / len(labels)
    change, adjusted = np.zeros(probabilities.shape[1]), floored
    for _ in range(_STEPS):
        adjusted = floored * np.exp(change)
        adjusted /= adjusted.sum(axis=1, keepdims=True)
        change += _RATE * np.log(np.maximum(frequencies, _LEAST) / adjusted.mean(axis=0))
        change = np.clip(change, -_MOST, _MOST)
    return adjusted


def _of_labels(answers: Float64Array, names: Sequence[str], classes: Sequence[str]) -> Float64Array | None:
    """Return a detector's probabilities of a dataset's labels; None where it has no class for one of them."""
    meant = np.array(
        [[one == name or _means(one, name) for one in classes] for name in names],
        np.float64,
    )
    if not meant.any(axis=1).all():
        return None
    told = np.maximum(answers @ meant.T, _LEAST)
    return np.asarray(told / told.sum(axis=1, keepdims=True))


def _means(diagnosis: str, label: str) -> bool:
    """Return whether a diagnosis is one of those that a label covers."""
    return bool(taxonomy.meaning(diagnosis)) and taxonomy.meaning(diagnosis) <= taxonomy.meaning(label)
