"""The words and numbers of a report."""

import re
from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.metrics import HEADLINES
from melanoma_detect.report.evaluation_rows import (
    has_alerts,
    metric_rows,
    severe_sentences,
    summary_sentences,
    warning_sentences,
)


def test_every_metric_has_a_title_and_an_explanation(evaluation):
    rows = list(metric_rows(evaluation, None))
    assert [row.title for row in rows] == list(HEADLINES.values())
    assert all(row.explanation for row in rows)
    assert all(row.difference == "–" for row in rows)


def test_the_difference_is_that_of_the_printed_values(evaluation):
    better = {name: value._replace(value=min(1, value.value + 0.1)) for name, value in evaluation.figures.items()}
    rows = {row.title: row for row in metric_rows(evaluation, replace(evaluation, figures=better))}
    assert float(rows["accuracy"].difference) == pytest.approx(0.1, abs=0.0011)
    worse = {
        name: value._replace(value=value.value - 0.1, low=-1, high=-0.5) for name, value in evaluation.figures.items()
    }
    row = next(metric_rows(evaluation, replace(evaluation, figures=worse)))
    assert row.difference.startswith("−")
    assert row.significant


@pytest.mark.parametrize(
    ("count", "text"), [(1, "There is 1 melanoma: too few"), (3, "There are 3 melanomas: too few")]
)
def test_few_melanomas_are_a_warning(count, text):
    labels = np.array([0] * count + [1])
    lesions = [f"lesion {row}" for row in range(count + 1)]
    evaluation = measure(np.tile([0.6, 0.4], (count + 1, 1)), labels, lesions, ("melanoma", "nevus"))
    warnings = list(warning_sentences(evaluation))
    assert warnings[0].startswith(text)
    assert "no operating point" in warnings[1]
    assert not has_alerts(evaluation)


def test_images_set_aside_are_a_warning(evaluation):
    assert list(warning_sentences(replace(evaluation, set_aside=1)))[-1].startswith("1 image is set aside")
    assert list(warning_sentences(replace(evaluation, set_aside=2)))[-1].startswith("2 images are set aside")


def test_sentences_say_where_the_others_are(evaluation):
    assert not [text for text in summary_sentences(evaluation) if re.search(r"\bnan\b", text)]
    assert next(summary_sentences(evaluation)).endswith("are cleared; the others are referred.")


def test_images_seen_in_training_are_named_first(evaluation):
    assert not list(severe_sentences(evaluation))
    (text,) = severe_sentences(replace(evaluation, seen_in_training=5))
    assert text.startswith(f"The detector has seen 5 of these {len(evaluation)} images")


def test_lesions_and_images_are_told_apart():
    labels, lesions = np.array([0, 0, 1]), ["a", "a", "b"]
    evaluation = measure(np.tile([0.6, 0.4], (3, 1)), labels, lesions, ("melanoma", "nevus"))
    assert next(warning_sentences(evaluation)).startswith("There is 1 melanoma, on 2 images: too few")


def test_without_an_operating_point_the_rows_say_why_there_is_no_value(evaluation):
    without = measure(evaluation.probabilities, evaluation.labels, evaluation.groups, evaluation.classes)
    rows = {row.title: row for row in metric_rows(without, None)}
    assert "every image is referred" in rows["referral rate"].explanation
    assert "every image is referred" not in rows["accuracy"].explanation
    assert "every image is referred" not in " ".join(row.explanation for row in metric_rows(evaluation, None))


def test_a_threshold_in_hindsight_is_no_result(evaluation):
    """The threshold that finds 95 % on the test images themselves clears nobody."""
    assert not [text for text in summary_sentences(evaluation) if "review" in text or "below the threshold" in text]
    texts = [row.explanation for row in metric_rows(evaluation, None) if "hindsight" in row.explanation]
    assert len(texts) == 2
    assert not [text for text in texts if "need no review" in text]


def test_a_threshold_next_to_1_is_explained(evaluation):
    point = replace(evaluation.operating_point, threshold=1 - 1e-10)
    assert "overconfident" in " ".join(warning_sentences(replace(evaluation, operating_point=point)))
    assert "overconfident" not in " ".join(warning_sentences(evaluation))
