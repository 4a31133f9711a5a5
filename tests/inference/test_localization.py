"""The record of a localisation, as a section of the model card."""

import pytest

from melanoma_detect.inference.localization import describe_localization


def record(**changed):
    figures = {name: {"value": value, "lesions": 60} for name, value in (("ece", 0.05), ("brier", 0.1))}
    return {
        "parent": {"title": "cnn", "sha256": "0" * 64},
        "data": "clinic",
        "images": 60,
        "lesions": 55,
        "melanoma_lesions": 12,
        "malignant_lesions": 20,
        "target": "melanoma",
        "set": [],
        "refused": [],
        "before": figures,
        "after": figures,
    } | changed


def text(**changed):
    return "\n".join(describe_localization(record(**changed)))


@pytest.mark.parametrize(
    ("brier", "verdict"),
    [(0.09, "are better than the detector's own were"), (0.1, "did not improve"), (0.12, "did not improve")],
)
def test_says_whether_it_gained_anything(brier, verdict):
    assert verdict in text(after={"brier": {"value": brier, "lesions": 60}})


def test_few_lesions_tell_nothing():
    assert "Fewer than 10 melanomas do not tell" in text(
        melanoma_lesions=9, after={"brier": {"value": 0.01, "lesions": 9}}
    )
    assert "do not tell" not in text(target="malignant", melanoma_lesions=9)


def test_ranking_is_told_where_it_was_measured():
    own = {"auc": 0.9, "low": 0.8, "high": 1.0, "positives": 12, "negatives": 43}
    assert "ROC AUC on these images, which localising does not change: melanoma 0.900 [0.800, 1.000] (12 of 55" in text(
        auc={"melanoma": own}
    )
    assert "ROC AUC" not in text()  # a record of before rankings were kept


def test_one_melanoma_is_one():
    assert "(1 melanoma)" in text(melanoma_lesions=1)
