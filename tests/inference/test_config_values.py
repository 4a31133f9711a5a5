"""Values of detector.json that make no sense are refused when the file is loaded."""

import copy
import json
import math
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.images.quality import COLOURLESS, InputLimits
from melanoma_detect.inference import bundle
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.config_values import read_input_limits

DETECTOR = Path(__file__).parent / "data" / "schema_3.detector"
NEWEST = DETECTOR.with_name("schema_4.detector")
LINE = {"slope": 1.0, "intercept": 0.0}
LOCAL = {"melanoma": LINE, "malignant": LINE, "temperature": 1.0, "bias": [], "operating_scores": {}}
RECORD = {
    "parent": {"title": "tiny", "sha256": "0" * 64},
    "data": "clinic",
    "images": 60,
    "lesions": 50,
    "melanoma_lesions": 8,
    "target": "melanoma",
    "set": [],
    "refused": [],
    "before": {},
    "after": {},
}


@pytest.fixture
def load(tmp_path):
    """Return a function that loads a detector after a change of its detector.json."""

    def load(change):
        place = tmp_path / "changed.detector"
        with zipfile.ZipFile(DETECTOR) as old, zipfile.ZipFile(place, "w") as new:
            for name in old.namelist():
                content = old.read(name)
                if name == "detector.json":
                    values = json.loads(content)
                    change(values, values["calibrations"]["1"])
                    content = json.dumps(values)
                new.writestr(name, content)
        return md.Detector.load(place)

    return load


def scores(calibration):
    return calibration["operating_scores"]["melanoma"]


def test_good_values_are_read(load):
    def change(values, calibration):
        values["localizations"] = [RECORD]
        calibration["local"] = LOCAL | {"bias": [0.1] * 9, "first": LOCAL}
        values["settings"]["image_type"] = "dermoscopy"
        scores(calibration).update(by_source={"a": [0.1, 0.2]}, lesions_by_source={"a": 2})

    config = load(change).predictor.config
    assert config.localizations == (RECORD,)
    assert config.calibration(1).local.bias == (0.1,) * 9
    assert config.calibration(1).local.first.bias == ()
    assert config == type(config).from_dict(json.loads(json.dumps(config.to_dict())))
    assert config.settings.image_type == "dermoscopy"
    assert config.calibration(1).operating_scores["melanoma"].by_source == {"a": (0.1, 0.2)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values, fitted: values["settings"].update(image_type="foo"), "image_type='foo'"),
        (lambda values, fitted: values["settings"].update(target="foo"), "target='foo'"),
        (lambda values, fitted: values["settings"].update(sensitivity=math.nan), "sensitivity=nan"),
        (lambda values, fitted: fitted.update(temperature=0), "temperature is 0.0, expected over 0"),
        (lambda values, fitted: fitted.update(temperature=math.nan), "temperature is nan"),
        (lambda values, fitted: fitted.update(ood_threshold=math.nan), "ood_threshold is nan"),
        (lambda values, fitted: fitted.update(bias=[0.1]), "bias has 1 numbers, expected 9"),
        (lambda values, fitted: fitted.update(bias=[math.nan] * 9), "bias is nan"),
        (
            lambda values, fitted: fitted["conformal_thresholds"].update({"0.9": math.nan}),
            "conformal_thresholds is nan",
        ),
        (lambda values, fitted: fitted["conformal_thresholds"].update({"0.9": 2}), "conformal_thresholds is 2.0"),
        (
            lambda values, fitted: fitted["operating_scores"].update(nevus=scores(fitted)),
            "operating_scores are for 'nevus'",
        ),
        (lambda values, fitted: scores(fitted).update(positive=[math.nan]), "scores of positive are not ascending"),
        (lambda values, fitted: scores(fitted).update(positive=[0.5, 0.2]), "scores of positive are not ascending"),
        (lambda values, fitted: scores(fitted).update(negative=[3.0]), "scores of negative are not ascending"),
        (lambda values, fitted: scores(fitted).update(positive=[]), "positive has no scores, but"),
        (
            lambda values, fitted: scores(fitted).update(positive_lesions=-1),
            "positive_lesions is -1, expected 0 or more",
        ),
        (lambda values, fitted: scores(fitted).update(by_source={"a": [0.5]}), "by_source is for"),
        (
            lambda values, fitted: scores(fitted).update(by_source={"a": []}, lesions_by_source={"a": 3}),
            "by_source is for",
        ),
        (lambda values, fitted: fitted.update(local=LOCAL | {"temperature": 0}), "the local temperature is 0.0"),
        (lambda values, fitted: fitted.update(local=LOCAL | {"melanoma": LINE | {"slope": -1}}), "a slope is -1.0"),
        (
            lambda values, fitted: fitted.update(local=LOCAL | {"malignant": LINE | {"slope": math.nan}}),
            "a slope is nan",
        ),
        (
            lambda values, fitted: fitted.update(local=LOCAL | {"malignant": LINE | {"intercept": math.inf}}),
            "an intercept is inf",
        ),
        (lambda values, fitted: fitted.update(local=LOCAL | {"bias": [0.0]}), "bias has 1 numbers"),
        (
            lambda values, fitted: fitted.update(local=LOCAL | {"first": LOCAL | {"temperature": -1}}),
            "temperature is -1",
        ),
        (lambda values, fitted: fitted.update(local=None), "is damaged"),
        (lambda values, fitted: values.update(localizations=[{}]), "a record in localizations is damaged .*'parent'"),
        (lambda values, fitted: values.update(localizations=[RECORD | {"before": 3}]), "a record in localizations"),
        (
            lambda values, fitted: values.update(localizations=[RECORD | {"set": "all"}]),
            "set is 'all', expected a list",
        ),
        (lambda values, fitted: values.update(referred_types=["foo"]), "image_type='foo'"),
        (
            lambda values, fitted: values.update(referred_types="clinical"),
            "referred_types is 'clinical', expected a list",
        ),
        (lambda values, fitted: scores(fitted).update(target="foo"), "operating_scores of melanoma are for 'foo'"),
        (lambda values, fitted: scores(fitted).update(target="malignant"), "of melanoma are for 'malignant'"),
        (lambda values, fitted: scores(fitted).update(positives=2), "positive has 6 scores of 2 images of 5 lesions"),
        (lambda values, fitted: scores(fitted).update(negative_lesions=10**400), "negative_lesions is a huge number"),
        (
            lambda values, fitted: scores(fitted).update(by_source={"a": [0.5]}, lesions_by_source={"a": 9}),
            "a shows 9 lesions, more than all sources",
        ),
        (
            lambda values, fitted: fitted.update(
                local=LOCAL | {"operating_scores": {"melanoma": scores(fitted) | {"positive_lesions": 4}}}
            ),
            "local scores of melanoma are 6 for 4 lesions",
        ),
        (lambda values, fitted: fitted.update(local=LOCAL | {"temperature": 0.01}), "expected 0.05 to 1000"),
        (lambda values, fitted: fitted.update(temperature=1e-320), "temperature is 1e-320, expected 0.001 to 1000"),
        (lambda values, fitted: fitted.update(temperature=True), "temperature is True, expected a number"),
        (lambda values, fitted: fitted.update(bias=[1e9] * 9), "bias is 1000000000.0, expected -1e[+]06 to 1e[+]06"),
        (
            lambda values, fitted: values["calibrations"].update({"3": fitted}),
            r"calibrations are for \[3\] views",
        ),
        (lambda values, fitted: values.update(calibrations={}), "was calibrated for  views"),
        (lambda values, fitted: values["settings"].update(coverage=0.5), "coverage=0.5; expected one of"),
        (lambda values, fitted: values["settings"].update(coverage=[]), r"coverage is \[\], expected a number"),
        (lambda values, fitted: values["settings"].update(views=4.0), "views is 4.0, expected a whole number"),
        (lambda values, fitted: values["settings"].update(sensitivity="high"), "sensitivity=.high.; expected over 0"),
        (lambda values, fitted: values["input_limits"].update(sharpness=math.nan), "sharpness is nan"),
        (lambda values, fitted: values["input_limits"].update(dark="x"), "dark is 'x', expected a number"),
        (lambda values, fitted: values["input_limits"].update(side=-1), "side is -1, expected 0 or more"),
        (lambda values, fitted: values.update(image_size=[0, 0]), "image_size is 0, expected 1 to 8192"),
        (lambda values, fitted: values.update(image_size=[32]), "not enough values"),
        (lambda values, fitted: values.update(image_size=[40, 40]), "golden images have 32×32 pixels, but .* 40×40"),
        (lambda values, fitted: values.update(classes=[3, *values["classes"][1:]]), "a class is 3, expected text"),
        (lambda values, fitted: values.update(classes=["nevus"] * 9), "expected names, each once"),
        (lambda values, fitted: values.update(metrics={"test": {}}), "metrics are damaged .*'images'"),
        (lambda values, fitted: values["history"].update(loss=[]), "history has more values of one name"),
        (lambda values, fitted: values["history"].update(loss=["x"] * 12), "values of loss that are no numbers"),
        (lambda values, fitted: values.update(history={"loss": [1.0]}), "KeyError: 'epoch'"),
        (lambda values, fitted: values.update(made_with={"keras": 3}), "keras in made_with is 3, expected text"),
        (lambda values, fitted: values["architecture"].update(name=None), "name of architecture is None"),
        (lambda values, fitted: values.update(title=None), "title is None, expected text"),
        (lambda values, fitted: values.update(title="x" * 10_001), "title has 10,001 characters"),
        (lambda values, fitted: values.update(classes=[" ", *values["classes"][1:]]), "expected names, each once"),
        (lambda values, fitted: values.update(image_size=[10**9, 32]), "image_size is 1000000000, expected 1 to 8192"),
        (lambda values, fitted: values.update(best_epoch=-(10**400)), "best_epoch is far under 0"),
        (lambda values, fitted: values.update(surprise=1), "it has 'surprise', expected only classes"),
        (lambda values, fitted: fitted.update(surprise=1), "a calibration has 'surprise'"),
        (lambda values, fitted: fitted.update(local=LOCAL | {"surprise": 1}), "a local calibration has 'surprise'"),
        (
            lambda values, fitted: fitted.update(local=LOCAL | {"melanoma": LINE | {"x": 1}}),
            "a line of log-odds has 'x'",
        ),
        (lambda values, fitted: values.update(schema=3.0), "its schema is 3.0"),
        (lambda values, fitted: values.update(schema=[3]), r"its schema is \[3\]"),
    ],
)
def test_values_that_make_no_sense_are_refused(load, change, message):
    with pytest.raises(DetectorError, match=rf"changed\.detector: .*{message}"):
        load(change)


def small_config():
    """Return the values of a detector with everything that a file may hold, and little of each."""
    with zipfile.ZipFile(NEWEST) as archive:
        values = json.loads(archive.read("detector.json"))
    for part, target in (("calibrations", "malignant"), ("clinical", "melanoma")):
        values[part] = {"1": values[part]["1"]}
        values[part]["1"]["operating_scores"] = {target: values[part]["1"]["operating_scores"][target]}
    evaluation, local = values["metrics"]["test"], values["clinical"]["1"]["local"]
    values["metrics"]["test"] = {name: evaluation[name] for name in ("images", "lesions", "target", "shortcuts")}
    for part in ("figures", "recall"):
        values["metrics"]["test"][part] = dict([*evaluation[part].items()][:1])
    local["first"] = LOCAL | {"bias": [0.1] * 9}
    own = values["clinical"]["1"]["operating_scores"]["melanoma"]
    local["operating_scores"]["melanoma"] = {name: own[name] for name in own if "by_source" not in name}
    figures = {"ece": {"value": 0.1, "low": 0.0, "high": 0.2}}
    names = {"recipe": ("name", "images"), "made_with": ("keras",), "history": ("epoch", "loss"), "export": ("images",)}
    return (
        values
        | {name: {key: values[name][key] for key in keys} for name, keys in names.items()}
        | {"localizations": [RECORD | {"set": ["95 %"], "before": figures, "after": figures}]}
    )


def places(values, place=()):
    """Yield the place of every value, of lists that of the first alone."""
    if place:
        yield place
    items = values.items() if isinstance(values, dict) else enumerate(values[:1]) if isinstance(values, list) else ()
    for name, value in items:
        yield from places(value, (*place, name))


def changed(values, place, new):
    """Return a copy of values with another one in a place."""
    if not place:
        return new
    copied = copy.copy(values)
    copied[place[0]] = changed(copied[place[0]], place[1:], new)
    return copied


def test_whatever_stands_in_a_place_is_refused_or_answers():
    """In each place stands each of some values: a detector is refused when it is loaded, or has predictions and a card."""
    loaded = md.Detector.load(NEWEST)
    values, image = small_config(), md.draw_lesion("nevus", seed=1, size=32).pixels
    refused = 0
    for place in places(values):
        for new in (None, "x", -1, math.nan, [], {}, 1e9, True):
            try:
                config = bundle._read_config(Path("changed.detector"), changed(values, place, new))
                bundle.check_settings(config, recognises=True)
            except DetectorError:
                refused += 1
                continue
            except Exception as error:  # noqa: BLE001 - none but DetectorError may come
                pytest.fail(f"{place} = {new!r} raises {error!r}")
            if config.classes == loaded.classes and config.image_size == loaded.image_size:
                detector = md.Detector(config, loaded.predictor.runtime, loaded.predictor.files)
                prediction = detector.predict(image)
                assert sum(prediction.probabilities.values()) == pytest.approx(1), (place, new)
                assert detector.model_card, (place, new)
                assert json.dumps(config.to_dict()), (place, new)
                assert place[0] != "history" or list(detector.history) in ([], ["epoch", "loss"]), (place, new)
    assert refused > 1200


def test_files_without_a_limit_for_colour_refer_grey_images_and_keep_other_settings():
    assert read_input_limits({"sharpness": 3.0, "side": 9}) == InputLimits(sharpness=3.0, side=9, colour=COLOURLESS)
    assert read_input_limits({"sharpness": 3.0, "colour": 0.0}).colour == 0
    every = {"sharpness": 0.0, "dark": 0.0, "bright": 255.0, "side": 0}
    assert read_input_limits(every) == InputLimits()


def test_the_usual_limit_for_colour_is_not_written(detector):
    config = detector.predictor.config  # so that earlier versions read the file
    assert config.input_limits.colour == COLOURLESS
    assert "colour" not in config.to_dict()["input_limits"]
    grey = replace(config, input_limits=replace(config.input_limits, colour=0.0))
    assert DetectorConfig.from_dict(grey.to_dict()) == grey
