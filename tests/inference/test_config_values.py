"""Values of detector.json that make no sense are refused when the file is loaded."""

import json
import math
import zipfile
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError

DETECTOR = Path(__file__).parent / "data" / "schema_3.detector"
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
        (lambda values, fitted: scores(fitted).update(positive_lesions=-1), "are no counts"),
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
        (lambda values, fitted: values.update(referred_types=["foo"]), "image_type='foo'"),
    ],
)
def test_values_that_make_no_sense_are_refused(load, change, message):
    with pytest.raises(DetectorError, match=rf"changed\.detector: .*{message}"):
        load(change)
