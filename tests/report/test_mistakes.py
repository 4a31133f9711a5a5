"""The worst mistakes: the right images in the right order, with overlays where there is a detector."""

import json
from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.report.mistakes import worst_mistakes

CLASSES = ("melanoma", "basal cell carcinoma", "nevus")
TRUTHS = ("melanoma", "melanoma", "melanoma", "basal cell carcinoma", "nevus", "nevus", "nevus")
MELANOMA = (0.2, 0.1, 0.9, 0.05, 0.7, 0.8, 0.1)


@pytest.fixture(scope="module")
def wrong(evaluation):
    """Return an evaluation with two missed melanomas, a cleared carcinoma and two false alerts."""
    scores = np.array(MELANOMA)
    probabilities = np.stack([scores, np.full(len(scores), 0.04), 0.96 - scores], axis=1)
    records = tuple(replace(record, label=truth) for record, truth in zip(evaluation.records, TRUTHS, strict=False))
    labels = np.array([CLASSES.index(truth) for truth in TRUTHS])
    point = OperatingPoint(0.95, 0.5, 0.95, 0.5, 3, 4)
    return measure(probabilities, labels, [f"{row}" for row in range(7)], CLASSES, point, records=records)


def test_melanomas_come_first_and_the_worst_of_each_kind(wrong):
    missed, cancers, alerts = worst_mistakes(wrong)
    assert (missed.kind, missed.count, missed.of) == ("missed melanomas", 2, 3)
    assert [mistake.probability for mistake in missed.shown] == [0.1, 0.2]
    assert [mistake.record for mistake in missed.shown] == [wrong.records[1], wrong.records[0]]
    assert (cancers.kind, cancers.count, cancers.of) == ("cleared cancers", 1, 1)
    assert (alerts.kind, alerts.count, alerts.of) == ("false alerts", 2, 3)
    assert [mistake.probability for mistake in alerts.shown] == [0.8, 0.7]
    assert {mistake.decision for mistake in alerts.shown} == {"alert"}


def test_referred_images_are_no_mistakes(wrong):
    abstained = np.ones(len(wrong), np.bool_)
    per_image = replace(wrong.per_image, abstained=abstained)
    assert [found.count for found in worst_mistakes(replace(wrong, per_image=per_image))] == [0, 0, 0]


def test_the_limit_holds_for_each_kind(wrong):
    assert [len(found.shown) for found in worst_mistakes(wrong, limit=1)] == [1, 1, 1]


def test_a_detector_gives_overlays_and_prediction_sets(wrong, detector):
    found = worst_mistakes(wrong, detector, limit=1)
    for mistake in (mistake for kind in found for mistake in kind.shown):
        assert mistake.prediction_set == detector.predict(mistake.record.image).prediction_set
        assert mistake.explanation.overlay().size == mistake.explanation.image.shape[1::-1]
    assert [found.shown[0].explanation.diagnosis for found in found] == ["melanoma", "malignant", "melanoma"]


def test_a_missing_file_leaves_the_numbers(wrong, detector, tmp_path):
    gone = tuple(replace(record, path=tmp_path / "gone.jpg") for record in wrong.records)
    lost = replace(wrong, per_image=replace(wrong.per_image, records=gone))
    mistake = worst_mistakes(lost, detector, limit=1)[0].shown[0]
    assert (mistake.prediction_set, mistake.explanation, mistake.probability) == ((), None, 0.1)


def test_nothing_to_show_without_records_or_operating_point(wrong):
    assert worst_mistakes(replace(wrong, operating_point=None)) == ()
    assert worst_mistakes(replace(wrong, per_image=replace(wrong.per_image, records=()))) == ()


def test_plain_values_hold_no_image(wrong):
    values = worst_mistakes(wrong)[0].shown[0].to_dict()
    assert json.loads(json.dumps(values))["truth"] == "melanoma"
