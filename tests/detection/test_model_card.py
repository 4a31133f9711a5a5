"""The model card."""

from dataclasses import replace

from melanoma_detect.detection.model_card import model_card


def test_it_says_what_a_reader_needs(detector, data):
    text = model_card(detector.measured(detector.evaluate(data.test)).card)
    for expected in (
        "# Model card: cnn",
        "not a medical device",
        "## Intended use",
        "melanoma, nevus",
        f"{len(data.train)} training pictures; recipe assignment",
        "- melanoma, 95% sensitivity: not offered",
        "On 36 test pictures of",
        "| balanced accuracy | 0.",
        "dark skin",
        "keras ",
    ):
        assert expected in text


def test_its_own_operating_point_comes_with_predictive_values(detector):
    text = model_card(detector.card)
    assert "set for" not in text or "at a prevalence" not in text  # 0.6 is none of the three that every card tries
    supported = replace(detector.card, settings=replace(detector.card.settings, sensitivity=0.9))
    assert "It was not measured when it was saved." in model_card(supported)


def test_notes_are_told(detector):
    assert "- licence: research only" in model_card(replace(detector.card, notes={"licence": "research only"}))
