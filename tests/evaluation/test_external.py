"""External validation: several sets, their problems and their names."""

import json
from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, DataWarning, DetectorError
from melanoma_detect.evaluation.external import ExternalValidation, evaluate_sets
from melanoma_detect.utils.user_warning import warn_user


@pytest.fixture(scope="module")
def benign(tmp_path_factory):
    root, classes = tmp_path_factory.mktemp("benign"), ("nevus", "seborrheic keratosis", "vascular lesion")
    drawn = md.write_samples(root / "drawn", train=2, test=4, size=32, seed=7, classes=classes)
    data = md.load_dataset((drawn / "Test").rename(root / "clinic"), validation=0, test=1, image_size=(32, 32))
    return data.test


@pytest.fixture(scope="module")
def validation(detector, data, benign):
    return detector.evaluate({"ours": data, "benign": benign}, shortcuts=True)


def test_each_set_is_evaluated_as_alone(validation, detector, data):
    alone = detector.evaluate(data)
    assert list(validation.evaluations) == ["ours", "benign"]
    assert validation.evaluations["ours"].to_dict()["figures"] == alone.to_dict()["figures"]
    assert isinstance(validation, md.ExternalValidation)


def test_worst_and_mean(validation):
    own = validation.evaluations
    assert "melanoma_auc" not in validation.worst  # only one of the two sets shows melanomas
    assert validation.mean["melanoma_auc"] == own["ours"].figures["melanoma_auc"].value
    rates = {name: evaluation.figures["false_positive_rate"].value for name, evaluation in own.items()}
    tie = len({f"{rate:.3f}" for rate in rates.values()}) == 1
    assert validation.worst.get("false_positive_rate") == (None if tie else max(rates, key=rates.__getitem__))
    assert validation.mean["false_positive_rate"] == pytest.approx(np.mean(list(rates.values())))


def test_shortcuts_are_tested_on_every_set(validation):
    assert validation.mean["background_auc"] == validation.evaluations["ours"].shortcuts.background.value
    assert np.isnan(validation.evaluations["benign"].shortcuts.background.value)
    assert "lesion covered" in str(validation)


def test_the_frame_has_a_row_per_set(validation):
    frame = validation.to_frame()
    ours = validation.evaluations["ours"]
    assert frame.index.tolist() == ["ours", "benign"]
    assert frame.loc["ours", "melanomas"] == ours.is_melanoma.sum()
    assert frame.loc["ours", "cleared"] == ours.cleared_melanomas
    low, high = frame.loc["ours", ["specificity_low", "specificity_high"]]
    assert (low, high) == ours.figures["specificity"][1:3]
    assert frame.loc["benign", "melanomas"] == 0
    assert np.isnan(frame.loc["benign", "melanoma_auc"])
    assert frame["problem"].tolist() == ["", ""]


def test_it_can_be_written_as_json(validation):
    values = json.loads(json.dumps(validation.to_dict(), allow_nan=False))
    assert values["sets"]["benign"]["figures"]["sensitivity"]["value"] is None
    assert values["worst"] == validation.worst
    assert values["sets"]["ours"]["roc"][0]["images"] == len(validation.evaluations["ours"])


def test_printing_shows_every_set_and_fits_a_line(validation):
    text = str(validation)
    assert max(map(len, text.splitlines())) <= 100
    assert text.startswith(validation.evaluations["ours"].detector)
    assert "No melanomas in benign" in text
    assert "set for 60% sensitivity" in " ".join(text.split())
    assert "worst set" in text
    assert "| mean of the sets |" in validation.to_markdown()
    assert repr(validation) == "<ExternalValidation on 2 sets: ours, benign>"


def test_a_list_is_named_by_its_sources(detector, data, benign):
    validation = detector.evaluate([data, benign])
    assert list(validation.evaluations) == ["isic9", "clinic"]
    again = detector.evaluate((data.test, data.test))
    assert list(again.evaluations) == ["isic9 1", "isic9 2"]


def test_no_set_is_lost_to_another_of_its_name(detector, data):
    def named(source):
        test = data.test
        return replace(test, records=tuple(replace(record, source=source) for record in test))

    validation = detector.evaluate([named("a"), named("a"), named("a 2")])
    assert list(validation.evaluations) == ["a 1", "a 3", "a 2"]
    with pytest.raises(DetectorError, match="two sets are named '1'; expected a name of its own for each"):
        detector.evaluate({1: data, "1": data})


def test_a_set_that_was_trained_on_is_a_row_with_the_reason(detector, data):
    with pytest.warns(DataWarning, match=r"^train: \d+ of \d+ images of the train split are set aside"):
        validation = detector.evaluate({"train": data.train, "test": data.test})
    assert list(validation.evaluations) == ["test"]
    assert "all of them seen in training" in validation.problems["train"]
    assert "Not evaluated: train: no image" in str(validation)
    assert "all of them seen" in validation.to_frame().loc["train", "problem"]
    assert np.isnan(validation.to_frame().loc["train", "specificity"])
    assert len(detector.evaluate({"train": data.train}, seen="keep").evaluations["train"]) == len(data.train)


def test_what_is_no_set_is_an_error_before_any_work(detector, data):
    with pytest.raises(DetectorError, match="the set theirs is a str; expected a Dataset"):
        detector.evaluate({"ours": data, "theirs": "folder"})
    with pytest.raises(DetectorError, match="the data is a str"):
        detector.evaluate("folder")
    with pytest.raises(DetectorError, match="no set could be evaluated; expected one or more"):
        detector.evaluate({})
    with pytest.raises(DetectorError, match="seen='drop'"):
        detector.evaluate({"ours": data}, seen="drop")


def test_warnings_while_a_set_is_loaded_name_it(detector, data):
    def careless():
        warn_user("2 files are no images", DataWarning)
        return data

    with pytest.warns(DataWarning, match="^theirs: 2 files are no images"):
        evaluate_sets(detector.predictor, {"theirs": careless})


def test_sets_are_loaded_when_their_turn_comes(detector, data):
    def broken():
        raise DatasetError("theirs: no images")

    validation = evaluate_sets(detector.predictor, {"ours": lambda: data, "theirs": broken})
    assert validation.problems == {"theirs": "theirs: no images"}
    with pytest.raises(DetectorError, match="no set could be evaluated; theirs: theirs: no images"):
        evaluate_sets(detector.predictor, {"theirs": broken})


def test_without_an_operating_point_nothing_is_decided(validation):
    ours = replace(validation.evaluations["ours"], operating_point=None)
    without = ExternalValidation({"ours": ours})
    assert "set for" not in str(without)
    assert without.to_frame().loc["ours", "cleared"] == 0


def test_only_sets_with_both_sides_have_alerts(validation):
    assert validation.has_alerts("ours")
    assert not validation.has_alerts("benign")
