"""Whether a detector ranks local images better than chance."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from melanoma_detect.errors import DetectorError, DetectorWarning
from melanoma_detect.training.local_fit import LocalImages
from melanoma_detect.training.local_ranking import Ranking, check_pairs, check_ranking, find_swapped_pairs, rank_lesions


def ranked(shift, positives=40, negatives=80, seed=1):
    """Rank lesions whose scores differ by a shift, one image each."""
    generator = np.random.default_rng(seed)
    scores = np.concatenate([generator.normal(shift, 1, positives), generator.normal(0, 1, negatives)])
    shown = np.arange(len(scores)) < positives
    return scores, shown, np.arange(len(scores)).astype(str)


def test_area_is_that_of_scikit_learn_also_with_ties():
    scores, shown, groups = ranked(1.0)
    scores = scores.round(0)
    ranking = rank_lesions(scores, shown, groups)
    assert ranking.auc == pytest.approx(roc_auc_score(shown, scores))
    assert (ranking.positives, ranking.negatives) == (40, 80)


def test_interval_covers_the_true_area():
    truth = 0.7602  # of two normal distributions whose means are one standard deviation apart
    held = [rank_lesions(*ranked(1.0, seed=seed)) for seed in range(300)]
    covered = np.mean([ranking.low <= truth <= ranking.high for ranking in held])
    assert 0.91 <= covered <= 0.99


def test_images_of_one_lesion_count_once():
    scores, shown, groups = ranked(1.0)
    once, twice = (
        rank_lesions(scores, shown, groups),
        rank_lesions(*(np.repeat(part, 2) for part in (scores, shown, groups))),
    )
    assert once == pytest.approx(twice)


def test_one_side_alone_is_no_ranking():
    assert rank_lesions(np.array([0.1, 0.2]), np.array([True, True]), np.array(["a", "b"])) is None
    assert rank_lesions(np.array([]), np.array([], bool), np.array([], str)) is None


def test_reversed_ranking_raises():
    ranking = rank_lesions(*ranked(-1.5))
    with pytest.raises(DetectorError, match=r"ranks melanomas below the others .* labels are probably swapped"):
        check_ranking(ranking, "melanoma")
    with pytest.warns(DetectorWarning, match="ranks malignant lesions below the others"):
        check_ranking(ranking, "malignant", decides=False)


def test_chance_is_a_warning():
    with pytest.warns(DetectorWarning, match="no better than chance"):
        check_ranking(rank_lesions(*ranked(0.0)), "melanoma")


@pytest.mark.parametrize("ranking", [Ranking(0.9, 0.8, 1.0, 40, 80), Ranking(0.6, 0.3, 0.9, 4, 80)])
def test_good_rankings_and_those_of_few_lesions_say_nothing(ranking):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_ranking(ranking, "melanoma")


CLASSES = ("melanoma", "nevus", "basal cell carcinoma", "vascular lesion")


def labelled(count, order=(0, 1, 2, 3), seed=5):
    """Give probabilities of a fair detector, and labels in which classes are called by another's name."""
    generator = np.random.default_rng(seed)
    true = np.repeat(np.arange(4), count)
    logits = generator.normal(0, 1, (len(true), 4)) + 2 * np.eye(4)[true]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.eye(4, dtype=bool)[np.array(order)[true]]
    return probabilities, LocalImages(targets, np.arange(len(true)).astype(str), CLASSES)


def test_pairs_that_are_swapped_are_found_among_other_classes():
    assert find_swapped_pairs(*labelled(30)) == []
    assert find_swapped_pairs(*labelled(30, (1, 0, 2, 3))) == [("melanoma", "nevus")]
    assert find_swapped_pairs(*labelled(30, (0, 1, 3, 2))) == [("basal cell carcinoma", "vascular lesion")]
    assert find_swapped_pairs(*labelled(4, (1, 0, 2, 3))) == []


def test_right_labels_are_not_taken_for_swapped_ones():
    assert sum(bool(find_swapped_pairs(*labelled(10, seed=seed))) for seed in range(100)) == 0
    shuffled = np.random.default_rng(1)
    by_chance = 0
    for seed in range(100):
        probabilities, images = labelled(10, seed=seed)
        by_chance += bool(find_swapped_pairs(shuffled.permutation(probabilities), images))
    assert by_chance <= 1


def test_swapped_pair_with_melanoma_raises_and_another_warns():
    with pytest.raises(DetectorError, match="the labels melanoma and nevus seem to be swapped"):
        check_pairs([("melanoma", "nevus")])
    with pytest.warns(DetectorWarning, match="the labels nevus and vascular lesion seem to be swapped"):
        check_pairs([("nevus", "vascular lesion")])
