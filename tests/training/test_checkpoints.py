"""Checkpoints: a killed training resumes and ends with the same losses."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, OutputError
from melanoma_detect.training import checkpoints

# The training uses everything with a state: schedule, moving average, random layers, dropout, mixing, image order.
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
probabilities = detector.predictor.probabilities(data.validation.pixels((32, 32))).tolist()
print(json.dumps([detector.predictor.config.history, detector.predictor.config.best_epoch, probabilities]))
"""


def start(lesions, folder, kind="cnn"):
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(lesions), str(folder), kind]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


def kill_after(process, path, epochs):
    """Kill the process with SIGKILL as soon as the checkpoint has this many epochs."""
    until = time.monotonic() + 240
    while time.monotonic() < until:
        if path.exists() and len(read_about(path)["seconds"]) >= epochs:
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            process.stdout.close()
            process.stderr.close()
            return
        assert process.poll() is None, process.stderr.read()[-3000:]
        time.sleep(0.005)
    pytest.fail("no checkpoint was written")


def read_about(path):
    with np.load(
        path, allow_pickle=False
    ) as file:  # while the other process writes: the file is complete at every moment
        return json.loads(str(file["about"]))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "kills"), [("cnn", [2]), ("backbone", [1, 3])])
def test_killed_training_resumes_to_the_same_losses(lesions, tmp_path, kind, kills):
    uninterrupted = start(lesions, tmp_path / "uninterrupted", kind)
    expected, expected_best, expected_probabilities = finish(uninterrupted)
    for epochs in kills:
        kill_after(start(lesions, tmp_path / "killed", kind), tmp_path / "killed" / checkpoints.FILE, epochs)
    history, best, probabilities = finish(start(lesions, tmp_path / "killed", kind))
    for column in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy"):
        assert history[column] == pytest.approx(expected[column], abs=1e-5), column
    assert best == expected_best
    np.testing.assert_allclose(probabilities, expected_probabilities, atol=1e-5)
    assert len(history["seconds"]) == len(expected["epoch"])
    assert [file.name for file in (tmp_path / "killed").iterdir()] == [checkpoints.FILE]


@pytest.fixture
def resumable(data, tmp_path):
    """A function that trains for two epochs, and has done so once: its checkpoint is complete."""

    def fit(**options):
        model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3), seed=1)
        chosen = {"epochs": 2, "recipe": md.Recipe(), "seed": 1, "progress": False, "checkpoint": tmp_path / "here"}
        return md.Detector.fit(model, data, **chosen | options)

    fit.first = fit()
    return fit


def test_complete_training_is_returned_unchanged(resumable, data):
    again = resumable(resume=True)
    assert again.predictor.config.history == resumable.first.predictor.config.history
    pixels = data.validation.pixels((32, 32))
    np.testing.assert_array_equal(
        again.predictor.probabilities(pixels), resumable.first.predictor.probabilities(pixels)
    )


def test_existing_checkpoint_is_not_overwritten(resumable):
    with pytest.raises(DetectorError, match="resume=True"):
        resumable()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 3}, "epochs 2, here 3"),
        ({"seed": 2}, "seed 1, here 2"),
        ({"recipe": replace(md.Recipe(), learning_rate=0.01)}, r"recipe.learning_rate 0.001, here 0.01"),
    ],
)
def test_checkpoint_of_another_training_raises(resumable, change, message):
    with pytest.raises(DetectorError, match=message):
        resumable(resume=True, **change)


def test_checkpoint_of_version_0_1_is_resumed(tmp_path):
    path = tmp_path / checkpoints.FILE
    checkpoints.write(path, checkpoints.TrainingState(seconds=[1.0]), {"pictures": "abc", "picture_size": [32, 32]})
    assert checkpoints.read(path, {"images": "abc", "image_size": (32, 32)}).seconds == [1.0]


def test_file_that_is_not_a_checkpoint_raises(resumable, tmp_path):
    (tmp_path / "here" / checkpoints.FILE).write_bytes(b"not a checkpoint")
    with pytest.raises(DetectorError, match="not a checkpoint of a training"):
        resumable(resume=True)


def test_damaged_checkpoint_raises_its_own_error(tmp_path):
    path = tmp_path / checkpoints.FILE
    checkpoints.write(path, checkpoints.TrainingState(variables=[np.arange(4000.0)]), {})
    sound = path.read_bytes()
    for place in np.random.default_rng(1).integers(0, len(sound), 60):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0x15]) + sound[place + 1 :])
        with contextlib.suppress(DetectorError):  # padding between the members may be any bytes
            checkpoints.read(path, {})
    for content in (sound[:-30], b"", b"\x93NUMPY" + sound):
        path.write_bytes(content)
        with pytest.raises(DetectorError, match="not a checkpoint of a training"):
            checkpoints.read(path, {})
    np.savez(path, about=np.array(json.dumps([1])))
    with pytest.raises(DetectorError, match=r"checkpoint of a training|another version"):
        checkpoints.read(path, {})


def test_resume_needs_a_checkpoint_folder(resumable):
    with pytest.raises(DetectorError, match="without a folder"):
        resumable(resume=True, checkpoint=None)


def test_failed_write_keeps_the_previous_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "here" / checkpoints.FILE
    checkpoints.write(path, checkpoints.TrainingState(seconds=[1.0]), {})
    monkeypatch.setattr(np, "savez", lambda file, **_: (file.write(b"half"), exec("raise OSError('disk full')")))
    with pytest.raises(OSError, match="cannot be written"):
        checkpoints.write(path, checkpoints.TrainingState(seconds=[1.0, 2.0]), {})
    assert checkpoints.read(path, {}).seconds == [1.0]
    assert [file.name for file in path.parent.iterdir()] == [checkpoints.FILE]


HOLD = """
import sys
from melanoma_detect.training.checkpoints import one_training
with one_training(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_processes_do_not_train_with_one_checkpoint(data, tmp_path):
    model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3), seed=1)
    folder = tmp_path / "shared"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match=r"last\.npz: another process is training with it; wait for that one"):
            md.Detector.fit(model, data, epochs=1, seed=1, progress=False, checkpoint=folder)
        other.kill()
    with checkpoints.one_training(folder):  # the system releases it when the process ends, however it ends
        assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_a_training_without_an_epoch_leaves_no_folder(tmp_path):
    with pytest.raises(ZeroDivisionError), checkpoints.one_training(tmp_path / "none"):
        raise ZeroDivisionError
    assert not (tmp_path / "none").exists()
