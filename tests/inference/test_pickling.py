"""Detectors can be sent to other processes."""

import multiprocessing
import pickle

import numpy as np
import pytest

import melanoma_detect as md


def melanoma_of(task):
    """Return a probability in another process."""
    detector, pixels = task
    return detector.predict(pixels).melanoma


@pytest.mark.parametrize("source", ["trained", "shipped"])
def test_a_copy_answers_as_the_detector(source, detector, image):
    used = detector if source == "trained" else md.Detector.load(threads=1)
    used = used.at(sensitivity=0.6)
    copied = pickle.loads(pickle.dumps(used))
    assert copied.predict(image).to_dict() == used.predict(image).to_dict()
    assert copied.predictor.settings == used.predictor.settings
    assert copied.predictor.files.fingerprint() == used.predictor.files.fingerprint()
    assert copied.predictor.files.keras()[:2] == b"PK"
    assert "_made_of" not in repr(copied)


def test_a_detector_that_keras_runs_is_copied_too(detector, tmp_path, image):
    detector.save(tmp_path / "mine.detector")
    used = md.Detector.load(tmp_path / "mine.detector", engine="keras")
    copied = pickle.loads(pickle.dumps(used))
    assert copied.predictor.runtime.name == "keras"
    assert copied.predict(image).melanoma == pytest.approx(used.predict(image).melanoma, abs=1e-6)


@pytest.mark.slow
def test_other_processes_answer_the_same():
    detector = md.Detector.load(threads=1)
    images = [md.draw_lesion("melanoma", seed=seed, size=64).pixels for seed in range(4)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(melanoma_of, [(detector, pixels) for pixels in images])
    assert found == [detector.predict(np.asarray(pixels)).melanoma for pixels in images]
