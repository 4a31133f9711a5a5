"""The sensitivity on a stream without labels, under two assumptions that cannot both hold unless nothing has changed.

- *Label shift*: melanomas look as those of validation do, and so do the other lesions; only the prevalence differs. The
  sensitivity is then validation's. The prevalence follows from the scores by maximum likelihood (Saerens, Latinne and
  Decaestecker 2002, doi 10.1162/089976602753284446), and how well the two mixed distributions fit the stream says whether the
  assumption can be true.
- *Same calibration*: an image with a given score is a melanoma as often as in validation. The sensitivity is then the share of
  the expected melanomas whose scores reach the threshold (as in Garg et al. 2022, arXiv:2201.04234, for accuracy). Their scores
  may be distributed in any way.

Scores are counted in bins; the 95 % intervals are from bootstrap samples of validation's lesions and of the stream.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.monitoring.reference import LabelledScores
from melanoma_detect.utils.arrays import Float64Array

Assumption: TypeAlias = Literal["label shift", "same calibration"]

MIN_IMAGES = 50  # of a stream: with fewer, intervals reach from nearly 0 to 1
_BINS = 16
_SAMPLES = 400
_STEPS = 60  # of the EM algorithm
_SMOOTHING = 0.5  # images added to each bin: no bin is impossible because validation shows none there


@dataclass(frozen=True)
class SensitivityEstimate:
    """An estimate of the sensitivity on images without labels.

    Attributes:
        assumption: `"label shift"`: lesions of each kind look as in validation, their prevalence differs. `"same calibration"`:
            an image with a given score is of the target as often as in validation.
        image_type: `"dermoscopy"`, `"clinical"` or empty.
        images: How many images of the stream it rests on.
        sensitivity: The share of images of the target whose score reaches the threshold, 0 to 1.
        low: The lower end of its 95 % interval, given the assumption.
        high: The upper end.
        prevalence: The estimated share of images of the target, 0 to 1.
        prevalence_low: The lower end of its 95 % interval.
        prevalence_high: The upper end.
        fit: For label shift the p-value of the fit, 0 to 1: low where no prevalence explains the scores of the stream. None for
            the other assumption, which labels alone can test.
    """

    assumption: Assumption
    image_type: str
    images: int
    sensitivity: float
    low: float
    high: float
    prevalence: float
    prevalence_low: float
    prevalence_high: float
    fit: float | None = None

    @property
    def fits(self) -> bool:
        """Whether the scores of the stream agree with the assumption, as far as they can tell."""
        return self.fit is None or self.fit >= 0.05

    def __str__(self) -> str:
        of = f", {self.image_type}" if self.image_type else ""
        refuted = "" if self.fits else "; the scores contradict this assumption"
        return (
            f"sensitivity {self.sensitivity:.1%} [{self.low:.1%}, {self.high:.1%}] without labels, assuming {self.assumption}"
            f"{of} ({self.images:,} images{refuted})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return every attribute by name."""
        return dict(vars(self))


def estimate_sensitivity(
    scores: Float64Array, reference: LabelledScores, image_type: str = "", seed: int = 0
) -> list[SensitivityEstimate]:
    """Estimate the sensitivity on a stream from its scores alone.

    Args:
        scores: The probability of the target for each image of the stream, `(n,)`.
        reference: The scores of validation, with labels.
        image_type: The type of these images.
        seed: Of the bootstrap samples.

    Returns:
        An estimate under each of the two assumptions; none for fewer than 50 images.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> melanomas, others = rng.beta(4, 2, 300), rng.beta(1, 6, 2000)
        >>> point = md.OperatingPoint(0.95, 0.3, 0.95, 0.85, 300, 2000, sensitivity_interval=(0.92, 0.97))
        >>> reference = LabelledScores(melanomas, others, 300, 2000, point)
        >>> stream = np.concatenate([rng.beta(4, 2, 50), rng.beta(1, 6, 950)])
        >>> for estimate in estimate_sensitivity(stream, reference):
        ...     print(estimate.assumption, round(estimate.prevalence, 2), estimate.fits)
        label shift 0.05 True
        same calibration 0.07 True
    """
    if len(scores) < MIN_IMAGES:
        return []
    edges, first_alert = _edges(reference)
    positive, negative, stream = (_counts(part, edges) for part in (reference.positive, reference.negative, scores))
    rng = np.random.default_rng(seed)
    positives = _resample(rng, positive, reference.positive_lesions)
    negatives = _resample(rng, negative, reference.negative_lesions)
    streams = _resample(rng, stream, len(scores))
    shifted = _label_shift(positive, negative, stream)
    shifted_samples = _label_shift(positives, negatives, streams)
    fit = _fit(rng, reference, positive, negative, stream)
    kept = _same_calibration(positive, negative, stream, first_alert)
    kept_samples = _same_calibration(positives, negatives, streams, first_alert)
    shared = (image_type, len(scores))
    point = reference.point
    return [
        SensitivityEstimate(
            "label shift",
            *shared,
            point.sensitivity,
            *point.sensitivity_interval,
            float(shifted[0]),
            *_interval(shifted_samples),
            fit,
        ),
        SensitivityEstimate(
            "same calibration",
            *shared,
            float(kept[0][0]),
            *_interval(kept_samples[0]),
            float(kept[1][0]),
            *_interval(kept_samples[1]),
        ),
    ]


def _edges(reference: LabelledScores) -> tuple[Float64Array, int]:
    """Return the lower edges of the bins after the first one, and the first bin whose images raise an alert."""
    everything = np.concatenate([reference.positive, reference.negative])
    quantiles = np.linspace(0, 1, _BINS // 2 + 1)[1:-1]
    edges = np.concatenate([np.quantile(everything, quantiles), np.quantile(reference.positive, quantiles)])
    threshold = reference.point.threshold
    unique = np.unique(np.append(edges, threshold))
    return unique, int(np.searchsorted(unique, threshold)) + 1


def _counts(scores: Float64Array, edges: Float64Array) -> Float64Array:
    found = np.bincount(np.searchsorted(edges, scores, side="right"), minlength=len(edges) + 1)
    return found[None].astype(np.float64)


def _resample(rng: np.random.Generator, counts: Float64Array, independent: int) -> Float64Array:
    """Return bootstrap samples of counts, `(samples, bins)`, as uncertain as so many independent ones, at their scale."""
    total = counts.sum()
    drawn = rng.multinomial(max(independent, 1), counts[0] / total, size=_SAMPLES)
    return np.asarray(drawn * (total / max(independent, 1)))


def _shares(counts: Float64Array) -> Float64Array:
    smoothed = counts + _SMOOTHING
    return np.asarray(smoothed / smoothed.sum(axis=1, keepdims=True))


def _label_shift(positive: Float64Array, negative: Float64Array, stream: Float64Array) -> Float64Array:
    """Return the prevalence at which the mixture of two distributions is most likely to give the stream, of each row."""
    of_target, of_others = _shares(positive), _shares(negative)
    weights = stream / stream.sum(axis=1, keepdims=True)
    prevalence = np.full((len(stream), 1), 0.1)
    for _ in range(_STEPS):
        expected = prevalence * of_target
        prevalence = (weights * expected / (expected + (1 - prevalence) * of_others)).sum(axis=1, keepdims=True)
    return np.asarray(prevalence[:, 0])


def _same_calibration(
    positive: Float64Array, negative: Float64Array, stream: Float64Array, first_alert: int
) -> tuple[Float64Array, Float64Array]:
    """Return the sensitivity and the prevalence, of each row, if each bin keeps its share of the target."""
    share = (positive + _SMOOTHING / 10) / (positive + negative + _SMOOTHING)
    expected = stream * share
    total = expected.sum(axis=1)
    return expected[:, first_alert:].sum(axis=1) / total, total / stream.sum(axis=1)


def _fit(
    rng: np.random.Generator,
    reference: LabelledScores,
    positive: Float64Array,
    negative: Float64Array,
    stream: Float64Array,
) -> float:
    """Return the p-value of the fit of the best mixture, by samples in which label shift is true."""
    prevalence = float(_label_shift(positive, negative, stream)[0])
    mixture = prevalence * _shares(positive) + (1 - prevalence) * _shares(negative)
    streams = rng.multinomial(int(stream.sum()), mixture[0], size=_SAMPLES).astype(np.float64)
    positives = _resample(rng, positive, reference.positive_lesions)
    negatives = _resample(rng, negative, reference.negative_lesions)
    found = _misfit(positive, negative, stream)
    drawn = _misfit(positives, negatives, streams)
    return float((1 + (drawn >= found).sum()) / (1 + _SAMPLES))


def _misfit(positive: Float64Array, negative: Float64Array, stream: Float64Array) -> NDArray[np.float64]:
    prevalence = _label_shift(positive, negative, stream)[:, None]
    mixture = prevalence * _shares(positive) + (1 - prevalence) * _shares(negative)
    expected = mixture * stream.sum(axis=1, keepdims=True)
    return np.asarray(((stream - expected) ** 2 / expected).sum(axis=1))


def _interval(samples: Float64Array) -> tuple[float, float]:
    low, high = np.quantile(samples, [0.025, 0.975])
    return float(low), float(high)
