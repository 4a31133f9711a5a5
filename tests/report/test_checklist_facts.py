"""Facts: what is recorded becomes a sentence, what is not stays empty."""

from dataclasses import replace

import pytest

import melanoma_detect as md
from melanoma_detect.report import checklist_data_facts as data
from melanoma_detect.report import checklist_model_facts as model
from melanoma_detect.report.checklist_facts import Facts, describe_figures, describe_positives, join, sentence


@pytest.fixture(scope="module")
def default():
    return Facts(md.Detector.load().predictor.config)


def test_the_default_detector_says_where_its_images_come_from(default):
    assert "HAM10000" in data.sources(default)
    assert "histopathology" in data.histopathology(default)
    assert "Skin tone: " in data.skin_tone(default)
    assert "dermoscopy images and clinical photographs" in data.image_types(default)
    assert "held: milk10k clinical" in data.clusters(default)
    assert "CC BY-NC" in model.availability(default)
    assert "abstains" in model.unfamiliar(default)


def test_what_is_not_recorded_stays_empty(default):
    bare = Facts(replace(default.config, notes={}, metrics={}, recipe={}, architecture={}, clinical={}))
    facts = (
        data.sources,
        data.outcome,
        data.histopathology,
        data.skin_tone,
        data.acquisition,
        data.augmented,
        data.sizes,
    )
    assert [fact(bare) for fact in facts] == [""] * len(facts)
    assert (data.flow(bare), data.subgroups(bare), data.distribution(bare), data.image_types(bare)) == ("", "", "", "")
    assert (model.model(bare), model.performance(bare), model.shortcuts(bare)) == ("", "", "")


def test_training_by_the_library_is_described(detector):
    facts = Facts(detector.predictor.config)
    assert "cnn (melanoma-detect" in model.model(facts)
    assert f"epoch {detector.predictor.config.best_epoch}" in model.model(facts)
    assert "augmentation" in data.augmented(facts)


def test_small_parts():
    assert join("", "A.", "B.") == "A. B."
    assert sentence("") == ""
    assert describe_figures({}) == ""
    assert describe_positives({}) == ""


def test_a_note_of_several_lines_is_one_row_of_a_table(default):
    noted = Facts(replace(default.config, notes={"Image source": "a clinic\n\nin two   towns"}))
    assert noted.note("image") == "Image source: a clinic in two towns."
