"""Figures show what they say: what is drawn is held against the values."""

import io

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

import melanoma_detect as md
from melanoma_detect.errors import DatasetError
from melanoma_detect.learning.evaluation import measure
from melanoma_detect.report import plots


@pytest.fixture(scope="module")
def evaluation(detector, data):
    return detector.evaluate(data)


def drawn(figure):
    """Render a figure; return it as an array."""
    file = io.BytesIO()
    figure.savefig(file)
    return np.asarray(Image.open(file).convert("RGB"))


def test_one_picture_of_each_class(data):
    figure = plots.classes(data)
    assert [axes.get_title() for axes in figure.axes] == list(data.classes)
    assert drawn(figure).std() > 20


def test_distribution_before_and_after(data):
    balanced = md.balance(data, to=25, progress=False)
    axes = plots.distribution(data, balanced).axes[0]
    after, before = ([bar.get_width() for bar in bars] for bars in axes.containers)
    assert before == list(data.distribution()["train"])
    assert after == [25] * 9
    assert drawn(axes.figure).std() > 5
    alone = plots.distribution(data).axes[0]
    assert [bar.get_width() for bar in alone.containers[0]] == before


def test_augmentation_preview(data):
    figure = plots.augmentation(data.train, md.Augmentation(), pictures=2, views=4)
    pictures = [axes.get_images()[0].get_array() for axes in figure.axes]
    assert len(pictures) == 10
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[1], pictures[2])
    with pytest.raises(DatasetError, match="empty"):
        plots.augmentation(data.with_records([]).train, md.Augmentation())


def test_training_curves(detector):
    figure = plots.training(detector.history, detector.card.best_epoch)
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].get_lines()}
    np.testing.assert_array_equal(lines["validation"], detector.history["val_loss"])
    assert f"kept: epoch {detector.card.best_epoch}" in lines


def test_confusion_matrix(evaluation):
    axes = plots.confusion(evaluation).axes[0]
    numbers = {(int(text.get_position()[1]), int(text.get_position()[0])): int(text.get_text()) for text in axes.texts}
    assert sum(numbers.values()) == len(evaluation)
    assert all(evaluation.confusion[at] == number for at, number in numbers.items())


def test_the_curve_is_scikit_learns_and_holds_the_operating_point(evaluation):
    axes = plots.roc(evaluation).axes[0]
    x, y = axes.get_lines()[1].get_data()
    false, true, _ = metrics.roc_curve(evaluation.is_melanoma, evaluation.melanoma_scores, drop_intermediate=False)
    np.testing.assert_allclose(x, false)
    np.testing.assert_allclose(y, true)
    operating_point = [float(values[0]) for values in axes.get_lines()[2].get_data()]
    assert any(np.allclose(operating_point, pair) for pair in zip(x, y, strict=True))


def test_without_melanomas_there_is_no_curve():
    found = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], ("melanoma", "nevus"))
    assert "no curve" in plots.roc(found).axes[0].texts[0].get_text()
