"""Plots: what is drawn is compared with the values."""

import io

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, DetectorError
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.subgroups import Subgroup
from melanoma_detect.report import plots


@pytest.fixture(scope="module")
def evaluation(detector, data):
    return detector.evaluate(data)


def render(figure):
    """Return a figure as an array of pixels."""
    file = io.BytesIO()
    figure.savefig(file)
    return np.asarray(Image.open(file).convert("RGB"))


def test_classes_shows_one_image_of_each(data):
    figure = plots.classes(data)
    assert [axes.get_title().replace("\n", " ") for axes in figure.axes] == list(data.classes)
    assert render(figure).std() > 20


def test_distribution_before_and_after_balancing(data):
    balanced = md.balance(data, to=25, progress=False)
    axes = plots.distribution(data, balanced).axes[0]
    after, before = ([bar.get_width() for bar in bars] for bars in axes.containers)
    assert before == list(data.distribution()["train"])
    assert after == [25] * 9
    assert render(axes.figure).std() > 5
    alone = plots.distribution(data).axes[0]
    assert [bar.get_width() for bar in alone.containers[0]] == before


def test_augmentation_shows_the_original_and_changes(data):
    figure = plots.augmentation(data.train, md.Augmentation(), images=2, views=4)
    images = [axes.get_images()[0].get_array() for axes in figure.axes]
    assert len(images) == 10
    assert not np.array_equal(images[0], images[1])
    assert not np.array_equal(images[1], images[2])
    with pytest.raises(DatasetError, match="empty"):
        plots.augmentation(data.with_records([]).train, md.Augmentation())


def test_training_curves(detector):
    figure = plots.training(detector.history, detector.predictor.config.best_epoch)
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].get_lines()}
    np.testing.assert_array_equal(lines["validation"], detector.history["val_loss"])
    assert f"best epoch: {detector.predictor.config.best_epoch}" in lines
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss (cross-entropy, nats)", "accuracy (share of images)"]


def test_confusion_matrix(evaluation):
    axes = plots.confusion(evaluation).axes[0]
    numbers = {(int(text.get_position()[1]), int(text.get_position()[0])): int(text.get_text()) for text in axes.texts}
    assert sum(numbers.values()) == len(evaluation)
    assert all(evaluation.confusion[cell] == number for cell, number in numbers.items())


def test_the_calibration_curve_is_the_bins(evaluation):
    above, below = plots.calibration(evaluation).axes
    points = [line.get_data() for line in above.get_lines()[1:] if len(line.get_data()[0])]
    bins = evaluation.calibration_curve()
    drawn = {(float(x), float(y)) for xs, ys in points for x, y in zip(xs, ys, strict=True)}
    assert drawn >= {(tenth.predicted, tenth.observed.value) for tenth in bins}
    tallest = max(patch.get_y() + patch.get_height() for patch in below.patches)
    assert tallest == max(tenth.images for tenth in bins)


def test_predictive_values_rise_with_prevalence(evaluation):
    above, below = plots.predictive_values(evaluation).axes
    for axes in (above, below):
        values = axes.get_lines()[0].get_ydata()
        assert (np.diff(values) >= 0).all()
    shares, values = above.get_lines()[0].get_data()
    assert values[-1] == pytest.approx(evaluation.at_prevalence(float(shares[-1])).ppv.value)


def test_undefined_metrics_are_a_note():
    evaluation = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], ("wart", "nevus"))
    assert "no calibration curve" in plots.calibration(evaluation).axes[0].texts[0].get_text()
    assert "not defined" in plots.predictive_values(evaluation).axes[0].texts[0].get_text()


def test_subgroups_are_rows_and_too_few_lesions_a_note(evaluation):
    few, many = Figure(0.9, 0.5, 1.0, 19), Figure(0.8, 0.7, 0.9, 20)
    parts = tuple(
        Subgroup("sex", name, 40, 30, 20, {"sensitivity": value}) for name, value in (("f", few), ("m", many))
    )
    axes = plots.subgroups(parts, evaluation, "sensitivity").axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()][1:] == ["sex: f (19)", "sex: m (20)"]
    assert [text.get_text() for text in axes.texts] == ["too few lesions"]
    assert axes.texts[0].get_position()[1] == 1
    with pytest.raises(DetectorError, match="expected one of 'balanced_accuracy'"):
        plots.subgroups(parts, evaluation, "accuracy")


def test_old_keywords_still_work_with_a_warning(data, evaluation):
    with pytest.warns(DeprecationWarning, match=r"augmentation\(images=…\)"):
        figure = plots.augmentation(data.train, md.Augmentation(), pictures=1, views=2)
    assert len(figure.axes) == 3
    with pytest.warns(DeprecationWarning, match=r"augmentation\(split=…\)"):
        plots.augmentation(part=data.train, augmentation=md.Augmentation(), images=1, views=2)
    with pytest.warns(DeprecationWarning, match=r"subgroups\(parts=…\)"):
        assert plots.subgroups(found=evaluation.subgroups(), evaluation=evaluation).axes


@pytest.mark.parametrize("wrong", [0, -1, 2.0, "3", None, True, 10**6], ids=repr)
@pytest.mark.parametrize("name", ["images", "views"])
def test_numbers_of_images_and_views_are_checked(data, name, wrong):
    with pytest.raises(DatasetError, match=f"{name}=.*expected a whole number, from 1 to 50"):
        plots.augmentation(data.train, md.Augmentation(), **{name: wrong})


def test_the_seed_of_the_augmentation_is_checked(data):
    with pytest.raises(DatasetError, match="seed=-1"):
        plots.augmentation(data.train, md.Augmentation(), seed=-1)
