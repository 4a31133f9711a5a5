"""What `Detector.fit` writes down."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DataWarning


def test_the_threshold_comes_from_validation(detector, data):
    point = detector.operating_point
    found = detector.evaluate(data.validation, seen="keep")
    assert point.sensitivity >= 0.95
    assert found.figures["sensitivity"].value == pytest.approx(point.sensitivity)
    assert found.figures["specificity"].value == pytest.approx(point.specificity)
    assert point.positives + point.negatives == len(data.validation)


def test_the_card_knows_how_it_was_made(detector, data):
    card = detector.card
    assert card.architecture["package"] == "melanoma-detect"
    assert card.recipe["augmentation"] == {"flip": "horizontal", "rotation": 0.1, "zoom": 0.1}
    assert card.seen == {record.digest for record in (*data.train.records, *data.validation.records)}
    assert card.made_with["keras"]
    assert len(detector.history) == len(card.history["epoch"])
    assert detector.history["val_loss"].idxmin() + 1 == card.best_epoch


def test_another_sensitivity(data):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    assert md.Detector.fit(model, data, epochs=1, sensitivity=0.5, progress=False).operating_point.goal == 0.5


def test_without_melanoma_every_picture_is_referred(tree):
    data = md.load_dataset(tree({"freckle": 10, "scar": 10}), image_size=(32, 32))
    model = md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3))
    with pytest.warns(DataWarning, match=r"no class is melanoma \(freckle, scar\)"):
        detector = md.Detector.fit(model, data, epochs=1, progress=False)
    prediction = detector.predict(np.zeros((32, 32, 3), np.uint8))
    assert (prediction.decision, prediction.alert, prediction.operating_point) == ("refer", False, None)
