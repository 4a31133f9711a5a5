"""Operating points: thresholds, what they need, and predictive values."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.operating_points import OperatingPoint, ValidationScores, lesions_needed


def drawn(positives, seed=0, others=500):
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.beta(3, 2, positives), rng.beta(2, 4, others)])
    return scores, np.arange(len(scores)) < positives


@pytest.mark.parametrize("goal", [0.5, 0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("positives", [1, 7, 20, 100, 333])
def test_the_threshold_is_the_highest_that_reaches_the_sensitivity(goal, positives):
    scores, positive = drawn(positives, seed=positives)
    validation = ValidationScores.of(scores, positive)
    if positives < lesions_needed(goal):
        with pytest.raises(DetectorError, match=f"expected at least {lesions_needed(goal)} and one other"):
            validation.operating_point(goal)
        return
    point = validation.operating_point(goal)
    assert (scores[positive] >= point.threshold).mean() == point.sensitivity >= goal
    assert (scores[~positive] < point.threshold).mean() == point.specificity
    higher = np.sort(scores[positive])
    higher = higher[higher > point.threshold]
    assert len(higher) < 2 or (scores[positive] >= higher[1]).mean() < goal
    assert (point.positives, point.negatives) == (positives, 500)
    assert point.sensitivity_interval[0] < point.sensitivity <= point.sensitivity_interval[1]


def test_a_sensitivity_needs_enough_lesions():
    assert [lesions_needed(goal) for goal in (0.5, 0.9, 0.95, 0.99)] == [1, 9, 19, 99]
    with pytest.raises(
        DetectorError, match=r"0\.99 sensitivity .* has 98 lesions of the target .* at least 99 and one other"
    ):
        ValidationScores.of(*drawn(98)).operating_point(0.99)
    assert ValidationScores.of(*drawn(99)).operating_point(0.99).sensitivity >= 0.99


def test_lesions_are_counted_rather_than_images():
    scores, positive = drawn(40)
    groups = [f"lesion {at // 4}" for at in range(len(scores))]
    validation = ValidationScores.of(scores, positive, groups)
    assert (validation.positives, validation.positive_lesions) == (40, 10)
    with pytest.raises(DetectorError, match="at least 19"):
        validation.operating_point(0.95)
    narrow = ValidationScores.of(scores, positive).operating_point(0.9).sensitivity_interval
    wide = validation.operating_point(0.9).sensitivity_interval
    assert wide[1] - wide[0] > narrow[1] - narrow[0]


def test_tied_scores_all_raise_an_alert():
    validation = ValidationScores.of(np.array([0.5, 0.5, 0.5, 0.5, 0.1]), [True, True, True, False, False])
    assert validation.operating_point(0.5).sensitivity == 1.0
    assert validation.operating_point(0.5).threshold == pytest.approx(0.3)


def test_constant_scores_still_give_a_threshold():
    point = ValidationScores.of(np.zeros(40), [True] * 20 + [False] * 20).operating_point(0.95)
    assert (point.sensitivity, point.specificity) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("positive", "sensitivity", "message"),
    [
        ([True, True], 0.5, "0 other"),
        ([False, False], 0.5, "has 0 lesions of the target"),
        ([True, False], 0, "over 0"),
        ([True, False], 1.0, "no number of images supports 100 %"),
    ],
)
def test_unsupported_sensitivities_are_rejected(positive, sensitivity, message):
    with pytest.raises(DetectorError, match=message):
        ValidationScores.of(np.array([0.1, 0.2]), positive).operating_point(sensitivity)


def test_many_scores_are_stored_as_quantiles():
    scores, positive = drawn(3000, others=100_000)
    validation = ValidationScores.of(scores, positive)
    assert len(validation.negative) == len(validation.positive) == 2000
    point = validation.operating_point(0.95)
    assert (scores[positive] >= point.threshold).mean() == pytest.approx(0.95, abs=2e-3)
    assert (scores[~positive] < point.threshold).mean() == pytest.approx(point.specificity, abs=2e-3)


def test_predictive_values_are_bayes_rule():
    point = OperatingPoint(0.9, 0.2, sensitivity=0.9, specificity=0.8, positives=100, negatives=900)
    found = point.at_prevalence(0.1)
    assert found.ppv == pytest.approx(0.09 / (0.09 + 0.18))
    assert found.npv == pytest.approx(0.72 / (0.72 + 0.01))
    assert found.number_needed_to_biopsy == pytest.approx(3)
    assert str(found).startswith("at a prevalence of 10.00%: 33.3% of alerts are right (one in 3.0), 98.63%")
    for prevalence in (0, 1, 20):
        with pytest.raises(DetectorError, match="prevalence"):
            point.at_prevalence(prevalence)


def test_predictive_values_have_intervals():
    point = OperatingPoint(
        0.9, 0.2, 0.9, 1.0, 30, 31, specificity_interval=(0.89, 1.0), sensitivity_interval=(0.74, 0.97)
    )
    assert point.at_prevalence(0.01).ppv_interval[0] == pytest.approx(0.0074 / (0.0074 + 0.99 * 0.11))


@pytest.mark.parametrize(
    ("threshold", "shown", "end"), [(0.9999999998959401, "0.9999999999", "1"), (2e-7, "0.0000002", "0")]
)
def test_a_threshold_next_to_0_or_1_is_shown_with_its_digits_and_explained(threshold, shown, end):
    point = OperatingPoint(0.9, threshold, 0.9, 0.8, 30, 31)
    assert str(point).startswith(f"alert from {shown}: set for 90%")
    assert f"the threshold lies next to {end} because this model is overconfident" in str(point)
    assert "overconfident" not in str(OperatingPoint(0.9, 0.01, 0.9, 0.8, 30, 31))


def drawn_sources(shifts, positives, seed=0, others=300):
    """Draw scores of several sources; a source's melanomas score higher by its shift, on the logit scale."""
    rng = np.random.default_rng(seed)
    logits, positive, sources = [], [], []
    for (name, shift), count in zip(shifts.items(), positives, strict=True):
        logits += [rng.normal(1.5 + shift, 1, count), rng.normal(-1, 1, others)]
        positive += [True] * count + [False] * others
        sources += [name] * (count + others)
    return 1 / (1 + np.exp(-np.concatenate(logits))), np.array(positive), np.array(sources)


@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_is_the_highest_that_holds_on_each_source(seed):
    scores, positive, sources = drawn_sources({"a": 0.0, "b": -1.0, "c": 0.5}, (200, 60, 40), seed=seed)
    validation = ValidationScores.of(scores, positive, sources=sources)
    point = validation.operating_point(0.95)

    def shrunken(threshold):
        alert = scores >= threshold
        pooled = alert[positive].mean()
        of_source = [alert[positive & (sources == name)] for name in "abc"]
        return min((own.sum() + 40 * pooled) / (len(own) + 40) for own in of_source), pooled

    assert min(shrunken(point.threshold)) >= 0.95
    higher = np.sort(scores[positive & (scores >= point.threshold)])
    assert min(shrunken(higher[1])) < 0.95
    pooled = ValidationScores.of(scores, positive).operating_point(0.95)
    assert point.threshold < pooled.threshold
    assert point.worst_source == "b"
    assert point.worst_sensitivity == (scores[positive & (sources == "b")] >= point.threshold).mean()
    assert point.worst_sensitivity > (scores[positive & (sources == "b")] >= pooled.threshold).mean()


def test_a_weak_source_misses_the_goal_by_less_than_half_as_much():
    weak = []
    for seed in range(30):
        scores, positive, sources = drawn_sources({"a": 0.0, "b": -1.0}, (200, 60), seed=seed)
        points = (
            ValidationScores.of(scores, positive, sources=names).operating_point(0.95) for names in (None, sources)
        )
        # The true sensitivity on new images of the weak source.
        new = 1 / (1 + np.exp(-np.random.default_rng(seed + 1000).normal(0.5, 1, 4000)))
        weak.append([(new >= point.threshold).mean() for point in points])
    pooled, on_each = np.mean(weak, axis=0)
    assert 0 < 0.95 - on_each < 0.5 * (0.95 - pooled)


def test_equal_sources_cost_less_specificity_than_obeying_the_lowest():
    differences, lowest = [], []
    for seed in range(30):
        scores, positive, sources = drawn_sources(dict.fromkeys("abcd", 0.0), (90, 40, 40, 25), seed=seed)
        validation = ValidationScores.of(scores, positive, sources=sources)
        pooled = ValidationScores.of(scores, positive).operating_point(0.95)
        obeying = min(
            ValidationScores.of(scores[sources == name], positive[sources == name]).operating_point(0.95).threshold
            for name in "abcd"
        )
        differences.append(pooled.specificity - validation.operating_point(0.95).specificity)
        lowest.append(pooled.specificity - (scores[~positive] < obeying).mean())
    assert 0 <= np.mean(differences) < 0.8 * np.mean(lowest)


def test_sources_with_few_lesions_are_not_called_the_worst():
    scores, positive, sources = drawn_sources({"a": 0.0, "b": 0.0, "few": -4.0}, (100, 100, 18))
    validation = ValidationScores.of(scores, positive, sources=sources)
    point = validation.operating_point(0.95)
    without = ValidationScores.of(scores, positive, sources=np.where(sources == "few", "b", sources))
    assert [source.source for source in point.sources if source.decides] == ["a", "b"]
    few = next(source for source in point.sources if source.source == "few")
    assert (few.lesions, few.decides) == (18, False)
    assert point.worst_source in ("a", "b")
    assert without.operating_point(0.95).worst_source == "b"
    # Where a lower sensitivity is asked for, 18 lesions are enough.
    assert validation.operating_point(0.9).worst_source == "few"


@pytest.mark.parametrize("lesions", [5, 18, 19])
def test_small_sources_count_by_their_lesions(lesions):
    """There is no number of lesions from which a source suddenly lowers the threshold."""
    scores, positive, sources = drawn_sources({"a": 0.0, "b": 0.0, "few": -4.0}, (100, 100, lesions))
    point = ValidationScores.of(scores, positive, sources=sources).operating_point(0.95)
    shrunk = (lesions * found_on(point, "few") + 40 * point.sensitivity) / (lesions + 40)
    assert shrunk >= 0.95 - 1e-9
    pooled = ValidationScores.of(scores, positive).operating_point(0.95)
    assert point.threshold < pooled.threshold


def test_a_source_that_reaches_the_goal_shrunk_may_miss_it_as_counted():
    scores, positive, sources = drawn_sources({"a": 1.5, "b": 1.0, "few": 0.0}, (300, 100, 19), seed=3)
    found = [
        found_on(ValidationScores.of(scores, positive, sources=sources).operating_point(goal), "few") - goal
        for goal in (0.9, 0.92, 0.95)
    ]
    assert min(found) < 0


def found_on(point, name):
    """Return the sensitivity on a source as counted."""
    return next(source.sensitivity for source in point.sources if source.source == name)


def test_the_text_names_the_worst_source():
    scores, positive, sources = drawn_sources({"one hospital": 0.0, "another": -1.0}, (100, 60))
    point = ValidationScores.of(scores, positive, sources=sources).operating_point(0.95)
    worst = f"on the worst of 2 sources, another, it finds {point.worst_sensitivity:.1%} ["
    assert worst in str(point)
    assert "worst" not in str(ValidationScores.of(scores, positive).operating_point(0.95))


def test_one_source_changes_nothing():
    scores, positive = drawn(100)
    one = ValidationScores.of(scores, positive, sources=["a"] * len(scores))
    assert one == ValidationScores.of(scores, positive)
    point = one.operating_point(0.95)
    assert (point.worst, point.worst_source, point.worst_sensitivity) == (None, "", point.sensitivity)


def test_lesions_of_a_source_are_counted_rather_than_its_images():
    scores, positive, sources = drawn_sources({"a": 0.0, "b": 0.0}, (40, 40))
    groups = [f"{source} {at // 4}" for at, source in enumerate(sources)]
    validation = ValidationScores.of(scores, positive, groups, sources=sources)
    assert validation.lesions_by_source == {"a": 10, "b": 10}
    assert not any(source.decides for source in validation.operating_point(0.95).sources)
    assert all(source.decides for source in validation.operating_point(0.9).sources)


def test_a_sensitivity_of_less_than_a_per_cent_from_1_is_printed_as_it_is():
    point = OperatingPoint(0.995, 0.2, sensitivity=1.0, specificity=0.5, positives=200, negatives=100)
    assert "set for 99.5% sensitivity for melanoma" in str(point)
    assert "set for 57% sensitivity" in str(replace(point, goal=0.57))
