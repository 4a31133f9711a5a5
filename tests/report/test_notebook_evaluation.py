"""Views of evaluations: the figures are those of the evaluation, the plots are small."""

import re
from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.errors import DataWarning
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.report import notebook_evaluation
from melanoma_detect.report.notebook_evaluation import comparison, external_validation
from melanoma_detect.report.notebook_evaluation import evaluation as evaluation_view
from melanoma_detect.report.pages import comparison_page


def test_figures_and_intervals(evaluation, read_view):
    value = evaluation
    elements, text = read_view(evaluation_view(value))
    for name in ("balanced_accuracy", "sensitivity", "ece", "accuracy"):
        figure = value.figures[name]
        assert f"{figure.value:.3f} {figure.low:.3f} to {figure.high:.3f}" in text
    for label in value.classes:
        assert label in text
    assert sum(tag == "img" for tag, _ in elements) == 3


def test_intervals_are_drawn_where_they_are(read_view, plain_plots):
    value = measure(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), ["a", "b"], ("nevus", "melanoma"))
    figure = value.figures["accuracy"]._replace(value=0.5, low=0.25, high=0.75)
    shown = replace(value, figures=value.figures | {"balanced_accuracy": figure})
    html = evaluation_view(shown)
    assert '<i style="left:25.00%;width:50.00%"></i><b style="left:50.00%"></b>' in html
    _, text = read_view(html)
    assert "no operating point" in text


def test_what_is_not_defined_is_a_dash(read_view, plain_plots):
    value = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], ("melanoma", "nevus"))
    _, text = read_view(evaluation_view(value))
    assert "sensitivity for melanoma –" in text
    assert " nan" not in text


def test_notes_and_abstentions_are_warnings(read_view, plain_plots):
    abstained = np.array([True, False])
    value = measure(
        np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), ["a", "b"], ("nevus", "melanoma"), abstained=abstained
    )
    _, text = read_view(evaluation_view(replace(value, set_aside=3, notes=("first note", "second note"))))
    assert "abstains from 1 image" in text
    assert "3 images are set aside" in text
    assert "There is 1 melanoma: too few for a reliable sensitivity." in text
    assert text.index("3 more notes") < text.index("set aside") < text.index("first note second note")


def test_images_seen_in_training_are_said_first_and_once(evaluation, read_view, plain_plots):
    noted = ("This detector has seen 2 images.", "second note")
    _, text = read_view(evaluation_view(replace(evaluation, seen_in_training=2, set_aside=1, notes=noted)))
    assert text.index("has seen 2 of these") < text.index("balanced accuracy")
    assert "1 image is set aside" in text
    assert noted[0] not in text
    assert noted[1] in text


def test_intervals_count_what_the_tables_name(evaluation, read_view, plain_plots):
    records = [
        replace(record, metadata={"patient_id": str(number)}) for number, record in enumerate(evaluation.records)
    ]
    patients = replace(evaluation, per_image=replace(evaluation.per_image, records=tuple(records)))
    _, text = read_view(evaluation_view(patients))
    assert "interval, which counts patients." in text
    assert f"{len(records)} patients; " in text
    _, text = read_view(comparison(patients.compare(patients, ["accuracy"])))
    assert f"{len(records)} images of {len(records)} patients" in text
    assert "paired bootstrap over patients" in text


def test_several_sets(detector, data, read_view):
    with pytest.warns(DataWarning, match="set aside"):
        validation = detector.evaluate({"here": data, "seen": data.train})
    elements, text = read_view(external_validation(validation))
    assert "External validation on 1 set" in text
    assert "seen" in text
    assert "not evaluated" in text
    assert sum(tag == "img" for tag, _ in elements) == 1


def test_a_comparison_is_centred_on_no_difference(evaluation, read_view):
    html = comparison(evaluation.compare(evaluation, ["melanoma_auc"]))
    assert '<b style="left:50.00%">' in html
    _, text = read_view(html)
    assert f"same {len(evaluation)} images" in text
    assert "+0.000 [+0.000, +0.000] –" in text


def test_a_small_difference_and_a_small_p_value_are_no_zero_with_a_sign(evaluation, read_view):
    compared = evaluation.compare(evaluation, ["melanoma_auc"])
    row = compared.differences["melanoma_auc"]
    changed = row.difference._replace(value=-0.0001, low=-0.02)
    row = row._replace(difference=changed, adjusted_p_value=0.0004, tested=True)
    shown = replace(compared, differences={"melanoma_auc": row})
    for text in (read_view(comparison(shown))[1], re.sub(r"<[^>]+>", "", comparison_page(shown))):
        assert "+0.000 [−0.020, +0.000]" in text
        assert "&lt; 0.001" in text or "< 0.001" in text


def test_a_plot_of_another_kind_is_named():
    with pytest.raises(TypeError, match="no NotebookFigure"):
        notebook_evaluation.draw_plot("a figure")
