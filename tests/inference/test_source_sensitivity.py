"""Sensitivity by source: shrunk towards the sensitivity on all images."""

import numpy as np
import pytest
from scipy.stats import beta, binom

from melanoma_detect.inference.source_sensitivity import PRIOR_LESIONS, shrink_sensitivities


@pytest.mark.parametrize(("hits", "lesions", "pooled"), [(18, 20, 0.95), (40, 40, 0.9), (300, 400, 0.96)])
def test_it_is_the_posterior_mean_of_a_beta_binomial_model(hits, lesions, pooled):
    grid = np.linspace(0, 1, 20_001)[1:-1]
    density = beta.pdf(grid, PRIOR_LESIONS * pooled, PRIOR_LESIONS * (1 - pooled)) * binom.pmf(hits, lesions, grid)
    expected = (grid * density).sum() / density.sum()
    found = shrink_sensitivities(np.array([[hits / lesions]]), np.array([float(lesions)]), np.array([pooled]))
    assert found.item() == pytest.approx(expected, abs=1e-3)


def test_more_lesions_are_shrunk_less():
    own, pooled = np.full((3, 1), 0.8), np.array([0.95])
    found = shrink_sensitivities(own, np.array([5.0, 50.0, 5000.0]), pooled)[:, 0]
    assert 0.95 > found[0] > found[1] > found[2] > 0.8
    assert found[2] == pytest.approx(0.8, abs=2e-3)
