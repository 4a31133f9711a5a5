"""The metrics of an evaluation, compared with scikit-learn's, and the choice of images."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

import melanoma_detect as md
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.source_sensitivity import SourceSensitivity

CLASSES = ("melanoma", "nevus", "dermatofibroma", "scar")
POINT = OperatingPoint(0.95, 0.3, 0.95, 0.5, 20, 80)


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(3)
    labels = rng.choice(3, size=300, p=[0.2, 0.6, 0.2])  # no scar occurs
    logits = rng.normal(size=(300, 4)) + 1.5 * np.eye(4)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities, labels, [str(number // 2) for number in range(300)]


@pytest.fixture(scope="module")
def evaluation(answers):
    return measure(*answers, CLASSES, POINT)


def test_metrics_are_those_of_scikit_learn(answers, evaluation):
    probabilities, labels, _ = answers
    predicted = probabilities.argmax(axis=1)
    values = {name: figure.value for name, figure in evaluation.figures.items()}
    assert values["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    recalls = metrics.recall_score(labels, predicted, labels=[0, 1, 2], average=None)
    assert values["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert values["melanoma_auc"] == pytest.approx(metrics.roc_auc_score(labels == 0, probabilities[:, 0]))
    alert = probabilities[:, 0] >= 0.3
    assert values["sensitivity"] == pytest.approx(metrics.recall_score(labels == 0, alert))
    assert values["specificity"] == pytest.approx(metrics.recall_score(labels != 0, ~alert))
    assert [evaluation.recall[label].value for label in CLASSES[:3]] == pytest.approx(list(recalls))
    precisions = metrics.precision_score(labels, predicted, labels=[0, 1, 2], average=None)
    assert [evaluation.precision[label].value for label in CLASSES[:3]] == pytest.approx(list(precisions))
    np.testing.assert_array_equal(
        evaluation.confusion, metrics.confusion_matrix(labels, predicted, labels=[0, 1, 2, 3])
    )


def test_every_interval_holds_its_value(evaluation):
    for figure in (*evaluation.figures.values(), *list(evaluation.recall.values())[:3]):
        assert 0 <= figure.low < figure.value <= figure.high <= 1
    assert evaluation.lesions == 150


def test_a_class_that_does_not_occur_has_no_recall(evaluation):
    assert np.isnan(evaluation.recall["scar"].value)
    assert evaluation.to_dict()["recall"]["scar"]["value"] is None
    assert evaluation.precision["scar"].value == 0


def test_without_melanomas_or_a_threshold_metrics_are_not_defined(answers):
    probabilities, labels, groups = answers
    benign = labels != 0
    evaluated = measure(probabilities[benign], labels[benign], np.array(groups)[benign].tolist(), CLASSES, POINT)
    assert np.isnan(evaluated.figures["melanoma_auc"].value)
    assert np.isnan(evaluated.figures["sensitivity"].value)
    assert evaluated.figures["specificity"].value > 0
    assert np.isnan(measure(probabilities, labels, groups, CLASSES).figures["sensitivity"].value)


def test_evaluation_prints_as_a_table(evaluation):
    text = str(evaluation)
    assert "balanced accuracy" in text
    assert "set for 95% sensitivity" in text
    assert list(evaluation.frame.index) == list(CLASSES)
    assert evaluation.frame.loc["melanoma", "images"] == evaluation.confusion[0].sum()


def test_evaluation_can_be_written_as_json(evaluation):
    values = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert values["figures"]["accuracy"]["low"] < values["figures"]["accuracy"]["value"]


def test_the_sources_of_an_operating_point_are_written_with_names(answers):
    point = replace(POINT, sources=(SourceSensitivity("clinic", 0.9, 20, (0.7, 0.97), decides=True),))
    values = json.loads(json.dumps(measure(*answers, CLASSES, point).to_dict(), allow_nan=False))
    written = values["operating_point"]["sources"]
    expected = {"source": "clinic", "sensitivity": 0.9, "lesions": 20, "interval": [0.7, 0.97], "decides": True}
    assert written == [expected]


def test_a_dataset_is_evaluated_on_its_test_split(detector, data):
    evaluated = detector.evaluate(data)
    assert (evaluated.split, len(evaluated)) == ("test", len(data.test))
    assert evaluated.figures["accuracy"].value > 0.3
    probabilities = detector.predictor.probabilities(data.test.pixels(detector.image_size))
    np.testing.assert_allclose(evaluated.probabilities, probabilities, atol=1e-5)


def test_images_that_were_trained_on_are_set_aside(detector, data):
    with pytest.raises(DetectorError, match="all of them seen"), pytest.warns(DataWarning):
        detector.evaluate(data.train)
    with pytest.raises(DetectorError, match="all of them seen"), pytest.warns(DataWarning):
        detector.evaluate(data.validation)


def test_images_that_were_seen_and_kept_leave_their_trace(detector, data):
    kept, unseen = detector.evaluate(data.validation, seen="keep"), detector.evaluate(data)
    count = len(data.validation)
    assert (len(kept), kept.seen_in_training, unseen.seen_in_training) == (count, count, 0)
    sentence = f"The detector has seen {count} of {count} images, or their lesions, in training"
    assert str(kept).splitlines()[1].startswith(sentence)
    assert str(kept).count(sentence) == 1
    assert f"{count} of them seen in training" in repr(kept)
    assert kept.to_dict()["seen_in_training"] == count
    assert kept.to_dict()["notes"][0].startswith(sentence)
    assert any("first detector has seen" in note for note in kept.compare(kept).notes)
    assert not any("seen" in note for note in (*unseen.notes, *unseen.compare(unseen).notes))


def test_melanomas_that_are_all_set_aside_are_missed_aloud(detector, data, tree):
    """Where melanomas are set aside and others stay, the dash of sensitivity has its reason beside it."""
    seen = [record for record in data.train if record.label == "melanoma"]
    split = replace(data.test, records=(*seen, *(record for record in data.test if record.label != "melanoma")))
    with pytest.warns(DataWarning, match=rf"all {len(seen)} images of melanomas are among them"):
        found = detector.evaluate(split)
    assert found.notes[0].startswith(f"All {len(seen)} images of melanomas are set aside")
    (line,) = [line for line in str(found).splitlines() if line.startswith("sensitivity for melanoma")]
    assert line.endswith("–  (no melanomas here)")


def test_the_heading_names_the_data_set_and_what_the_intervals_count(detector, data):
    metadata = [{"patient_id": f"P{record.group}", "lesion_id": record.id} for record in data.test]
    records = tuple(replace(one, metadata=cells) for one, cells in zip(data.test, metadata, strict=True))
    found = detector.evaluate(replace(data.test, records=records))
    patients = len(set(data.test.groups))
    assert (found.dataset, found.units.unit, found.units.lesions) == ("isic9", "patient", len(records))
    assert str(found).startswith(
        f"{len(records)} test images of {len(records)} lesions in {patients} patients (isic9); 95 % intervals by patient\n"
    )
    assert {name: found.to_dict()[name] for name in ("dataset", "unit")} == {"dataset": "isic9", "unit": "patient"}


def test_swapped_labels_are_a_note(answers):
    probabilities, labels, groups = answers
    swapped = np.array([1, 0, 2])[labels]
    found = measure(probabilities, swapped, groups, CLASSES, POINT)
    assert found.notes[0].startswith("The labels melanoma and nevus seem to be swapped: of these images the detector")
    assert found.notes[0] in str(found)
    assert not any("swapped" in note for note in measure(*answers, CLASSES, POINT).notes)


def test_images_that_were_trained_on_are_recognised_in_another_split(detector, lesions, data):
    other = md.load_dataset(lesions / "Train", image_size=(32, 32), seed=99)
    with pytest.raises(DetectorError, match="all of them seen"), pytest.warns(DataWarning, match="too good"):
        detector.evaluate(other.test)


def test_classes_of_which_the_detector_knows_none_are_an_error(detector, tree):
    with pytest.warns(DataWarning, match="the taxonomy does not know: banana"):
        unknown = md.load_dataset(tree({"banana": 5, "spoon": 5}), validation=0, test=1)
    with pytest.raises(DetectorError, match="does not know the classes banana, spoon; it knows actinic"):
        detector.evaluate(unknown)


def test_labels_outside_the_classes_count_as_the_rest(detector, tree):
    folder = tree({"melanoma": 3, "nevus": 3, "lentigo": 3, "banana": 3, "malignant": 3})
    with pytest.warns(DataWarning, match="the taxonomy does not know: banana"):
        data = md.load_dataset(folder, validation=0, test=1)
    found = detector.evaluate(data)
    names, scores = found.per_image.names, found.melanoma_scores
    assert len(found) == 15
    assert found.classes == detector.classes
    assert {label: set(names[found.labels == label]) for label in set(found.labels.tolist())} == {
        -1: {"banana", "lentigo", "malignant"},
        detector.classes.index("melanoma"): {"melanoma"},
        detector.classes.index("nevus"): {"nevus"},
    }
    rest = ~np.isin(names, ["malignant", "banana"])  # a melanoma or another cancer, and nobody knows
    auc = metrics.roc_auc_score(names[rest] == "melanoma", scores[rest])
    assert found.figures["melanoma_auc"].value == pytest.approx(auc)
    assert found.figures["melanoma_auc"].lesions == 3
    known = names != "banana"
    auc = metrics.roc_auc_score(
        np.isin(names[known], ["melanoma", "malignant"]), found.per_image.scores("malignant")[known]
    )
    assert found.figures["malignant_auc"].value == pytest.approx(auc)
    shared = np.isin(names, ["melanoma", "nevus"])
    diagnoses = np.array(found.classes)[found.per_image.predicted]
    assert found.figures["accuracy"].value == pytest.approx((diagnoses == names)[shared].mean())
    assert found.confusion.sum() == 6
    notes = " ".join(found.notes)
    assert "9 of 15 images have labels that are no class of the detector" in notes
    assert "3 of 15 images take no part in melanoma against the rest (labels that cover melanoma and other" in notes
    assert "3 of 15 images take no part in melanoma against the rest (labels that the taxonomy does not know" in notes
    alert, negative = found.decisions == "alert", np.isin(names, ["nevus", "lentigo"])
    assert found.figures["false_positive_rate"].value == pytest.approx(alert[negative].mean())
    assert found.predictions["is_melanoma"].isna().sum() == 6
    assert "6 malignant and 6 benign images; 3 are neither by their label (banana 3)" in notes
    assert found.to_dict()["notes"] == list(found.notes)
    assert found.notes[0] in str(found)
    assert list(found.predictions["truth"]) == names.tolist()


def test_benign_and_malignant_are_enough_for_malignancy(detector, tree):
    found = detector.evaluate(md.load_dataset(tree({"benign": 4, "malignant": 4}), validation=0, test=1))
    assert 0 <= found.figures["malignant_auc"].value <= 1
    assert np.isnan(found.figures["melanoma_auc"].value)
    assert "These images show no melanoma: sensitivity cannot be measured on them." in found.notes


def test_evaluation_abstains_where_prediction_does(detector, tmp_path):
    for label in ("melanoma", "nevus"):
        (tmp_path / "small" / label).mkdir(parents=True)
        for seed in range(4):
            drawn = Image.fromarray(md.draw_lesion(label, seed=seed, size=96).pixels)
            for side in (8, 24, 96):
                drawn.resize((side, side)).save(tmp_path / "small" / label / f"{seed}_{side}.png")
    test = md.load_dataset(tmp_path / "small", validation=0, test=1).test
    found, predictions = detector.evaluate(test), detector.predict(test)
    assert [prediction.reason for prediction in predictions if prediction.source.endswith("_8.png")] == [
        "too small"
    ] * 8
    assert found.abstained.tolist() == [prediction.abstained for prediction in predictions]
    assert found.decisions.tolist() == [prediction.decision for prediction in predictions]
    assert found.figures["referral_rate"].value == np.mean([one.decision == "refer" for one in predictions])


def test_a_perfect_detector_of_malignancy_has_no_errors():
    classes = ("basal cell carcinoma", "melanoma", "nevus", "dermatofibroma")
    labels = np.repeat(np.arange(4), 25)
    point = OperatingPoint(0.95, 0.5, 0.95, 0.9, 20, 80, target="malignant")
    found = measure(np.eye(4)[labels], labels, [str(number) for number in range(100)], classes, point)
    figures = {name: figure.value for name, figure in found.figures.items()}
    assert (figures["sensitivity"], figures["specificity"], figures["clearance_rate"]) == (1, 1, 1)
    assert (figures["false_negative_rate"], figures["false_positive_rate"]) == (0, 0)
    assert (figures["specificity_at_95"], figures["benign_below_threshold"], figures["brier"]) == (1, 1, 0)
    assert figures["malignant_auc"] == figures["melanoma_auc"] == 1
    assert found.figures["sensitivity"].lesions == found.figures["specificity"].lesions == 50
    (measured,) = found.measured_points()
    assert (measured.sensitivity.value, measured.specificity.value) == (1, 1)
    assert found.at_prevalence(0.1).ppv.value == 1
    assert "of alerts are malignant lesions" in str(found.at_prevalence(0.1))
    assert "sensitivity for malignant lesions" in str(found)
    assert [tenth.observed.value for tenth in found.calibration_curve()] == [0, 1]


def test_a_perfect_detector_refers_carcinomas_and_still_has_full_specificity():
    classes = ("basal cell carcinoma", "melanoma", "nevus")
    labels = np.repeat(np.arange(3), 20)
    found = measure(np.eye(3)[labels], labels, [str(number) for number in range(60)], classes, POINT)
    assert found.figures["specificity"].value == found.figures["sensitivity"].value == 1
    assert found.decisions.tolist() == ["refer"] * 20 + ["alert"] * 20 + ["clear"] * 20
    assert found.figures["referral_rate"].value == pytest.approx(1 / 3)
    assert found.figures["clearance_rate"].value == 0.5
    assert found.figures["coverage"].value == 1
    assert (found.cleared_melanomas, found.cleared_malignant) == (0, 0)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("target", ["melanoma", "malignant"])
def test_one_side_alone_gives_no_figure_and_a_note(label, target):
    point = replace(POINT, target=target)
    found = measure(np.array([[0.6, 0.4]] * 3), np.full(3, label), list("abc"), ("melanoma", "nevus"), point)
    missing = "specificity" if label == 0 else "sensitivity"
    assert np.isnan(found.figures[missing].value)
    assert any(f"{missing} cannot be measured" in note for note in found.notes)
    assert found.to_dict()["figures"][missing]["value"] is None
    assert found.measured_points() == ()
    with pytest.raises(DetectorError, match="predictive values need"):
        found.at_prevalence(0.1)


def test_data_may_have_fewer_classes(detector, tree):
    few = md.load_dataset(tree({"melanoma": 5, "nevus": 5}))
    assert detector.evaluate(few).classes == detector.classes


def test_predictions_are_a_table_of_single_images(detector, data):
    evaluation = detector.evaluate(data)
    predictions = evaluation.predictions
    assert list(predictions.index) == [record.id for record in data.test]
    assert (predictions["truth"] == predictions["diagnosis"]).mean() == evaluation.figures["accuracy"].value
    assert predictions.filter(like="p ").sum(axis=1).to_numpy() == pytest.approx(1)
    assert repr(evaluation).startswith("<Evaluation of 36 test images of isic9: accuracy 0.")


def test_specificity_can_be_reproduced_from_the_predictions(detector, data):
    evaluation = detector.evaluate(data)
    table = evaluation.predictions
    others = table[table["is_melanoma"] == False]  # noqa: E712 - a column that may hold missing values
    right = ~others["abstained"] & (others["melanoma"] < others["threshold"])
    assert right.mean() == pytest.approx(evaluation.figures["specificity"].value)
    assert list(table["group"]) == list(evaluation.groups)
    assert set(table["malignancy"]) == {"malignant", "indeterminate", "benign"}
    assert set(table["image_type"]) == {""}


def test_old_names_of_attributes_warn(evaluation):
    with pytest.warns(DeprecationWarning, match="use Evaluation.predictions"):
        assert evaluation.answers.equals(evaluation.predictions)
    with pytest.warns(DeprecationWarning, match=r"use Evaluation.per_image.has_melanoma_class"):
        assert evaluation.knows_melanoma
    with pytest.warns(DeprecationWarning, match=r"use md.report.write_html\(evaluation, path\)"):
        assert evaluation.html("report.html").is_file()


def test_single_images_are_attributes_too(evaluation, answers):
    probabilities, labels, groups = answers
    assert evaluation.probabilities is probabilities
    assert evaluation.labels is labels
    assert evaluation.groups == tuple(groups)
    assert evaluation.classes == CLASSES
    assert not evaluation.abstained.any()
    assert evaluation.records == evaluation.ids == ()


def test_data_must_be_a_dataset_or_split(detector):
    with pytest.raises(DetectorError, match="the data is a str; expected a Dataset"):
        detector.evaluate("isic9")


def test_seen_must_be_one_of_its_values(detector, data):
    with pytest.raises(DetectorError, match="expected 'set aside' or 'keep'"):
        detector.evaluate(data, seen="drop")


def test_abstentions_are_neither_true_positives_nor_false_negatives(answers):
    probabilities, labels, groups = answers
    abstained = np.zeros(len(labels), bool)
    abstained[np.flatnonzero(labels == 0)[:2]] = True
    evaluation = measure(probabilities, labels, groups, CLASSES, POINT, abstained=abstained)
    without = measure(probabilities, labels, groups, CLASSES, POINT)
    melanomas = (labels == 0).sum()
    assert evaluation.abstained_melanomas == 2
    assert evaluation.figures["coverage"].value == pytest.approx(1 - 2 / len(labels))
    decided = evaluation.figures["sensitivity"].value + evaluation.figures["false_negative_rate"].value
    assert decided == pytest.approx(1 - 2 / melanomas)
    decided = without.figures["sensitivity"].value + without.figures["false_negative_rate"].value
    assert decided == pytest.approx(1)
    assert evaluation.figures["accuracy"] == without.figures["accuracy"]
    assert "abstains from 2 images, 2 of them melanomas: a person must look" in str(evaluation)


def test_an_image_without_numbers_is_named(marked_detector, marked_image, data, tmp_path):
    path = tmp_path / "marked.png"
    Image.fromarray(marked_image).save(path)
    marked = replace(data.test.records[0], id="marked.png", path=path, group="marked", digest="0" * 64)
    split = replace(data.test, records=(*data.test.records, marked))
    assert len(marked_detector.evaluate(data.test)) == len(data.test)
    with pytest.raises(
        DetectorError, match=r"1 of \d+ images \(.*marked.png\): 9 of 9 numbers are nan .* without them"
    ):
        marked_detector.evaluate(split)
