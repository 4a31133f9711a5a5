"""Sensitivity on each source of validation images: a hospital, a collection, a folder. NumPy only.

A source shows few lesions of the target, so that its own sensitivity is mostly chance: of 40 melanomas, 35 to 40 are found
where the true sensitivity is 95 %. The lowest of several such figures is lower than any true one, and a threshold that obeys it
raises more alerts than the sensitivity needs. So the sensitivity of each source is first shrunk towards that of all images: the
fewer lesions a source shows, the more it counts as an average one. The sensitivity as counted may then be under the goal.
"""

from typing import NamedTuple

import numpy as np

from melanoma_detect.utils.arrays import Float64Array

# The strength of the prior. Leaving out one source at a time, 19 to 80 did alike on real images, whose sources show 24 to 90
# melanomas; 40 was chosen on simulated sources, where 19 did no better than obeying the lowest source
# (docs/explanation/benchmarks.md). A beta distribution with a mean of 0.95 and this strength
# has a standard deviation of 3.4 points.
PRIOR_LESIONS = 40


class SourceSensitivity(NamedTuple):
    """The sensitivity that a threshold has on the validation images of one source.

    Attributes:
        source: The source's name.
        sensitivity: The share of its images of the target with an alert, 0 to 1.
        lesions: How many lesions of the target it shows.
        interval: 95 % Wilson interval of the sensitivity; its sample size is the number of lesions.
        decides: Whether it shows enough lesions to say which source is the worst: as many as a threshold of its own would need
            (`lesions_needed`). For the threshold every source counts, by its lesions.
    """

    source: str
    sensitivity: float
    lesions: int
    interval: tuple[float, float]
    decides: bool


def shrink_sensitivities(sensitivities: Float64Array, lesions: Float64Array, pooled: Float64Array) -> Float64Array:
    """Shrink the sensitivity of each source towards that of all images.

    This is the posterior mean of a beta-binomial model: the sensitivities of sources follow a beta distribution around the
    pooled sensitivity, worth `PRIOR_LESIONS` lesions (Gelman et al., Bayesian Data Analysis, 3rd edition, section 5.3).

    Args:
        sensitivities: The sensitivity of each source at each threshold, `(sources, thresholds)`, 0 to 1.
        lesions: How many lesions each rests on, `(sources,)`.
        pooled: The sensitivity on all images at each threshold, `(thresholds,)`.

    Returns:
        `(sources, thresholds)`.

    Examples:
        >>> shrink_sensitivities(np.array([[0.9], [1.0]]), np.array([40, 10]), np.array([0.95])).round(3)
        array([[0.925],
               [0.96 ]])
    """
    hits = sensitivities * lesions[:, None] + PRIOR_LESIONS * pooled
    return np.asarray(hits / (lesions[:, None] + PRIOR_LESIONS))
