"""The prediction sheet: the image, the bars and the threshold of the prediction."""

from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.report import plots
from melanoma_detect.report.notebook_prediction import KINDS


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_bars_are_the_probabilities(detector, data):
    prediction = detector.predict(data.test.paths[0])
    image, bars, key = plots.prediction(prediction).axes
    assert np.asarray(image.get_images()[0].get_array()).shape == (64, 64, 3)
    widths = [bar.get_width() for bar in bars.containers[1]]
    assert widths == pytest.approx([prediction.melanoma, *sorted(prediction.probabilities.values(), reverse=True)])
    line = bars.get_lines()[0]
    assert line.get_xdata()[0] == detector.operating_point.threshold
    assert [text.get_text() for text in key.texts][1::2] == list(KINDS.values())


@pytest.mark.parametrize("classes", [2, 9])
@pytest.mark.parametrize("shape", [(90, 30), (64, 64), (40, 90)])
def test_nothing_overlaps_whatever_the_shape_of_the_image(detector, classes, shape):
    made = detector.predict(md.draw_lesion("melanoma", seed=1, size=96).pixels[: shape[0], : shape[1]])
    chosen = dict(list(made.probabilities.items())[:classes])
    few = replace(made, probabilities=chosen, diagnosis=max(chosen, key=chosen.get), prediction_set=())
    figure = plots.prediction(few)
    figure.draw_without_rendering()
    image, bars, key = figure.axes
    words = [text.get_window_extent() for text in key.texts]
    assert min(each.y0 for each in words) >= figure._supxlabel.get_window_extent().y1 - 1
    assert max(each.y1 for each in words) <= image.get_window_extent().y0 + 1
    assert max(each.x1 for each in words) <= figure.bbox.x1
    labels = min(label.get_window_extent().x0 for label in bars.get_yticklabels())
    assert image.get_window_extent().x1 <= labels + 1


def test_the_title_is_the_decision_and_the_sentence_stands_below(detector, data):
    prediction = replace(detector.predict(data.test.paths[0]), decision="clear", abstained=False)
    figure = plots.prediction(prediction)
    assert figure.get_suptitle().startswith("CLEAR: ")
    below = " ".join(figure.get_supxlabel().split())
    assert data.test.paths[0].name in below
    assert str(data.test.paths[0].parent) not in below
    assert "not a medical device" in below


def test_an_image_that_has_gone_is_a_note(detector, data):
    prediction = replace(detector.predict(data.test.paths[0]), source="gone.jpg")
    assert any("no longer there" in " ".join(text.split()) for text in texts(plots.prediction(prediction)))


def test_without_a_threshold_there_is_no_line(detector, data):
    prediction = replace(detector.predict(data.test.paths[0]), operating_point=None, decision="refer")
    assert plots.prediction(prediction).axes[1].get_lines() == []


def test_letters_are_large_enough(detector, data):
    figure = plots.prediction(detector.predict(data.test.paths[0]))
    sizes = [text.get_fontsize() for axes in figure.axes for text in (*axes.texts, *axes.get_yticklabels())]
    assert min(sizes) >= 9


def test_a_name_that_is_no_text_and_looks_like_a_formula_is_drawn(detector, data):
    made = replace(detector.predict(data.test.paths[0]), source="caf\udce9 $\\y$.jpg", abstained=False)
    figure = plots.prediction(made)
    figure.draw_without_rendering()
    assert "caf\\udce9 $\\y$.jpg" in figure.alt
