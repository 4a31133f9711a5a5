"""Means over trials with their 95 % intervals."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit


class Mean(NamedTuple):
    """A mean over trials with its 95 % interval.

    Attributes:
        value: The mean.
        low: The lower end of the interval; nan for a single trial.
        high: The upper end.
    """

    value: float
    low: float
    high: float


def corrected_mean(values: Sequence[float], overlap: float = 0.0) -> Mean:
    """Return the mean of trials with Student's 95 % interval.

    Trials on drawn lesions are independent. Trials on a dataset divide the same images again and again: their differences vary
    too little, and the variance of the mean is enlarged as Nadeau and Bengio derive it (Inference for the generalization error,
    Machine Learning 52, 2003): s² (1 / trials + overlap).

    Args:
        values: One value for each trial.
        overlap: Test units for each unit of the study, where all trials share their images; 0 where they share none.

    Returns:
        The mean and its interval.

    Examples:
        >>> mean = corrected_mean([1.0, 2.0, 3.0])
        >>> [round(number, 3) for number in mean]
        [2.0, -0.484, 4.484]
    """
    array = np.asarray(values, np.float64)
    mean = float(array.mean())
    if len(array) < 2:
        return Mean(mean, math.nan, math.nan)
    error = float(array.std(ddof=1)) * math.sqrt(1 / len(array) + overlap)
    half = float(stdtrit(len(array) - 1, 0.975)) * error
    return Mean(mean, mean - half, mean + half)
