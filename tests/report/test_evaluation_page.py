"""The words of an evaluation's report: what is counted, and what it alerts to."""

import re
from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.report import evaluation_page as module
from melanoma_detect.report.evaluation_page import evaluation_page
from melanoma_detect.report.rendering import Picture


@pytest.fixture(autouse=True)
def no_plots(monkeypatch):
    """Draw nothing, which takes seconds."""
    monkeypatch.setattr(module, "picture", lambda figure: Picture("data:image/svg+xml;base64,", 10, 10))


def words(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize(
    ("metadata", "counted", "drawn"),
    [
        ({}, None, "2,000 replicates of images"),
        ({"lesion_id": "L"}, "which counts lesions, not images", "2,000 replicates of whole lesions"),
        ({"patient_id": "P"}, "which counts patients, not images", "2,000 replicates of whole patients"),
    ],
)
def test_the_page_says_what_its_intervals_count(evaluation, metadata, counted, drawn):
    groups = evaluation.per_image.groups
    assert len(set(groups)) == len(groups)
    records = tuple(
        replace(record, metadata={name: f"{start}{number}" for name, start in metadata.items()})
        for number, record in enumerate(evaluation.records)
    )
    text = words(evaluation_page(replace(evaluation, per_image=replace(evaluation.per_image, records=records))))
    assert drawn in text
    assert counted in text if counted else "which counts" not in text


def test_a_rare_target_has_its_prevalence():
    labels = np.array([1] * 3 + [0] * 997)
    probabilities = np.tile([0.8, 0.2], (len(labels), 1))
    point = OperatingPoint(0.95, 0.25, 0.96, 0.7, 50, 100)
    rare = measure(probabilities, labels, list(map(str, range(len(labels)))), ("nevus", "melanoma"), point)
    assert "The prevalence of melanomas among these images is 0.30 %." in words(evaluation_page(rare))


def test_the_overlays_of_false_alerts_show_what_the_detector_alerts_to(evaluation, detector):
    point = replace(evaluation.operating_point, target="malignant")
    malignant = replace(
        evaluation, operating_point=point, per_image=replace(evaluation.per_image, target="malignant", records=())
    )
    missed = module.worst_mistakes(evaluation)

    def text(value, monkeypatch):
        monkeypatch.setattr(module, "worst_mistakes", lambda *_: missed)
        return words(evaluation_page(value, detector=detector))

    with pytest.MonkeyPatch.context() as patch:
        assert "(for a cleared cancer, of any malignancy)" in text(evaluation, patch)
        assert "(for a cleared cancer or a false alert, of any malignancy)" in text(malignant, patch)
