"""Files that once had a fault come in as they should, and so do the seeds of the fuzzers, damaged in fifty ways each."""

import random
import warnings
from pathlib import Path

import pytest
from damage import blind, damage_of
from doors import DOORS, DoorError, check_prediction, prepare, run_door
from seeds import SEEDS, pixels, seeds_of
from tiny_detector import tiny_detector, tiny_detector_file

import melanoma_detect as md

REGRESSIONS = sorted(path for path in (Path(__file__).parent / "regressions").rglob("*") if path.is_file())
DAMAGES = 50


@pytest.fixture(autouse=True)
def loaded():
    prepare()


def test_files_that_had_a_fault_have_none():
    for path in REGRESSIONS:
        run_door(DOORS[path.parent.name], path.read_bytes())


def test_each_door_has_seeds():
    assert DOORS.keys() == SEEDS.keys()
    assert all(
        content and len(content) <= DOORS[name].max_length for name in SEEDS for content in seeds_of(name).values()
    )


@pytest.mark.parametrize("name", DOORS)
def test_seeds_come_in(name):
    for content in seeds_of(name).values():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            DOORS[name].enter(content)


@pytest.mark.parametrize("name", DOORS)
def test_damaged_seeds_give_an_answer_or_an_error_of_this_library(name):
    chance, damage = random.Random(name), damage_of(name)
    for _ in range(DAMAGES):
        content = chance.choice(list(seeds_of(name).values()))
        run_door(DOORS[name], damage(content, DOORS[name].max_length, chance, blind(chance)))


def test_the_drawn_detector_gives_every_decision(tmp_path):
    (tmp_path / "tiny.detector").write_bytes(tiny_detector_file())
    detector = md.Detector.load(tmp_path / "tiny.detector")
    colours = [pixels() * 0 + (200, 100, blue) for blue in (0, 200)]
    assert [detector.predict(colour.astype("uint8")).decision for colour in colours] == ["clear", "alert"]


def test_an_answer_that_is_clear_by_accident_is_a_fault():
    prediction = tiny_detector().predict((pixels() * 0 + (200, 100, 0)).astype("uint8"))
    check_prediction(prediction)
    object.__setattr__(prediction, "melanoma", float("nan"))
    with pytest.raises(DoorError, match="clear"):
        check_prediction(prediction)
