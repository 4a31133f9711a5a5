"""The page's decisions where numbers are none: Python's, word by word, and never "clear"."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.decision_rules import DecisionRules
from melanoma_detect.inference.decisions import NO_NUMBERS
from melanoma_detect.inference.local_calibration import LocalCalibration, LogOddsLine
from melanoma_detect.inference.operating_points import ValidationScores
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import ModelOutputs
from melanoma_detect.page import html

NAN, INF = float("nan"), float("inf")
DECIDE = """
    const { DecisionRules } = await import("decisions");
    const rules = new DecisionRules(argument.parameters);
    const found = argument.analyses.map(({ logits, ...analysis }) =>
        rules.decide({ ...analysis, logits: Float32Array.from(logits) }, rules.complete()));
    return JSON.parse(JSON.stringify(found));
"""
STRANGE = (NAN, INF, -INF, 0.0, -1.0, 1e-40, 1e30, 3e38)


def changed(predictor, **fields):
    """Return a predictor with other numbers in its calibrations."""
    calibrations = {views: replace(own, **fields) for views, own in predictor.config.calibrations.items()}
    clinical = {views: replace(own, **fields) for views, own in predictor.config.clinical.items()}
    config = replace(predictor.config, calibrations=calibrations, clinical=clinical)
    return Predictor(config, predictor.runtime, predictor.files, predictor.settings)


def same_scores(value):
    """Return the scores of a validation, all of them one number: that is the threshold."""
    return {"melanoma": ValidationScores((value,) * 60, (value,) * 60, 60, 60, 60, 60, "melanoma")}


def ask(engine, parameters, predictor, outputs):
    """Return the page's predictions and Python's, for the same outputs of the model."""
    logits, distance, features = outputs
    classifier = predictor.files.image_types
    with np.errstate(all="ignore"):
        types = classifier.types(features).tolist() if classifier else [""] * len(logits)
        shares = classifier.probability(features).tolist() if classifier else [None] * len(logits)
    analyses = [
        {
            "source": f"image {row}",
            "logits": logits[row].tolist(),
            "distance": float(distance[row]),
            "rejection": "",
            "imageType": types[row],
            "imageTypeProbability": shares[row],
        }
        for row in range(len(logits))
    ]
    found = engine.call(DECIDE, {"parameters": parameters, "analyses": analyses})
    rules = DecisionRules.of(predictor.config, predictor.settings, classifier)
    batch = rules.predict(ModelOutputs(logits, features), predictor.classes, distance)
    return found, batch.predictions(predictor.classes, [own["source"] for own in analyses])


def nested_approx(value):
    """Return a value that equals another with floats that differ by rounding."""
    if isinstance(value, dict):
        return {name: nested_approx(own) for name, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [nested_approx(own) for own in value]
    return pytest.approx(value, rel=1e-9, abs=1e-12) if isinstance(value, float) else value


def strange_outputs(predictor, seed, count=60):
    """Return logits, distances and features, of which about half hold a number that is none."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=3, size=(count, len(predictor.classes))).astype(np.float32)
    logits[:, list(predictor.classes).index("nevus")] += 6  # else hardly any would be cleared
    for row in range(0, count, 3):
        logits[row, rng.integers(logits.shape[1])] = rng.choice(STRANGE)
    distance = rng.choice([0.9, 1.0, NAN, INF, -INF, 50.0], count, p=[0.4, 0.4, *[0.05] * 4])
    width = 1280 if predictor.files.image_types else 1
    features = rng.normal(size=(count, width)).astype(np.float32)
    features[5::13, 0] = rng.choice([NAN, INF])
    return logits, distance, features


def assert_same_and_never_cleared_by_accident(found, expected, logits, distance):
    cleared = 0
    for row, (prediction, wanted) in enumerate(zip(found, expected, strict=True)):
        assert prediction.pop("text") == str(wanted)
        own, point = wanted.to_dict(), prediction["operating_point"]
        if point and point["threshold"] is None:  # and nothing else is known of it
            assert own.pop("operating_point")["threshold"] is None
            prediction.pop("operating_point")
        assert json.loads(json.dumps(prediction, allow_nan=False)) == nested_approx(own)
        if not (np.isfinite(logits[row]).all() and np.isfinite(distance[row])):
            assert prediction["decision"] == "refer"
        cleared += prediction["decision"] == "clear"
    return cleared


@pytest.mark.parametrize("case", ["shipped", "localized"])
def test_outputs_that_are_no_numbers_are_referred_in_python_s_words(engine, parameters_of, case):
    predictor = md.Detector.load().predictor
    if case == "localized":
        predictor = changed(predictor, local=LocalCalibration(LogOddsLine(0.9, -0.4), LogOddsLine(1.1, 0.3), 1.2))
    logits, distance, features = strange_outputs(predictor, seed=6, count=300)
    found, expected = ask(engine, parameters_of(predictor), predictor, (logits, distance, features))
    cleared = assert_same_and_never_cleared_by_accident(found, expected, logits, distance)
    assert cleared > 20  # else the test would not show that the others are referred for their numbers
    assert NO_NUMBERS in {prediction["reason"] for prediction in found}


@pytest.mark.parametrize("number", [NAN, INF, -INF, 0.0, -2.0])
@pytest.mark.parametrize("field", ["temperature", "bias", "ood_threshold", "conformal_thresholds", "operating_scores"])
def test_a_calibration_that_makes_no_sense_clears_nothing_that_python_refers(engine, parameters_of, field, number):
    predictor = md.Detector.load().predictor
    bias = (0.0,) * (len(predictor.classes) - 1) + (number,)
    value = {"bias": bias, "conformal_thresholds": {0.9: number}, "operating_scores": same_scores(number)}
    predictor = changed(predictor, **{field: value.get(field, number)})
    logits, distance, features = strange_outputs(predictor, seed=7)
    found, expected = ask(engine, parameters_of(predictor), predictor, (logits, distance, features))
    cleared = assert_same_and_never_cleared_by_accident(found, expected, logits, distance)
    sound = field == "conformal_thresholds" or (field == "bias" and number in (0.0, -2.0))
    assert (cleared > 0) == (sound or (field == "ood_threshold" and number == INF))


def test_a_page_without_the_word_on_melanoma_or_with_null_for_a_threshold_clears_nothing(engine, parameters_of):
    predictor = md.Detector.load().predictor
    outputs = strange_outputs(predictor, seed=8)
    parameters = parameters_of(predictor)
    assert "clear" in {own["decision"] for own in ask(engine, parameters, predictor, outputs)[0]}
    damaged = [parameters | {"covers_melanoma": None}, {k: v for k, v in parameters.items() if k != "covers_melanoma"}]
    without_scores = json.loads(json.dumps(parameters))
    for kind in ("calibration", "clinical"):
        for scores in without_scores[kind]["operating_scores"].values():
            scores |= {"positive": [None] * len(scores["positive"]), "by_source": {}}
    damaged.append(without_scores)
    damaged += [parameters | {kind: parameters[kind] | {"temperature": None} for kind in ("calibration", "clinical")}]
    for own in damaged:
        decisions = {prediction["decision"] for prediction in ask(engine, own, predictor, outputs)[0]}
        assert "clear" not in decisions, decisions


def test_numbers_that_are_none_have_no_text_that_looks_like_one(engine):
    code = """
        const { formatPercent, formatShort } = await import("text");
        const { isProbability, isSound } = await import("probabilities");
        return [
          argument.map((value) => formatPercent(value)),
          argument.map((value) => formatShort(value)),
          [NaN, Infinity, -1, 1.1, null, undefined, "0.5", 0, 1].map(isProbability),
          [[0.3, 0.7], [0.3, 0.3], [NaN, 1], [-1, 2], [1], [], [null, 1]].map((row) => isSound(row, 2)),
        ];
    """
    numbers = [NAN, INF, -INF, 0.5, 1e308, -1e308, 1e-7, 123456.7, 1234567.0, 0.0001, 0.00001, -2.5]
    percents, shorts, probable, sound = engine.call(code, numbers)
    assert percents[:3] == ["no number"] * 3
    assert shorts == [f"{number:g}" for number in numbers]
    assert probable == [False] * 7 + [True] * 2
    assert sound == [True] + [False] * 6


def test_table_and_bars_show_what_is_no_number_as_none(engine, parameters_of):
    predictor = md.Detector.load().predictor
    logits = np.full((1, len(predictor.classes)), NAN, np.float32)
    features = np.ones((1, 1280), np.float32)
    (prediction,), _ = ask(engine, parameters_of(predictor), predictor, (logits, np.ones(1), features))
    code = """
        const { writeCsv } = await import("ui_csv");
        const item = { state: "done", name: "a.png", prediction: argument.prediction, error: "" };
        const { drawBars } = await import("ui_bars");
        return [writeCsv([item], argument.parameters), drawBars(argument.prediction, argument.parameters).textContent];
    """
    text, bars = engine.call(code, {"prediction": prediction, "parameters": parameters_of(predictor)})
    (row,) = csv.DictReader(io.StringIO(text))
    assert {row["p_MEL"], row["p_NV"], row["melanoma"], row["malignant"], row["diagnosis"]} == {""}
    assert (row["decision"], row["alert"], row["abstained"], row["reason"]) == ("refer", "false", "true", NO_NUMBERS)
    assert bars.count("no number") == len(predictor.classes) + 1


def test_a_detector_with_numbers_that_are_none_has_no_page(detector):
    with pytest.raises(DetectorError, match="is nan or infinite, which a page cannot hold"):
        html(changed(detector.predictor, ood_threshold=NAN))
