"""A training that is killed goes on to the same losses."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.training import checkpoints

# Everything that has a state: schedule, moving average, random layers, dropout, mixing, and the order of the images.
PROGRAM = """
import json, sys
import keras, tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
import melanoma_detect as md
from dataclasses import replace

data = md.load_dataset(sys.argv[1], image_size=(32, 32))
recipe = replace(md.Recipe.named("strong"), precision="float32", patience=3, head_epochs=2, learning_rate=3e-3)
name, options = ("cnn", {}) if sys.argv[3] == "cnn" else ("mobilenet_v2:0.35", {"weights": None})
model = md.build_model(name, num_classes=len(data.classes), input_shape=(32, 32, 3), seed=1, **options)
detector = md.Detector.fit(
    model, data, epochs=4, recipe=recipe, seed=1, progress=True, checkpoint=sys.argv[2], resume=True
)
answers = detector.predictor.probabilities(data.validation.pixels((32, 32))).tolist()
print(json.dumps([detector.predictor.config.history, detector.predictor.config.best_epoch, answers]))
"""


def start(lesions, folder, kind="cnn"):
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(lesions), str(folder), kind]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


def kill_after(process, place, epochs):
    """Kill the process as hard as there is, once so many epochs are in the checkpoint."""
    until = time.monotonic() + 240
    while time.monotonic() < until:
        if place.exists() and len(about(place)["seconds"]) >= epochs:
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            process.stdout.close()
            process.stderr.close()
            return
        assert process.poll() is None, process.stderr.read()[-3000:]
        time.sleep(0.005)
    pytest.fail("no checkpoint came")


def about(place):
    with np.load(place, allow_pickle=False) as file:  # read while the other process writes: whole at every moment
        return json.loads(str(file["about"]))


@pytest.mark.parametrize(("kind", "kills"), [("cnn", [2]), pytest.param("backbone", [1, 3], marks=pytest.mark.slow)])
def test_a_killed_training_comes_to_the_same_losses(lesions, tmp_path, kind, kills):
    whole = start(lesions, tmp_path / "whole", kind)
    expected, best, answers = finish(whole)
    for epochs in kills:
        kill_after(start(lesions, tmp_path / "cut", kind), tmp_path / "cut" / checkpoints.FILE, epochs)
    found, found_best, found_answers = finish(start(lesions, tmp_path / "cut", kind))
    for column in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy"):
        assert found[column] == pytest.approx(expected[column], abs=1e-5), column
    assert found_best == best
    np.testing.assert_allclose(found_answers, answers, atol=1e-5)
    assert len(found["seconds"]) == len(expected["epoch"])
    assert [file.name for file in (tmp_path / "cut").iterdir()] == [checkpoints.FILE]


@pytest.fixture
def begun(data, tmp_path):
    """A training of two epochs, whose checkpoint says that it is done."""

    def fit(**options):
        model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3), seed=1)
        chosen = {"epochs": 2, "recipe": md.Recipe(), "seed": 1, "progress": False, "checkpoint": tmp_path / "here"}
        return md.Detector.fit(model, data, **chosen | options)

    fit.first = fit()
    return fit


def test_a_training_that_is_done_is_taken_as_it_is(begun, data):
    again = begun(resume=True)
    assert again.predictor.config.history == begun.first.predictor.config.history
    pixels = data.validation.pixels((32, 32))
    np.testing.assert_array_equal(again.probabilities(pixels), begun.first.probabilities(pixels))


def test_a_checkpoint_is_not_thrown_away_unasked(begun):
    with pytest.raises(DetectorError, match="resume=True"):
        begun()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 3}, "epochs 2, here 3"),
        ({"seed": 2}, "seed 1, here 2"),
        ({"recipe": replace(md.Recipe(), learning_rate=0.01)}, r"recipe.learning_rate 0.001, here 0.01"),
    ],
)
def test_another_training_is_refused(begun, change, message):
    with pytest.raises(DetectorError, match=message):
        begun(resume=True, **change)


def test_a_file_that_is_no_checkpoint_is_refused(begun, tmp_path):
    (tmp_path / "here" / checkpoints.FILE).write_bytes(b"not a checkpoint")
    with pytest.raises(DetectorError, match="no checkpoint of a training"):
        begun(resume=True)


def test_resuming_needs_a_folder(begun):
    with pytest.raises(DetectorError, match="without a folder"):
        begun(resume=True, checkpoint=None)


def test_a_write_that_breaks_off_leaves_the_last_one(tmp_path, monkeypatch):
    place = tmp_path / "here" / checkpoints.FILE
    checkpoints.write(place, checkpoints.TrainingState(seconds=[1.0]), {})
    monkeypatch.setattr(np, "savez", lambda file, **_: (file.write(b"half"), exec("raise OSError('disk full')")))
    with pytest.raises(OSError, match="cannot be written"):
        checkpoints.write(place, checkpoints.TrainingState(seconds=[1.0, 2.0]), {})
    assert checkpoints.read(place, {}).seconds == [1.0]
    assert [file.name for file in place.parent.iterdir()] == [checkpoints.FILE]
