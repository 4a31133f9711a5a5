"""Runtimes: ONNX Runtime without Keras, from many threads, and Keras."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.export.onnx import export_onnx
from melanoma_detect.inference.keras_runtime import KerasRuntime
from melanoma_detect.inference.runtime import OnnxRuntime, iterate_batches, run_batched


def test_both_runtimes_give_the_same_outputs(detector, data):
    pixels = data.test.pixels((32, 32))
    keras_runtime = KerasRuntime(detector.predictor.keras_model())
    for onnx, keras in zip(detector.predictor.runtime.run(pixels), keras_runtime.run(pixels), strict=True):
        np.testing.assert_allclose(onnx, keras, atol=1e-4)
        assert onnx.dtype == np.float32


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
        ({"threads": 0}, "threads=0; expected a whole number, from 1 to 1024"),
        ({"threads": 10**9}, "threads=1000000000; expected a whole number, from 1 to 1024"),
        ({"threads": "4"}, "threads='4'; expected a whole number"),
        ({"threads": True}, "threads=True; expected a whole number"),
        ({"providers": ["NoSuchProvider"]}, r"has no NoSuchProvider; it has .*CPUExecutionProvider"),
        ({"providers": []}, "empty list"),
    ],
)
def test_invalid_options_are_rejected(detector, options, message):
    with pytest.raises(DetectorError, match=message):
        OnnxRuntime(detector.predictor.files.onnx, **options)


def test_a_file_that_is_no_model_is_rejected_by_name(tmp_path):
    with pytest.raises(DetectorError, match=r"^ONNX Runtime cannot load the model"):
        OnnxRuntime(b"no model")
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    with pytest.raises(DetectorError, match=r"broken\.onnx: ONNX Runtime cannot load the model"):
        OnnxRuntime(tmp_path / "broken.onnx")


def test_files_with_either_pixel_type_give_the_same_outputs(detector, data, tmp_path):
    export_onnx(detector.predictor.keras_model(), tmp_path / "float32.onnx")
    (tmp_path / "uint8.onnx").write_bytes(detector.predictor.files.onnx)
    pixels = data.test.pixels()
    float32, uint8 = (OnnxRuntime(tmp_path / f"{name}.onnx").run(pixels) for name in ("float32", "uint8"))
    np.testing.assert_allclose(float32.logits, uint8.logits, atol=1e-5)


def test_batches_cover_everything_in_order(detector):
    assert np.concatenate(list(iterate_batches(np.arange(70), 32))).tolist() == list(range(70))
    pixels = np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), np.uint8)
    run = detector.predictor.runtime.run
    for batched, at_once in zip(run_batched(run, pixels, 2), run(pixels), strict=True):
        np.testing.assert_allclose(batched, at_once, rtol=1e-4, atol=1e-5)


def test_the_cpu_is_always_available(detector):
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


PREDICT = """
import melanoma_detect as md
print(md.Detector.load().predict(md.draw_lesion("nevus", seed=1).pixels).decision)
"""


def run_at_home(home, code, **variables):
    home.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    environment |= {"HOME": str(home)} | variables
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)


def test_nothing_is_reported_and_the_home_folder_stays_empty(tmp_path):
    done = run_at_home(tmp_path / "home", PREDICT)
    assert "onnxruntime" not in done.stderr
    assert [path.name for path in (tmp_path / "home").rglob("*") if path.is_file()] == []


def test_whoever_wants_to_report_can(tmp_path):
    asked = "import os, melanoma_detect; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    assert run_at_home(tmp_path / "home", asked, ORT_DISABLE_TELEMETRY="0").stdout == "0\n"
