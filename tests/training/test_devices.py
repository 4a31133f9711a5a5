"""Training on several devices: two virtual CPUs, and two processes."""

import importlib.util
import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.training.devices import distribute

# Under TensorFlow the CPU is divided into two virtual ones; under JAX two processes connect through a port.
PROGRAM = """
import json, os, sys
import melanoma_detect as md
import keras
from dataclasses import replace

folder, checkpoint, devices, port, process = sys.argv[1:6]
if port != "-":
    keras.distribution.initialize(f"127.0.0.1:{port}", 2, int(process))
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
data = md.load_dataset(folder, image_size=(32, 32), batch_size=16)
recipe = replace(md.Recipe(), augmentation=None, ema=0.9)
model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3), seed=1, dropout=0.0)
devices = int(devices) if devices.isdecimal() else None if devices == "-" else devices
detector = md.Detector.fit(
    model, data, epochs=2, recipe=recipe, seed=1, progress=False, checkpoint=checkpoint, devices=devices
)
answers = detector.predictor.probabilities(data.validation.pixels((32, 32))).tolist()
print(json.dumps([detector.predictor.config.history, detector.predictor.config.recipe["devices"], answers]))
"""


def start(lesions, checkpoint, devices, *, backend="tensorflow", port="-", process=0):
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, lesions, checkpoint, devices, port, process]
    environment = os.environ | {"KERAS_BACKEND": backend}
    return subprocess.Popen(
        [*map(str, command)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


@pytest.mark.slow
def test_two_devices_train_like_one(lesions, tmp_path):
    one, two = (start(lesions, tmp_path / count, count) for count in ("1", "2"))
    (alone, devices, answers), (together, both, same) = finish(one), finish(two)
    assert (devices, both) == (1, 2)
    # The last batch of two devices may have one image less.
    assert together["loss"] == pytest.approx(alone["loss"], rel=0.02)
    assert together["val_loss"] == pytest.approx(alone["val_loss"], rel=0.02)
    assert same[0] == pytest.approx(answers[0], abs=0.03)
    assert (tmp_path / "2" / "last.npz").is_file()


@pytest.mark.backend
def test_two_processes_train_the_same_model(lesions, tmp_path):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed: pip install 'melanoma-detect[jax]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pair = [start(lesions, tmp_path / "ck", "auto", backend="jax", port=port, process=number) for number in (0, 1)]
    (first, devices, answers), (second, _, same) = map(finish, pair)
    assert devices == 2
    for column in ("loss", "val_loss", "accuracy", "val_accuracy"):
        assert first[column] == second[column]
    assert answers == same
    alone = finish(start(lesions, tmp_path / "alone", "-", backend="jax"))[0]
    assert first["loss"] == pytest.approx(alone["loss"], rel=0.03)


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        (64, "devices=64: there are"),
        (np.int64(64), "devices=64: there are"),
        (2.5, "expected 'auto'"),
        (0, "expected 'auto'"),
        ("all", "expected 'auto'"),
        (True, "expected 'auto'"),
    ],
)
def test_unavailable_devices_raise(devices, message):
    with pytest.raises(DetectorError, match=message), distribute(devices):
        pass


@pytest.mark.parametrize("devices", [None, 1, "auto"])
def test_one_device_by_default(devices):
    with distribute(devices) as setup:
        assert (setup.devices, setup.process) == (1, 0)
