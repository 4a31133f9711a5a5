"""What an evaluation measures on demand agrees with the functions behind it and with its figures."""

import pytest

from melanoma_detect.evaluation.measurements import Measurements


@pytest.fixture(scope="module")
def evaluation(detector, data):
    return detector.evaluate(data)


def test_an_evaluation_has_them(evaluation):
    assert isinstance(evaluation, Measurements)
    assert evaluation.roc_curves()[0].auc == evaluation.figures["melanoma_auc"]
    assert evaluation.decision_shares()[0].images == len(evaluation)
    assert evaluation.decision_curve([0.05]).thresholds == (0.05,)
    assert evaluation.compare(evaluation, ["ece"]).differences["ece"].difference.value == 0
    assert evaluation.roc_curves("malignant")[0].auc == evaluation.figures["malignant_auc"]


def test_the_points_used_are_printed(evaluation):
    assert evaluation.operating_points_used == {"": evaluation.operating_point}
    assert str(evaluation.operating_point) in str(evaluation)
