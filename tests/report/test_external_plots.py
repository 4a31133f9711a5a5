"""The plot of an external validation."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.external import ExternalValidation
from melanoma_detect.evaluation.metrics import Figures
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.report.external_plots import sets
from melanoma_detect.report.style import BLUE, RED

POINT = OperatingPoint(0.95, 0.3, 0.95, 0.5, 20, 80)


def evaluation(melanomas, scale):
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], [melanomas, 40])
    scores = 1 / (1 + np.exp(-rng.normal(size=len(labels)) - scale * (1 - 2 * labels)))
    probabilities = np.column_stack([scores, 1 - scores])
    return measure(probabilities, labels, list(map(str, range(len(labels)))), ("melanoma", "nevus"), POINT)


@pytest.fixture(scope="module")
def validation():
    return ExternalValidation(
        {"A": evaluation(30, 1), "B": evaluation(25, 0.3), "few": evaluation(3, 1), "none": evaluation(0, 1)}
    )


def test_the_worst_set_is_red_and_few_lesions_are_hollow(validation):
    figure = sets(validation, "sensitivity")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A (30)", "B (25)", "few (3)", "none (0)"]
    markers = [container[0] for container in axes.containers]
    worst = ["A", "B"].index(validation.worst["sensitivity"])
    assert [to_hex(marker.get_color()) for marker in markers] == [RED if at == worst else BLUE for at in range(3)]
    assert [marker.get_markerfacecolor() == "white" for marker in markers] == [False, False, True]
    assert axes.lines[0].get_xdata()[0] == validation.mean["sensitivity"]


def test_a_figure_that_no_set_shows_is_an_error(validation):
    with pytest.raises(DetectorError, match="name='accuracy'; expected one of 'melanoma_auc', 'ece'"):
        sets(validation, "accuracy")
    with pytest.raises(DetectorError, match="name='background_auc'"):
        sets(validation, "background_auc")


def test_an_interval_that_misses_its_value_is_drawn():
    skewed = evaluation(30, 1)
    figure = skewed.figures["sensitivity"]
    figures = Figures(dict(skewed.figures) | {"sensitivity": figure._replace(low=figure.value + 0.01)})
    (bars,) = sets(ExternalValidation({"A": replace(skewed, figures=figures)}), "sensitivity").axes[0].containers
    assert bars[0].get_xdata()[0] == figure.value
