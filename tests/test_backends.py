"""Keras's other backends: the conformance kit, a training, and a detector saved there and loaded on TensorFlow."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

import melanoma_detect as md

TRAIN = """
import json, sys
import melanoma_detect as md

data = md.load_dataset(sys.argv[1], image_size=(32, 32))
losses = {}
for name in ("cnn", "lesion_net"):
    model = md.build_model(name, num_classes=len(data.classes), input_shape=(32, 32, 3))
    detector = md.Detector.fit(model, data, epochs=3, progress=False)
    losses[name] = list(detector.history["loss"])
detector.evaluate(data.test)
detector.save("other-backend.detector")
photo = str(data.test.paths[0])
import keras
assert detector.explain(photo, method="grad-cam").heat.shape == (32, 32)
assert detector.export("litert", "other-backend.tflite", images=data.test).max_difference < 2e-4
print(json.dumps([keras.backend.backend(), losses, photo, detector.predict(photo).probabilities]))
"""
KIT = """
import sys
from melanoma_detect.testing import check_model

failed = [(name, result.name, result.error) for name in sys.argv[1:] for result in check_model(name) if not result.passed]
sys.exit(repr(failed) if failed else 0)
"""


@pytest.fixture(params=["jax", "torch"])
def run(request, tmp_path):
    """A function that runs a program on another backend."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed: pip install 'melanoma-detect[{request.param}]'")

    def run(code, *arguments):
        environment = os.environ | {"KERAS_BACKEND": request.param}
        command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
        completed = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert completed.returncode == 0, completed.stderr[-3000:]
        return completed.stdout

    run.backend, run.folder = request.param, tmp_path
    return run


@pytest.mark.backend
def test_training_and_prediction(run, lesions):
    backend, losses, photo, probabilities = json.loads(run(TRAIN, lesions).splitlines()[-1])
    assert backend == run.backend
    assert all(values[-1] < values[0] for values in losses.values())
    here = md.Detector.load(run.folder / "other-backend.detector").predict(photo)
    assert here.probabilities == pytest.approx(probabilities, abs=1e-4)


@pytest.mark.backend
def test_the_conformance_kit(run):
    run(KIT, "cnn", "lesion_net")
