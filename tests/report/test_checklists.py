"""Checklists: every item of the publications, filled only from what is recorded."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.report.checklists import CHECKLISTS, OPEN, checklist


def test_all_items_are_there(detector):
    tripod, clear = (checklist(detector, name) for name in CHECKLISTS)
    assert len(tripod.items) == 52
    assert list(dict.fromkeys(int(item.number.rstrip("abcdefg")) for item in tripod.items)) == list(range(1, 28))
    assert [item.number for item in clear.items] == [str(number) for number in range(1, 26)]


def test_what_no_file_can_know_is_open(detector, evaluation):
    tripod = {item.number: item for item in checklist(detector, "tripod-ai", evaluation).items}
    for number in ("3a", "5b", "17", "18a", "18b", "19", "25"):
        assert tripod[number].is_open
        assert tripod[number].answer == f"{OPEN}."
    clear = {item.number: item for item in checklist(detector, "clear-derm", evaluation).items}
    assert clear["12"].is_open  # whether a set comes from elsewhere no file knows


def test_an_evaluation_fills_performance(detector, evaluation):
    without = {item.number: item for item in checklist(detector, "tripod-ai").items}
    given = {item.number: item for item in checklist(detector, "tripod-ai", evaluation).items}
    assert without["20a"].is_open
    assert f"{len(evaluation)} evaluated" in given["20a"].answer
    assert str(evaluation.figures["melanoma_auc"]) in given["23a"].answer
    assert str(detector.operating_point) in given["15"].answer


def test_a_checklist_shows_itself(detector):
    filled = checklist(detector, "clear-derm")
    text, table = str(filled), filled.to_markdown()
    for item in filled.items:
        assert item.item in text
        assert item.item in table
    assert json.loads(json.dumps(filled.to_dict()))["open"] == len(filled.open)
    assert filled.filled + len(filled.open) == 25
    assert sum(len(items) for items in filled.by_section().values()) == 25
    assert repr(filled) == f"<Checklist clear-derm: {filled.filled} of 25 items filled>"


def test_an_unknown_name_is_an_error_with_a_hint(detector):
    with pytest.raises(DetectorError, match=r"checklist=\'tripodai\': did you mean \'tripod-ai\'\?"):
        checklist(detector, "tripodai")


def test_it_needs_no_heavy_library():
    code = (
        "import sys, melanoma_detect.report.checklists; "
        "print([name for name in ('tensorflow', 'keras', 'pandas', 'sklearn', 'matplotlib', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["TRIPOD+AI", "tripod+ai", "TRIPOD+AI (2024)", "tripod-ai", "Tripod AI"])
def test_the_names_of_the_guidelines_are_taken(detector, name):
    assert checklist(detector, name).name == "tripod-ai"
    assert checklist(detector, "CLEAR Derm").name == "clear-derm"


def test_images_seen_in_training_are_no_held_out_set(detector, evaluation):
    """With `seen="keep"`, nothing is left out: no item may say that it was."""
    kept = replace(evaluation, seen_in_training=5)
    for name in CHECKLISTS:
        honest, claimed = (str(checklist(detector, name, given)) for given in (evaluation, kept))
        assert "evaluation leaves out what the detector was trained" in honest
        assert "evaluation leaves out what the detector was trained" not in claimed
        assert "does NOT leave out what the detector was trained on" in claimed
        assert "SEEN" not in honest
        items = {item.number: item.answer for item in checklist(detector, name, kept).items}
        for number in ("20a", "21", "23a") if name == "tripod-ai" else ("10", "11", "21"):
            assert "5 of them SEEN in training" in items[number]
