"""ROC curves: their area is the AUC, and the operating points lie on them."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.image_types import ImageTypes
from melanoma_detect.evaluation.roc import ALL
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("melanoma", "nevus", "basal cell carcinoma", "actinic keratosis")
POINT = OperatingPoint(0.95, 0.3, 0.95, 0.5, 20, 80)


def evaluate(point=POINT, digits=2, **changes):
    rng = np.random.default_rng(4)
    labels = rng.choice(4, size=300, p=[0.2, 0.5, 0.2, 0.1])
    logits = rng.normal(size=(300, 4)).round(digits) + np.eye(4)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return measure(probabilities, labels, [str(row // 2) for row in range(300)], CLASSES, point, **changes)


@pytest.fixture(scope="module")
def plain():
    return evaluate(digits=6)


def on_polyline(curve, x, y):
    """Return whether a point lies on the curve: between two vertices, or at one."""
    xs, ys = [at.false_positive_rate for at in curve.points], [at.sensitivity for at in curve.points]
    return any(
        min(x0, x1) - 1e-9 <= x <= max(x0, x1) + 1e-9
        and abs((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) < 1e-9
        and min(y0, y1) - 1e-9 <= y <= max(y0, y1) + 1e-9
        for x0, x1, y0, y1 in zip(xs, xs[1:], ys, ys[1:], strict=False)
    )


@pytest.mark.parametrize("target", ["melanoma", "malignant"])
@pytest.mark.parametrize("digits", [0, 6])
def test_the_area_is_the_auc_and_the_operating_point_lies_on_the_curve(target, digits):
    abstained = np.arange(300) % 7 == 0
    evaluation = evaluate(replace(POINT, target=target), digits, abstained=abstained)
    (curve,) = evaluation.roc_curves()
    auc = evaluation.figures[f"{target}_auc"]
    assert curve.area == pytest.approx(auc.value)
    assert curve.auc == auc
    (on,) = curve.operating_points
    assert on_polyline(curve, on.false_positive_rate, on.sensitivity)
    assert curve.points == evaluation.roc_points()
    assert curve.name == ALL
    # The decisions count abstentions as no alert: their sensitivity lies below the curve's.
    assert evaluation.figures["sensitivity"].value < on.sensitivity


def test_without_abstentions_the_point_on_the_curve_is_the_measured_one(plain):
    (on,), (measured,) = plain.roc_curves()[0].operating_points, plain.measured_points()
    assert on.sensitivity == pytest.approx(measured.sensitivity.value)
    assert on.false_positive_rate == pytest.approx(1 - measured.specificity.value)


def test_actinic_keratosis_takes_no_part_in_malignant_against_benign(plain):
    curves = plain.roc_curves("malignant")
    assert curves[0].images == int((plain.labels != 3).sum())
    assert curves[0].operating_points == ()  # the operating point is melanoma's


def test_each_image_type_has_a_curve_with_its_own_points():
    types = np.array(["dermoscopy", "clinical"])[np.arange(300) % 2]
    own = {
        kind: {("melanoma", 0.95): replace(POINT, threshold=at)}
        for kind, at in (("dermoscopy", 0.3), ("clinical", 0.5))
    }
    evaluation = evaluate(image_types=ImageTypes(types, own))
    everything, dermoscopy, clinical = evaluation.roc_curves()
    assert [curve.name for curve in (everything, dermoscopy, clinical)] == [
        ALL,
        "dermoscopy images",
        "clinical photographs",
    ]
    assert everything.operating_points == ()
    assert [curve.operating_points[0].point.threshold for curve in (dermoscopy, clinical)] == [0.3, 0.5]
    assert dermoscopy.images + clinical.images == everything.images
    chosen = types == "clinical"
    expected = metrics.roc_auc_score(evaluation.is_melanoma[chosen], evaluation.melanoma_scores[chosen])
    assert clinical.area == pytest.approx(expected)
    one = evaluate(image_types=ImageTypes(np.full(300, "clinical"), own)).roc_curves()
    assert [(curve.name, curve.operating_points[0].point.threshold) for curve in one] == [(ALL, 0.5)]


def test_plain_values_keep_the_area_with_fewer_vertices(plain):
    (curve,) = plain.roc_curves()
    points = curve.to_dict()["points"]
    assert len(points["sensitivity"]) < len(curve.points)
    assert points["threshold"][0] is None
    assert metrics.auc(points["false_positive_rate"], points["sensitivity"]) == pytest.approx(curve.area)


def test_one_side_alone_has_no_curve():
    found = measure(np.eye(2), np.zeros(2, int), ["a", "b"], ("melanoma", "nevus"), POINT)
    assert found.roc_curves() == found.roc_points() == ()
