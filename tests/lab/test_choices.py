import numpy as np

from melanoma_detect.lab.choices import balanced_accuracy, best_threshold, threshold_for


def test_the_best_threshold_is_the_best_of_all():
    rng = np.random.default_rng(2)
    scores, melanomas = rng.random(60).round(2), rng.random(60) < 0.3
    best = balanced_accuracy(scores, melanomas, best_threshold(scores, melanomas))
    assert best == max(balanced_accuracy(scores, melanomas, cut) for cut in np.linspace(0, 1.01, 500))


def test_the_threshold_for_a_sensitivity_is_the_highest():
    scores = np.random.default_rng(3).random(37)
    threshold = threshold_for(scores, 0.9)
    assert (scores >= threshold).mean() >= 0.9
    assert (scores > threshold).mean() < 0.9
