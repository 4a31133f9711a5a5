"""Which images two evaluations share."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.matching_images import match_images

CLASSES = ("melanoma", "nevus")


def evaluate(data, rows, labels=None, set_aside=0):
    """Evaluate some of ten images; image n has the score n / 10."""
    rows = np.array(rows)
    records = [replace(data.records[0], id=str(row), digest=f"digest {row}") for row in rows]
    scores = np.minimum(rows / 10, 1)
    found = np.array([row % 2 for row in rows]) if labels is None else np.array(labels)
    groups = [str(row) for row in rows]
    return replace(
        measure(np.column_stack([scores, 1 - scores]), found, groups, CLASSES, records=records), set_aside=set_aside
    )


def test_common_images_stand_row_by_row(data):
    first, second = evaluate(data, range(10), set_aside=0), evaluate(data, [7, 3, 5], set_aside=7)
    matched = match_images(first, second)
    assert [record.id for record in matched.first.records] == ["3", "5", "7"]
    assert [record.id for record in matched.second.records] == ["3", "5", "7"]
    np.testing.assert_allclose(matched.first.probabilities, matched.second.probabilities)
    assert (matched.only_first, matched.only_second) == (7, 0)


@pytest.mark.parametrize(("set_aside", "others"), [(0, [7, 3, 5]), (6, [7, 3, 5]), (10, [11, 12])])
def test_images_that_training_does_not_explain_are_an_error_with_counts(data, set_aside, others):
    first, second = evaluate(data, range(10)), evaluate(data, others, set_aside=set_aside)
    both = len(set(others) & set(range(10)))
    with pytest.raises(
        DetectorError, match=f"{both} in both, {10 - both} only in the first, {len(others) - both} only"
    ):
        match_images(first, second)


def test_files_of_one_name_and_other_contents_are_no_match(data):
    first = evaluate(data, range(4))
    records = tuple(replace(record, digest="other") for record in first.records)
    second = replace(first, per_image=replace(first.per_image, records=records))
    with pytest.raises(DetectorError, match="0 in both, 4 only in the first"):
        match_images(first, second)


def test_other_labels_are_an_error(data):
    with pytest.raises(DetectorError, match=r"the labels of 1 of 3 images differ .* the first is melanoma and nevus"):
        match_images(evaluate(data, [1, 2, 3], [1, 0, 1]), evaluate(data, [1, 2, 3], [1, 1, 1]))


def test_without_records_rows_are_matched_by_their_place_and_lesion():
    first = measure(np.eye(2), np.arange(2), ["a", "b"], CLASSES)
    assert len(match_images(first, first).first) == 2
    with pytest.raises(DetectorError, match="1 in both"):
        match_images(first, measure(np.eye(2), np.arange(2), ["a", "c"], CLASSES))
