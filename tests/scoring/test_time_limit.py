"""An image that takes too long gets an error, and all others their answer."""

import csv
import threading
import time

import pytest

import melanoma_detect as md
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.scoring import time_limit
from melanoma_detect.scoring.time_limit import Clock, read_within


@pytest.fixture(autouse=True)
def none_given_up():
    """No decoder of an earlier test counts."""
    time_limit._given_up.clear()


def sleeping(seconds, value):
    def read(_clock):
        time.sleep(seconds)
        return value

    return read


def test_all_in_time_in_order():
    assert read_within([sleeping(0.01, number) for number in range(5)], 5) == list(range(5))
    assert read_within([], 5) == []


def test_each_image_has_its_own_time():
    assert read_within([sleeping(0.1, number) for number in range(5)], 0.3) == list(range(5))


def test_late_ones_get_an_error_and_the_others_their_result():
    started = time.monotonic()
    late = sleeping(20, "late")
    found = read_within([sleeping(0, 1), late, sleeping(0, 3), late, sleeping(0, 5)], 0.2)
    assert time.monotonic() - started < 5
    assert (found[0], found[2], found[4]) == (1, 3, 5)
    assert all(isinstance(found[index], TimeoutError) for index in (1, 3))
    assert str(found[1]) == "took longer than 0.2 seconds to read"


def test_the_result_of_a_late_one_is_not_taken_later():
    release = threading.Event()

    def late(_clock):
        release.wait(10)
        return "late"

    found = read_within([late, sleeping(0, 2)], 0.1)
    release.set()
    time.sleep(0.1)
    assert found[1] == 2
    assert len(found) == 2


def test_a_clock_that_is_stopped_counts_nothing():
    def read(clock: Clock):
        clock.stop()
        time.sleep(0.5)
        clock.start()
        return "fetched"

    assert read_within([read], 0.2) == ["fetched"]


def test_what_is_raised_comes_out():
    def broken(_clock):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_within([broken], 5)


def test_at_most_eight_decoders_go_on(monkeypatch):
    monkeypatch.setattr(time_limit, "_MOST_GIVEN_UP", 2)
    started = time.monotonic()
    found = read_within([sleeping(1, number) for number in range(4)], 0.05)
    assert all(isinstance(value, TimeoutError) for value in found)
    assert time.monotonic() - started > 1


def test_score_gives_a_late_image_a_row_with_an_error(tree, tmp_path, monkeypatch):
    root = tree({"lesions": 5})
    preprocess = Predictor.preprocess

    def slow(self, image):
        if "003" in str(image):
            time.sleep(30)
        return preprocess(self, image)

    monkeypatch.setattr(Predictor, "preprocess", slow)
    monkeypatch.setattr(time_limit, "IMAGE_SECONDS", 1.0)
    result = md.score(root, out=tmp_path / "answers.csv", progress=False)
    assert (result.images, result.unreadable) == (5, 1)
    with (tmp_path / "answers.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["path"][-7:-4]: row for row in csv.DictReader(file)}
    assert rows["003"]["decision"] == "refer"
    assert "took longer than 1 seconds to read" in rows["003"]["error"]
    assert not any(rows[name]["error"] for name in ("001", "002", "004", "005"))
