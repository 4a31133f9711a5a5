"""Predictions for a batch, as arrays: joined from images of several types."""

from dataclasses import fields

import numpy as np

from melanoma_detect.inference.batch_prediction import BatchPrediction, batch_prediction, join_batches
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("nevus", "melanoma")
POINT = OperatingPoint(0.95, 0.2, 0.96, 0.7, 50, 100)


def test_a_distance_that_is_no_number_is_referred():
    rows = np.array([[0.01, 0.99], [0.99, 0.01]])
    batch = batch_prediction(rows, CLASSES[:2], POINT, distance=np.array([np.nan, 1.0]), ood_threshold=3.5)
    assert [bool(reason) for reason in batch.reasons] == [True, False]


def test_joined_parts_are_in_the_order_of_the_images():
    rows = np.random.default_rng(4).dirichlet((1, 1), 6)
    distance, reasons = np.arange(6.0), ["", "too dark", "", "", "", "too small"]
    whole = batch_prediction(rows, CLASSES, POINT, distance=distance, ood_threshold=3.5, rejection_reasons=reasons)
    parts = []
    for own in (np.array([1, 4, 5]), np.array([0, 2, 3])):
        options = {"distance": distance[own], "rejection_reasons": [reasons[row] for row in own], "ood_threshold": 3.5}
        parts.append((own, batch_prediction(rows[own], CLASSES, POINT, **options)))
    joined = join_batches(parts)
    for name in (field.name for field in fields(BatchPrediction)):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name), err_msg=name)
    assert joined.operating_point is POINT
    assert joined.predictions(CLASSES, list("abcdef")) == whole.predictions(CLASSES, list("abcdef"))


def test_two_types_have_no_common_operating_point():
    clinical = batch_prediction(np.array([[0.9, 0.1]]), CLASSES, None, image_type="clinical")
    dermoscopy = batch_prediction(np.array([[0.9, 0.1]]), CLASSES, POINT, image_type="dermoscopy")
    joined = join_batches([(np.array([1]), clinical), (np.array([0]), dermoscopy)])
    assert joined.operating_point is None
    assert joined.operating_points == [POINT, None]
    assert joined.image_types == ["dermoscopy", "clinical"]
    assert [joined.decision(row) for row in (0, 1)] == ["clear", "refer"]
