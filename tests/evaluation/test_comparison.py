"""The comparison of two detectors: paired differences, p-values and their correction."""

import json
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
from scipy import stats

from melanoma_detect.data.record import Record
from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("melanoma", "nevus", "basal cell carcinoma")
POINT = OperatingPoint(0.95, 0.3, 0.95, 0.5, 20, 80)
SIZE = 300


def evaluate(strength, noise, *, seed=1, classes=CLASSES, point=POINT, **changes):
    """Evaluate a detector that sees the lesions with this strength; `noise` seeds what is its own."""
    rng, own = np.random.default_rng(seed), np.random.default_rng(noise)
    labels = rng.choice(3, size=SIZE, p=[0.3, 0.5, 0.2])
    shared = rng.normal(size=(SIZE, 3))
    logits = shared + 0.3 * own.normal(size=(SIZE, 3)) + strength * np.eye(3)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    groups = [str(row // 2) for row in range(SIZE)]
    return measure(probabilities, labels, groups, classes, point, **changes)


@pytest.fixture(scope="module")
def weak():
    return replace(evaluate(1.0, 2), detector="Detector A")


@pytest.fixture(scope="module")
def strong():
    return replace(evaluate(2.0, 3), detector="Detector B")


@pytest.fixture(scope="module")
def comparison(weak, strong):
    return weak.compare(strong)


def test_differences_are_those_of_the_figures(comparison, weak, strong):
    for name, row in comparison.differences.items():
        assert (row.first, row.second) == pytest.approx((weak.figures[name].value, strong.figures[name].value)), name
        assert row.difference.value == pytest.approx(row.second - row.first)
        assert row.difference.low <= row.difference.value <= row.difference.high
    auc = comparison.differences["melanoma_auc"]
    assert auc.difference.low > 0
    assert auc.significant
    assert repr(comparison).startswith(
        "<Comparison of two detectors on 300 images: significant differences in accuracy"
    )


def test_pairing_makes_the_interval_narrower_than_two_separate_ones(comparison, weak, strong):
    low, high = comparison.differences["melanoma_auc"].difference[1:3]
    apart = [evaluation.figures["melanoma_auc"] for evaluation in (weak, strong)]
    separate = np.hypot(*(figure.high - figure.low for figure in apart))
    assert high - low < 0.9 * separate


def test_the_interval_is_that_of_a_bootstrap_over_lesions(weak, strong):
    rng = np.random.default_rng(9)
    found = [evaluation.decisions == "alert" for evaluation in (weak, strong)]
    melanoma, groups = weak.is_melanoma, np.array(weak.groups, int)
    changes = []
    for _ in range(1500):
        weights = np.bincount(rng.integers(0, SIZE // 2, SIZE // 2), minlength=SIZE // 2)[groups] * melanoma
        changes.append((weights * (found[1].astype(float) - found[0])).sum() / weights.sum())
    difference = weak.compare(strong, ["sensitivity"]).differences["sensitivity"].difference
    assert (difference.low, difference.high) == pytest.approx(np.percentile(changes, (2.5, 97.5)), abs=0.02)


def test_a_detector_does_not_differ_from_itself(weak):
    comparison = weak.compare(weak)
    for row in comparison.differences.values():
        assert (row.difference.value, row.p_value, row.adjusted_p_value) == (0, 1, 1)
    assert "no significant difference" in repr(comparison)


@pytest.mark.slow
def test_equally_good_detectors_differ_significantly_in_about_one_of_twenty_comparisons():
    p_values = [
        evaluate(1.5, 100 + seed, seed=seed)
        .compare(evaluate(1.5, 200 + seed, seed=seed), ["melanoma_auc"])
        .differences["melanoma_auc"]
        .p_value
        for seed in range(30)
    ]
    assert sum(value < 0.05 for value in p_values) <= 5
    assert 0.3 < mean(p_values) < 0.7


def test_p_values_are_corrected_by_holm(comparison):
    raw = [row.p_value for row in comparison.differences.values()]
    order = np.argsort(raw, kind="stable")
    expected, highest = {}, 0.0
    for place, row in enumerate(order):
        highest = max(highest, raw[row] * (len(raw) - place))
        expected[row] = min(1.0, highest)
    adjusted = [row.adjusted_p_value for row in comparison.differences.values()]
    assert adjusted == pytest.approx([expected[row] for row in range(len(raw))])
    single = comparison.differences["melanoma_auc"]
    assert single.adjusted_p_value > single.p_value


def test_one_question_needs_no_correction(weak, strong):
    row = weak.compare(strong, ["melanoma_auc"]).differences["melanoma_auc"]
    assert row.adjusted_p_value == row.p_value == pytest.approx(2 / 2001)


def test_alerts_are_compared_by_mcnemars_test(comparison, weak, strong):
    melanomas, others = comparison.agreements
    assert (melanomas.name, others.name) == ("melanomas", "other images")
    alert = [evaluation.decisions == "alert" for evaluation in (weak, strong)]
    first, second = (int((one & ~other & weak.is_melanoma).sum()) for one, other in (alert, alert[::-1]))
    assert (melanomas.only_first, melanomas.only_second) == (first, second)
    assert melanomas.p_value == pytest.approx(stats.binomtest(first, first + second).pvalue)
    assert sum(map(sum, melanomas.table)) + sum(map(sum, others.table)) == SIZE
    assert sum(melanomas.table[0]) == int((alert[0] & weak.is_melanoma).sum())


def test_it_prints_as_a_table_and_is_plain_values(comparison):
    text = str(comparison)
    assert text.startswith(
        "Two detectors on the same 300 images of 150 lesions\nfirst:  Detector A\nsecond: Detector B"
    )
    assert "melanoma ROC AUC" in text
    assert "adjusted p-values (Holm)" in " ".join(text.split())
    assert "Decisions for melanomas: rows by the first detector" in text
    assert max(map(len, text.splitlines())) <= 100
    frame = comparison.to_frame()
    assert frame.loc["melanoma_auc", "difference"] == comparison.differences["melanoma_auc"].difference.value
    plain = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert plain["differences"]["melanoma_auc"]["difference"]["low"] > 0
    assert plain["agreements"][0]["decisions"] == ["alert", "refer", "clear"]


def test_detectors_of_other_classes_are_compared_by_what_both_have(weak):
    renamed = evaluate(1.0, 2, classes=("melanoma", "nevus", "squamous cell carcinoma"))
    comparison = weak.compare(renamed)
    assert "accuracy" not in comparison.differences
    assert "melanoma_auc" in comparison.differences
    assert any("different classes" in note for note in comparison.notes)


def test_notes_name_what_limits_the_comparison(weak, strong):
    other = replace(strong, operating_point=replace(POINT, goal=0.9))
    assert any("different sensitivities, 95% and 90%" in note for note in weak.compare(other).notes)
    assert weak.compare(replace(strong, operating_point=None)).agreements == ()


def test_detectors_of_one_description_are_told_apart(weak, strong):
    other = replace(weak, operating_point=replace(POINT, goal=0.9, threshold=0.4))
    alike = weak.compare(other, ["melanoma_auc"])
    assert (alike.first, alike.second) == ("Detector A, set for 95% sensitivity", "Detector A, set for 90% sensitivity")
    named = weak.compare(other, ["melanoma_auc"], names=("mine", "yours"))
    assert "first:  mine\nsecond: yours" in str(named)
    assert weak.compare(strong, ["melanoma_auc"]).first == "Detector A"


def test_what_cannot_be_compared_is_an_error(weak, strong):
    malignant = evaluate(2.0, 3, point=replace(POINT, target="malignant"))
    with pytest.raises(DetectorError, match="alerts to melanomas, the second to malignant lesions"):
        weak.compare(malignant)
    with pytest.raises(DetectorError, match="expected one or more of accuracy, balanced_accuracy"):
        weak.compare(strong, ["f1"])
    with pytest.raises(DetectorError, match="expected one or more of"):
        weak.compare(strong, [])


def test_figures_that_cannot_differ_take_no_part_in_the_correction(weak):
    other = replace(weak, operating_point=replace(POINT, goal=0.9, threshold=0.5))
    comparison = weak.compare(other)
    tested = {name for name, row in comparison.differences.items() if row.tested}
    assert tested == {name for name in comparison.differences if name.endswith("_rate")} | {
        "sensitivity",
        "specificity",
    }
    smallest = min(comparison.differences[name].p_value for name in tested)
    assert min(comparison.differences[name].adjusted_p_value for name in tested) == pytest.approx(
        smallest * len(tested)
    )
    assert any("figures cannot differ" in note for note in comparison.notes)
    (line,) = [line for line in str(comparison).splitlines() if line.startswith("melanoma ROC AUC")]
    assert line.split()[-2:] == ["–", "–"]
    assert comparison.to_dict()["differences"]["melanoma_auc"]["tested"] is False


def test_only_images_that_are_left_out_are_counted(weak, strong):
    rows = np.arange(SIZE) >= 2
    records = tuple(Record(str(row), Path(f"{row}.png"), "", "test", "", str(row)) for row in range(SIZE))
    first, second = (replace(one, per_image=replace(one.per_image, records=records)) for one in (weak, strong))
    fewer = replace(second, per_image=second.per_image.select(rows), set_aside=2)
    notes = first.compare(fewer, ["melanoma_auc"]).notes
    assert "Left out: 2 images that the second detector has seen in training." in notes


def test_two_trained_detectors_on_the_same_split(detector, data):
    first, second = detector.evaluate(data), detector.at(views=8).evaluate(data)
    comparison = first.compare(second)
    assert comparison.images == len(data.test)
    assert (comparison.only_first, comparison.only_second) == (0, 0)
