"""Operating points by type of image: the figures in a row are those of its threshold."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.image_types import ImageTypes
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.report.point_rows import point_rows


def point(goal, threshold):
    return OperatingPoint(goal, threshold, goal, 0.5, positives=50, negatives=50)


@pytest.fixture(scope="module")
def two_types():
    """Sixty images, of two types with thresholds of their own; 99 % is supported for dermoscopy only."""
    scores = np.random.default_rng(1).uniform(size=60)
    labels = (scores + np.random.default_rng(2).normal(0, 0.3, 60) < 0.6).astype(np.int64)  # 0: melanoma
    kinds = np.array(["dermoscopy"] * 40 + ["clinical"] * 20)
    points = {
        "dermoscopy": {("melanoma", goal): point(goal, at) for goal, at in ((0.9, 0.6), (0.99, 0.1))},
        "clinical": {("melanoma", 0.9): point(0.9, 0.3)},
    }
    names = [str(row) for row in range(60)]
    measured = measure(
        np.column_stack([scores, 1 - scores]),
        labels,
        names,
        ("melanoma", "nevus"),
        points["dermoscopy"]["melanoma", 0.9],
        image_types=ImageTypes(kinds, points),
    )
    return replace(measured, points=tuple(points["dermoscopy"].values()))


def test_each_type_has_its_threshold_and_figures(two_types):
    rows = point_rows(two_types)
    assert [(row.goal, row.images, row.threshold) for row in rows] == [
        (0.9, "dermoscopy images", 0.6),
        (0.9, "clinical photographs", 0.3),
        (0.9, "all images", None),
        (0.99, "dermoscopy images", 0.1),
    ]
    types, scores, positive = two_types.per_image.image_types.types, two_types.melanoma_scores, two_types.is_melanoma
    for row in rows:
        if row.threshold is None:
            alert = scores >= np.where(types == "dermoscopy", 0.6, 0.3)
            chosen = np.ones(60, bool)
        else:
            alert = scores >= row.threshold
            chosen = types == row.images.split()[0].removesuffix("s")
        assert row.sensitivity.value == pytest.approx(alert[chosen & positive].mean())
        assert row.specificity.value == pytest.approx((~alert)[chosen & ~positive].mean())
    assert [row.in_use for row in rows] == [True, True, True, False]
    assert rows[0].counted == "40 dermoscopy images"


def test_a_detector_that_judges_all_alike_has_one_row_each(evaluation):
    (row,) = point_rows(evaluation)
    assert (row.images, row.threshold, row.in_use) == ("all images", evaluation.operating_point.threshold, True)
    assert row.to_dict()["sensitivity"] == evaluation.measured_points()[0].sensitivity._asdict()
