"""The numbers beside an exported model give the detector's probabilities and decisions."""

import json
from pathlib import Path

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.export.exported_config import exported_config
from melanoma_detect.inference.prediction import softmax


def test_a_program_can_judge_both_types_of_image(two_types, plain_image):
    detector = two_types()
    values = json.loads(json.dumps(exported_config(detector.predictor, "float32")))
    for image_type in ("dermoscopy", "clinical"):
        image = plain_image(image_type, 116)
        outputs = detector.predictor.runtime.run(detector.predictor.preprocess(image).pixels[None])
        classifier = values["image_type_classifier"]
        unit = outputs.features[0] / np.linalg.norm(outputs.features[0])
        clinical = unit @ np.array(classifier["weights"]) + classifier["bias"] > 0
        assert clinical == (image_type == "clinical")
        own = values["clinical"] if clinical else values
        probabilities = softmax(outputs.logits / own["temperature"])[0]
        prediction = detector.predict(image)
        assert probabilities == pytest.approx([prediction.probabilities[name] for name in values["classes"]], abs=1e-6)
        assert own["operating_point"]["threshold"] == prediction.operating_point.threshold


def test_one_type_of_image_alone(two_types):
    clinical = exported_config(two_types().at(image_type="clinical").predictor, "float32")
    both = exported_config(two_types().predictor, "float32")
    assert "clinical" not in clinical
    assert clinical["temperature"] == both["clinical"]["temperature"] != both["temperature"]


def test_a_referred_type_has_no_threshold(two_types):
    values = exported_config(two_types(referred_types=("clinical",)).predictor, "float32")
    assert values["clinical"]["operating_point"] is None
    assert values["operating_point"] is not None
    assert (values["referred"], values["clinical"]["referred"]) == (False, True)


def test_no_threshold_in_int8(two_types):
    values = exported_config(two_types().predictor, "int8")
    assert values["operating_point"] is None
    assert values["clinical"]["operating_point"] is None
    assert (values["referred"], values["clinical"]["referred"]) == (False, False)


def test_a_referred_type_is_referred_in_int8_too(two_types):
    values = exported_config(two_types(referred_types=("clinical",)).predictor, "int8")
    assert (values["referred"], values["clinical"]["referred"]) == (False, True)


def test_the_sources_of_a_threshold_have_names():
    predictor = md.Detector.load(Path(__file__).parents[1] / "inference" / "data" / "schema_4.detector").predictor
    values = json.loads(json.dumps(exported_config(predictor, "float32")))
    sources = {source["source"]: source["lesions"] for source in values["operating_point"]["sources"]}
    assert sources == {"another": 1, "one hospital": 2}
