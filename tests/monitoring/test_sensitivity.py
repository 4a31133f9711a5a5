"""The sensitivity without labels: right where its assumption holds, and label shift is refused where it does not."""

import numpy as np
import pytest

from melanoma_detect.monitoring.sensitivity import MIN_IMAGES, estimate_sensitivity


@pytest.mark.parametrize("prevalence", [0.02, 0.1, 0.4])
def test_another_prevalence_is_found_and_leaves_the_sensitivity(draw_scores, draw_validation, prevalence):
    pool, positive = draw_scores(np.random.default_rng(5), 200_000)
    covered = known = fitted = 0
    for seed in range(40):
        labelled = draw_validation(seed).labelled[""]
        scores, _ = draw_scores(np.random.default_rng(seed), 1500, prevalence)
        shift, _ = estimate_sensitivity(scores, labelled, seed=seed)
        covered += shift.low <= (pool[positive] >= labelled.point.threshold).mean() <= shift.high
        known += shift.prevalence_low <= prevalence <= shift.prevalence_high
        fitted += shift.fits
    assert min(covered, known, fitted) >= 34  # 38 are expected; fewer than 34 have a probability under 2 %


def test_scores_that_no_prevalence_explains_are_no_label_shift(draw_scores, reference):
    scores, _ = draw_scores(np.random.default_rng(1), 1000, shift=-1.5)
    shift, _ = estimate_sensitivity(scores, reference.labelled[""])
    assert not shift.fits
    assert shift.fit < 0.01


def test_the_same_calibration_gives_the_sensitivity_whatever_the_scores(draw_scores, draw_validation):
    pool, positive = draw_scores(np.random.default_rng(3), 200_000)
    weights = np.where((pool > 0.05) & (pool < 0.4), 5.0, 1.0)  # unclear lesions are more frequent; calibration stays
    rng, covered = np.random.default_rng(2), 0
    for seed in range(40):
        labelled = draw_validation(seed).labelled[""]
        found = positive & (pool >= labelled.point.threshold)
        chosen = rng.choice(len(pool), 2000, p=weights / weights.sum())
        _, kept = estimate_sensitivity(pool[chosen], labelled, seed=seed)
        covered += kept.low <= weights[found].sum() / weights[positive].sum() <= kept.high
    assert covered >= 32  # bins are coarse: 38 would be expected of exact ones


def test_few_images_have_no_estimate(draw_scores, reference):
    assert estimate_sensitivity(np.full(MIN_IMAGES - 1, 0.5), reference.labelled[""]) == []


def test_extreme_streams_have_finite_estimates(draw_scores, reference):
    for value in (0.0, 1.0):
        for estimate in estimate_sensitivity(np.full(MIN_IMAGES, value), reference.labelled[""]):
            numbers = [number for number in estimate.to_dict().values() if isinstance(number, float)]
            assert all(0 <= number <= 1 for number in numbers)
