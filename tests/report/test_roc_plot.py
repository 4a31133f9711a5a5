"""The plot of ROC curves: its area is the AUC, and the operating points lie on it."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.roc import RocCurve, RocPoint
from melanoma_detect.report.roc_plot import roc


def lines_of(figure):
    return {str(line.get_label()): np.array(line.get_data(), dtype=float) for line in figure.axes[0].get_lines()}


def test_the_curve_is_that_of_the_auc_and_the_points_lie_on_it(evaluation):
    lines = lines_of(roc(evaluation))
    curve = next(data for label, data in lines.items() if label.startswith("detector: AUC"))
    false, true, _ = metrics.roc_curve(evaluation.is_melanoma, evaluation.melanoma_scores, drop_intermediate=False)
    np.testing.assert_allclose(curve, [false, true])
    assert metrics.auc(*curve) == pytest.approx(evaluation.figures["melanoma_auc"].value)
    auc = evaluation.figures["melanoma_auc"]
    assert f"detector: AUC {auc}, too few lesions ({auc.lesions})" in lines
    points = {label: data for label, data in lines.items() if label.startswith("operating point")}
    assert list(points) == ["operating point in use: set for 60 % sensitivity"]
    for point in points.values():
        assert any(np.allclose(point[:, 0], vertex) for vertex in curve.T)


def test_nothing_is_written_into_the_axes(evaluation):
    figure = roc(evaluation)
    assert not figure.axes[0].texts
    assert len(figure.legends) == 1


def test_without_melanomas_there_is_no_roc_curve():
    evaluation = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], ("melanoma", "nevus"))
    assert "no ROC curve" in roc(evaluation).axes[0].texts[0].get_text()


def test_dermatologists_are_a_hollow_marker_last_in_the_legend(evaluation):
    figure = roc(evaluation)
    marker = next(line for line in figure.axes[0].get_lines() if "dermatologists" in str(line.get_label()))
    assert marker.get_label() == "58 dermatologists on OTHER images (Haenssle et al. 2018)"
    assert [float(values[0]) for values in marker.get_data()] == pytest.approx([1 - 0.713, 0.866])
    assert marker.get_markerfacecolor() == "white"
    assert figure.legends[0].get_texts()[-1].get_text().replace("\n", " ") == marker.get_label()


def test_each_type_of_image_has_its_curve_and_points(evaluation):
    figure = evaluation.figures["melanoma_auc"]
    corners = (RocPoint(np.inf, 0.0, 0.0), RocPoint(0.5, 1.0, 0.0), RocPoint(0.1, 1.0, 1.0))
    names = ("all images", "dermoscopy images", "clinical photographs")
    curves = tuple(RocCurve(name, "melanoma", 9, figure, corners) for name in names)
    two_types = replace(evaluation)
    two_types.__dict__["_known"] = {"ROC curves None": curves}
    lines = [line for line in roc(two_types).axes[0].get_lines() if "AUC" in str(line.get_label())]
    assert [line.get_label().split(":")[0] for line in lines] == list(names)
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 3


def test_a_curve_of_few_lesions_says_so(evaluation):
    corners = (RocPoint(np.inf, 0.0, 0.0), RocPoint(0.5, 1.0, 0.0), RocPoint(0.1, 1.0, 1.0))
    figure = evaluation.figures["melanoma_auc"]
    few = RocCurve("clinical photographs", "melanoma", 31, figure._replace(lesions=3), corners)
    enough = RocCurve("all images", "melanoma", 90, figure._replace(lesions=40), corners)
    drawn = replace(evaluation)
    drawn.__dict__["_known"] = {"ROC curves None": (enough, few)}
    labels = [str(line.get_label()) for line in roc(drawn).axes[0].get_lines()]
    assert [label for label in labels if "few" in label] == [
        f"clinical photographs: AUC {few.auc}, too few lesions (3)"
    ]
