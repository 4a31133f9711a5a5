"""Threads work ahead of the results, within a bound; each frame of a DICOM file has a row."""

import csv
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from validate_dicom import write_image

import melanoma_detect as md
from melanoma_detect.errors import OutputError
from melanoma_detect.scoring.workers import parallel_map


@pytest.fixture
def frames(make_images):
    """A folder of an image, a DICOM file of five frames of rising brightness, and one of one frame."""
    folder = make_images({"a.png": 250})
    write_image(folder / "b.dcm", np.stack([np.full((8, 8, 3), 50 * each, np.uint8) for each in range(1, 6)]))
    write_image(folder / "c.dcm", np.full((8, 8, 3), 10, np.uint8))
    return folder


def rows(path="scores.csv"):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def score(sources, detector, **settings):
    return md.score(sources, detector=detector, out="scores.csv", progress=False, **settings)


def test_results_are_in_the_order_of_the_tasks():
    def work(number):
        time.sleep(0.002 * (number % 3))
        return number

    assert list(parallel_map(work, range(30), workers=3)) == list(range(30))


def test_the_number_of_pending_tasks_is_bounded():
    taken = []

    def tasks():
        for number in range(1000):
            taken.append(number)
            yield number

    results = parallel_map(str, tasks(), workers=2)
    assert next(results) == "0"
    assert len(taken) == 5
    assert next(results) == "1"
    assert len(taken) == 6
    results.close()


def test_threads_work_while_results_are_consumed():
    started = [threading.Event() for _ in range(4)]
    results = parallel_map(lambda number: started[number].set(), range(4), workers=1)
    next(results)
    assert started[2].wait(timeout=5)
    results.close()


def test_an_exception_in_a_thread_is_raised_and_ends_the_threads():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(parallel_map(lambda number: 1 // number, range(3), workers=2))
    assert threading.active_count() == before


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_each_frame_has_a_row_that_predict_can_repeat(make_detector, frames, batch_size):
    detector = make_detector()
    scores = score(frames, detector, batch_size=batch_size)
    names = [f"{frames}/{name}" for name in ("a.png", *(f"b.dcm#{each}" for each in range(1, 6)), "c.dcm")]
    assert [row["path"] for row in rows()] == names
    assert (scores.images, scores.alerts, scores.clears) == (7, 4, 3)
    for row in rows():
        assert float(row["melanoma"]) == pytest.approx(detector.predict(row["path"]).melanoma)
    assert detector.predict(names[3]).source == names[3]


def test_frames_that_fail_leave_the_others(make_detector, frames):
    content = (frames / "b.dcm").read_bytes()
    (frames / "b.dcm").write_bytes(content[: -8 * 8 * 3 - 9])  # the last frame is gone, and the fourth cut off
    scores = score(frames, make_detector())
    assert [row["reason"] for row in rows()] == ["", "", "", "", "unreadable", "unreadable", ""]
    assert rows()[4]["error"].startswith(f"{frames}/b.dcm#4: cannot be decoded")
    assert (scores.images, scores.unreadable) == (7, 2)


def test_a_run_that_was_interrupted_between_frames_resumes(make_detector, frames, monkeypatch):
    detector = make_detector()
    score(frames, detector, shard_size=1)
    expected = rows()
    Path("scores.csv").unlink()
    run, runs = detector.predictor.runtime.run, []

    def fail_later(pixels):
        runs.append(len(pixels))
        if len(runs) > 2:
            raise KeyboardInterrupt
        return run(pixels)

    monkeypatch.setattr("melanoma_detect.scoring.score.identify_detector", lambda _: {})
    with monkeypatch.context() as patch:
        patch.setattr(detector.predictor.runtime, "run", fail_later)
        with pytest.raises(KeyboardInterrupt):
            score(frames, detector, shard_size=1, workers=1)
    scores = score(frames, detector, shard_size=1)
    assert (scores.images, scores.resumed) == (7, 6), "the image and the five frames were kept"
    assert rows() == expected


def test_a_file_that_changes_under_a_named_frame_is_noticed(make_detector, frames, monkeypatch):
    detector, names = make_detector(), [f"{frames}/b.dcm#2", f"{frames}/b.dcm#4"]
    monkeypatch.setattr("melanoma_detect.scoring.score.identify_detector", lambda _: {})
    run = detector.predictor.runtime.run
    with monkeypatch.context() as patch:
        patch.setattr(
            detector.predictor.runtime, "run", lambda pixels: run(pixels) if pixels.mean() < 150 else interrupt()
        )
        with pytest.raises(KeyboardInterrupt):
            score(names, detector, shard_size=1, workers=1)
    write_image(frames / "b.dcm", np.zeros((5, 8, 8, 3), np.uint8))
    with pytest.raises(OutputError, match="the images have changed since the unfinished run"):
        score(names, detector, shard_size=1)


def interrupt():
    raise KeyboardInterrupt


def test_nothing_of_the_patient_stands_in_a_table(make_detector, frames):
    write_image(frames / "ct.dcm", np.zeros((8, 8, 3), np.uint8), Modality="CT", PatientName="Secret^Person")
    score(frames, make_detector())
    text = Path("scores.csv").read_text(encoding="utf-8")
    assert "modality CT" in text
    assert not [word for word in ("Secret", "Person", "Drawn^Lesion", "DRAWN") if word in text]
