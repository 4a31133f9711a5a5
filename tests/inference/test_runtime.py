"""What runs a model: ONNX Runtime without Keras, from many threads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.keras_runtime import KerasRuntime
from melanoma_detect.inference.runtime import OnnxRuntime


def test_both_runtimes_say_the_same(detector, data):
    pixels = data.test.pixels((32, 32))
    for ours, theirs in zip(
        detector.predictor.runtime.run(pixels), KerasRuntime(detector.predictor.keras_model()).run(pixels), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        assert ours.dtype == np.float32


def test_many_threads_share_one_detector(detector, data):
    paths = data.test.paths * 6
    expected = [answer.probabilities for answer in detector.predict(paths)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda path: detector.predict(path).probabilities, paths))
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)


def test_nothing_heavy_is_imported_to_predict(detector, data, tmp_path):
    detector.save(tmp_path / "mine.detector")
    code = (
        "import sys, melanoma_detect as md\n"
        "answer = md.Detector.load(sys.argv[1], threads=1).predict(sys.argv[2])\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'matplotlib', 'sklearn', 'scipy', 'rich', 'torch', 'jax'}\n"
        "print(answer.melanoma, sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "mine.detector"), str(data.test.paths[0])]
    melanoma, _, heavy = subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition(" ")
    assert float(melanoma) == pytest.approx(detector.predict(data.test.paths[0]).melanoma, abs=1e-5)
    assert heavy.strip() == "[]"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads=0; expected 1 or more"),
        ({"providers": ["NoSuchProvider"]}, r"has no NoSuchProvider; it has .*CPUExecutionProvider"),
        ({"providers": []}, "empty list"),
    ],
)
def test_what_it_cannot_use_is_refused(detector, options, message):
    with pytest.raises(DetectorError, match=message):
        OnnxRuntime(detector.predictor.files.onnx, **options)


def test_what_is_no_model_is_refused():
    with pytest.raises(DetectorError, match="does not take the model"):
        OnnxRuntime(b"no model")


def test_the_processor_is_always_there(detector):
    assert OnnxRuntime(detector.predictor.files.onnx, providers=["CPUExecutionProvider"]).session.get_providers() == [
        "CPUExecutionProvider"
    ]


def unexportable(*, input_shape, num_classes):
    """A network whose author marked it."""
    return md.models.cnn.build(input_shape=input_shape, num_classes=num_classes)


def test_a_marked_architecture_runs_on_keras(data, tmp_path):
    import melanoma_detect.models.cnn  # noqa: F401

    unexportable.onnx = False
    model = md.build_model(unexportable, num_classes=9, input_shape=(32, 32, 3))
    made = md.Detector.fit(model, data, epochs=1, progress=False)
    made.save(tmp_path / "mine.detector")
    loaded = md.Detector.load(tmp_path / "mine.detector")
    assert loaded.predictor.runtime.name == "keras"
    assert "onnx = False" in loaded.predictor.config.export["problem"]
    answers = [one.predict(data.test.paths[0]).melanoma for one in (made, loaded)]
    assert answers[0] == pytest.approx(answers[1], abs=1e-6)
    with pytest.raises(DetectorError, match=r"has no ONNX model .* use engine='keras'"):
        md.Detector.load(tmp_path / "mine.detector", engine="onnx")
