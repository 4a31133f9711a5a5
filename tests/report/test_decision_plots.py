"""Plots of decisions: what is drawn is compared with the values."""

import numpy as np
import pytest

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.report.decision_plots import decision_curve, decisions


def test_each_bar_adds_up_and_holds_the_shares(evaluation):
    axes = decisions(evaluation).axes[0]
    shares = evaluation.decision_shares()
    drawn = [[bar.get_width() for bar in bars] for bars in axes.containers]
    expected = [[getattr(share, name).value for share in shares] for name in ("alert", "refer", "clear")]
    np.testing.assert_allclose(drawn, expected, atol=1e-12)
    assert np.sum(drawn, axis=0) == pytest.approx(1)
    assert axes.get_yticklabels()[0].get_text() == f"all\n({len(evaluation)})"
    written = {text.get_text() for text in axes.texts if text.get_text()}
    assert written <= {f"{width:.0%}" for widths in expected for width in widths if width >= 0.08}


def test_the_decision_curve_is_the_net_benefit(evaluation):
    axes = decision_curve(evaluation).axes[0]
    lines = {line.get_label(): line.get_data() for line in axes.get_lines()}
    curve = evaluation.decision_curve()
    x, y = lines["act by the probability of melanoma"]
    assert (tuple(x), list(y)) == (curve.thresholds, [value.value for value in curve.model])
    assert list(lines["treat all (act on everybody)"][1]) == [value.value for value in curve.treat_all]
    assert len(axes.collections) == 1  # the interval


def test_without_melanomas_there_is_no_decision_curve():
    evaluation = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], ("melanoma", "nevus"))
    assert "no decision curve" in decision_curve(evaluation).axes[0].texts[0].get_text()


@pytest.mark.parametrize("share", [0.0001, 0.98])
def test_the_decision_curve_of_a_useless_detector_has_its_axis_upright(share):
    labels = np.array([0] * 2 + [1] * 2000)
    probabilities = np.tile([share, 1 - share], (len(labels), 1))
    evaluation = measure(probabilities, labels, list(map(str, range(len(labels)))), ("melanoma", "nevus"))
    low, high = decision_curve(evaluation).axes[0].get_ylim()
    assert low < 0 < high
