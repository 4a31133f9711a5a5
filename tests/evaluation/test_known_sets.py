from dataclasses import replace

import pytest

from melanoma_detect.data.known_images.index import Facts, KnownImage, KnownImages, Membership
from melanoma_detect.data.known_images.overlap import Overlap
from melanoma_detect.evaluation import known_sets as module
from melanoma_detect.evaluation.evaluate import evaluate
from melanoma_detect.evaluation.known_sets import known_set_notes
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint

OVERLAP = Overlap(10, {"ISIC 2019": (0, 1, 2), "HAM10000": (2, 3)})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ISIC 2019 and HAM10000", "ISIC 2019 and HAM10000"),
        ("isic2019", "ISIC 2019"),
        ("ISIC_2019, BCN", "ISIC 2019"),
        ("ham10000.", "HAM10000"),
        ("ISIC 2018; XHAM10000; ISIC 20191", ""),
    ],
)
def test_declared_sets_are_named(text, named):
    notes = known_set_notes(OVERLAP, {"Training data": text}, has_fingerprint=False)
    assert len(notes) == 1 + bool(named)
    if named:
        assert f"card names {named}," in notes[1]


def test_images_in_two_declared_sets_count_once():
    assert "4 images of these 10" in known_set_notes(OVERLAP, {"a": "ISIC 2019, HAM10000"}, has_fingerprint=False)[1]


def test_a_detector_that_tells_its_images_is_believed():
    assert len(known_set_notes(OVERLAP, {"a": "ISIC 2019"}, has_fingerprint=True)) == 1
    assert known_set_notes(Overlap(10), {"a": "ISIC 2019"}, has_fingerprint=False) == ()


def test_evaluate_names_public_sets(data, predictor_without_fingerprint, monkeypatch):
    facts = Facts((Membership("HAM10000", ""),))
    index = KnownImages.of(
        KnownImage(bytes.fromhex(record.fingerprint), bytes(8), "", facts) for record in data.test.records[:5]
    )
    monkeypatch.setattr(module, "known_images", lambda: index)
    notes = " ".join(evaluate(predictor_without_fingerprint, data).notes)
    assert f"5 of {len(data.test)} images are in HAM10000." in notes
    assert "The detector's card names HAM10000" in notes


@pytest.fixture
def predictor_without_fingerprint(detector):
    predictor = detector.predictor
    config = replace(predictor.config, notes={"Training data": "HAM10000"})
    files = replace(predictor.files, fingerprint=TrainingFingerprint)
    return Predictor(config, predictor.runtime, files, predictor.settings)
