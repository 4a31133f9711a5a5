"""The model card."""

from dataclasses import replace

from melanoma_detect.inference.model_card import model_card


def test_it_says_what_a_reader_needs(detector, data):
    text = model_card(detector.measured(detector.evaluate(data.test)).card)
    for expected in (
        "# Model card: cnn",
        "not a medical device",
        "## Intended use",
        "melanoma, nevus",
        f"{len(data.train)} training pictures; recipe assignment",
        "On 36 test pictures of",
        "| balanced accuracy | 0.",
        "dark skin",
        "keras ",
    ):
        assert expected in text


def test_the_worst_diagnosis_stands_first(detector, data):
    found = detector.evaluate(data.test)
    worst = min((figure.value, label) for label, figure in found.recall.items())
    line = next(line for line in model_card(detector.measured(found).card).splitlines() if "worst first" in line)
    assert line.split(": ")[1].startswith(tuple(label for label, one in found.recall.items() if one.value == worst[0]))
    assert line.count("[") == len(data.classes)


def test_it_says_whether_it_takes_a_shortcut(detector, data):
    found = detector.evaluate(data.test, shortcuts=True)
    assert found.shortcuts.verdict in model_card(detector.measured(found).card)
    assert found.shortcuts.verdict not in model_card(detector.measured(detector.evaluate(data.test)).card)


def test_its_own_operating_point_comes_first_with_predictive_values(detector):
    lines = model_card(detector.card).splitlines()
    at = lines.index("## Where it alerts")
    assert lines[at + 2] == f"- {detector.operating_point}."
    assert lines[at + 3].startswith("    - at a prevalence of 1.00%: ")
    assert sum("not offered" in line for line in lines) >= 3
    assert "It was not measured when it was saved." in lines


def test_a_detector_without_an_operating_point_has_a_card(detector):
    high = replace(detector.card, settings=replace(detector.card.settings, sensitivity=0.95))
    assert (
        "- melanoma, 95% sensitivity: not offered; it takes 19 lesions in validation, and there are 2."
        in model_card(high)
    )


def test_notes_are_told(detector):
    assert "- licence: research only" in model_card(replace(detector.card, notes={"licence": "research only"}))
