"""Views of predictions: the probabilities, the alert line and the decision are those of the prediction."""

import re
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.inference.batch_prediction import batch_prediction
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.prediction import Predictions
from melanoma_detect.report import plots
from melanoma_detect.report.notebook_prediction import (
    COLORS,
    class_bars,
    class_kind,
    explanation,
    prediction,
    predictions,
)
from melanoma_detect.utils.probabilities import format_percent

CLASSES = ("nevus", "melanoma", "actinic keratosis")
POINT = OperatingPoint(0.95, 0.25, 0.96, 0.7, 50, 100)


def decide(probabilities, point=POINT, classes=CLASSES, source="photo.jpg", **options):
    return batch_prediction(np.array([probabilities]), classes, point, **options).predictions(classes, [source])[0]


def lines(elements):
    """Return where the alert lines stand, in per cent."""
    return [attributes["style"] for _, attributes in elements if attributes.get("class") == "mdv-line"]


def test_the_alert_line_stands_at_the_threshold(read_view):
    elements, text = read_view(prediction(decide([0.5, 0.4, 0.1])))
    assert lines(elements) == ["left:25.00%"]
    assert "line: alert from 25.0%" in text
    assert "ALERT nevus, 50.0%" in text
    widths = [
        attributes["style"] for tag, attributes in elements if tag == "i" and "width" in attributes.get("style", "")
    ]
    assert widths == ["width:40.00%", "width:50.00%", "width:40.00%", "width:10.00%"]


@pytest.mark.parametrize(
    ("probabilities", "word"), [([0.5, 0.4, 0.1], "ALERT"), ([0.9, 0.05, 0.05], "CLEAR"), ([0.05, 0.2, 0.75], "REFER")]
)
def test_decision_and_sentence(probabilities, word, read_view):
    classes = ("nevus", "melanoma", "basal cell carcinoma")
    made = decide(probabilities, classes=classes)
    _, text = read_view(prediction(made))
    assert text.startswith(word)
    sentence = " ".join(str(made).removeprefix("photo.jpg: ").split())
    assert f"{sentence[0].upper()}{sentence[1:]}" in text


def test_without_an_operating_point_there_is_no_line(read_view):
    elements, text = read_view(prediction(decide([0.5, 0.4, 0.1], None)))
    assert lines(elements) == []
    assert "no threshold for melanoma" in text


def test_the_target_malignant_has_its_own_bar(read_view):
    point = OperatingPoint(0.95, 0.25, 0.96, 0.7, 50, 100, target="malignant")
    _, text = read_view(prediction(decide([0.2, 0.3, 0.5], point, ("nevus", "melanoma", "basal cell carcinoma"))))
    assert "malignant 80.0%" in text


def test_an_abstention_names_no_diagnosis(read_view):
    _, text = read_view(prediction(decide([0.9, 0.05, 0.05], distance=np.array([9.0]), ood_threshold=1.0)))
    assert "REFER no diagnosis" in text
    assert "these probabilities mean little" in text


def test_many_classes_are_counted_together(read_view):
    classes = ("melanoma", *(f"class {number}" for number in range(19)))
    _, text = read_view(prediction(decide(np.full(20, 0.05), classes=classes)))
    assert "8 other classes 40.0%" in text


def test_what_cannot_be_ruled_out_is_bold():
    bars = class_bars(decide([0.5, 0.4, 0.1], conformal_threshold=0.3))
    assert [(bar.label, bar.held) for bar in bars] == [
        ("nevus", True),
        ("melanoma", True),
        ("actinic keratosis", False),
    ]


def test_kinds_of_classes():
    assert [class_kind(label) for label in ("akiec", "bkl", "my own class")] == ["b", "a", "c"]


def test_a_file_that_has_gone_leaves_the_reason(detector, data, tmp_path, read_view):
    copy = tmp_path / "lesion.jpg"
    copy.write_bytes(data.test.paths[0].read_bytes())
    made = detector.predict(copy)
    assert "<img" in prediction(made)
    copy.unlink()
    elements, text = read_view(prediction(made))
    assert "the file is no longer there" in text
    assert not [tag for tag, _ in elements if tag == "img"]


def test_a_list_shows_counts_and_the_first_rows(detector, data, read_view):
    one = detector.predict(data.test.paths[0])
    elements, text = read_view(predictions(Predictions([one] * 30)))
    assert "30 predictions" in text
    assert sum(tag == "img" for tag, _ in elements) == 25
    assert "and 5 more" in text
    assert f"{one.decision.upper()} 30" in text


def test_an_empty_list(detector, read_view):
    _, text = read_view(predictions(detector.predict([])))
    assert text.startswith("0 predictions")


def test_one_threshold_is_explained_and_two_are_not(read_view):
    first, second = decide([0.5, 0.4, 0.1]), decide([0.5, 0.4, 0.1], replace(POINT, threshold=0.1))
    assert "alert from 25.0%" in read_view(predictions(Predictions([first, first])))[1]
    assert "alert from" not in read_view(predictions(Predictions([first, second])))[1]


def test_an_explanation_shows_the_image_and_the_overlay(detector, read_view):
    made = detector.explain(md.draw_lesion("melanoma", seed=1).pixels, diagnosis="melanoma", method="occlusion")
    elements, text = read_view(explanation(made))
    assert [attributes["alt"] for tag, attributes in elements if tag == "img"] == [
        "The explained image, array (180, 180, 3)",
        "The evidence for melanoma over the image in grey",
    ]
    assert "Evidence for melanoma" in text
    assert "not a medical device" in text


@pytest.mark.parametrize("share", [0.995, 0.99996, 0.0004])
def test_a_share_reads_the_same_in_card_sentence_and_figure(share, read_view):
    made = decide([1 - share, share, 0.0])
    _, text = read_view(prediction(made))
    texts = [each.get_text() for each in plots.prediction(made).axes[1].texts]
    percent = format_percent(share)
    assert percent in text
    assert percent in texts
    assert percent in repr(made)
    # Neither a certainty that it is not, nor a blank before the sign.
    for each in (text, repr(made), str(made), *texts):
        assert not re.search(r"100(\.0)?%|\d %", each)


def test_the_colours_of_plots_are_those_of_the_views():
    style = (resources.files("melanoma_detect.report") / "templates/notebook/style.css").read_text()
    for name, color in COLORS.items():
        assert f"--{name}: {color};" in style


def test_a_list_shows_the_score_that_decides(read_view):
    point = replace(POINT, target="malignant")
    made = decide([0.2, 0.3, 0.5], point, ("nevus", "melanoma", "basal cell carcinoma"))
    elements, text = read_view(predictions(Predictions([made])))
    assert lines(elements) == ["left:25.00%"]
    assert "malignant 80.0%" in text
    assert "The line in each bar: alert from 25.0%" in text


def test_one_class_more_is_one_other_class(read_view):
    classes = ("melanoma", *(f"class {number}" for number in range(12)))
    _, text = read_view(prediction(decide([0.4, *[0.05] * 12], classes=classes)))
    assert "1 other class " in text
