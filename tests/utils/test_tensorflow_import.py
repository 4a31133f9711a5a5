"""TensorFlow's start-up notes: gone once this package is imported, unless the user wants to see them."""

import os
import subprocess
import sys

import pytest

from melanoma_detect.utils.tensorflow_import import LEVEL_VARIABLE, QuietFinder, quiet_tensorflow


@pytest.fixture
def no_tensorflow(monkeypatch):
    """Look like a process that has neither imported TensorFlow nor chosen a level."""
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.delenv(LEVEL_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if not isinstance(finder, QuietFinder)])


def finders():
    return sum(isinstance(finder, QuietFinder) for finder in sys.meta_path)


def run(code, **environment):
    """Run a script as a user does: without the level that the tests set."""
    kept = {name: value for name, value in os.environ.items() if name != LEVEL_VARIABLE}
    return subprocess.run(
        [sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True, check=True, timeout=300
    )


def test_one_finder_waits_for_tensorflow(no_tensorflow):
    quiet_tensorflow()
    quiet_tensorflow()
    assert finders() == 1


def test_a_user_who_wants_to_see_everything_does(no_tensorflow, monkeypatch):
    monkeypatch.setenv(LEVEL_VARIABLE, "0")
    quiet_tensorflow()
    assert finders() == 0
    assert QuietFinder().find_spec("tensorflow", None) is None


def test_tensorflow_that_is_imported_already_is_left_alone(no_tensorflow, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    quiet_tensorflow()
    assert finders() == 0


def test_tensorflow_is_wrapped_whoever_imports_it_and_other_modules_are_not(no_tensorflow):
    spec = QuietFinder().find_spec("tensorflow", None)
    assert type(spec.loader).__name__ == "QuietLoader"
    assert QuietFinder().find_spec("json", None) is None


SCRIPT = """
import os, sys
import melanoma_detect as md
data = md.load_dataset(sys.argv[1] if len(sys.argv) > 1 else {folder!r}, image_size=(32, 32))
model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3))
level = os.environ.get("TF_CPP_MIN_LOG_LEVEL")  # tf2onnx sets it
detector = md.Detector.fit(model, data, epochs=1, sensitivity=0.5, progress=False)
for format in ("onnx", "litert", "saved_model"):
    detector.export(format, "model." + format)
import tensorflow as tf
finders = [type(finder).__name__ for finder in sys.meta_path]
print(type(tf.__spec__.loader).__name__, level, "QuietFinder" in finders)
"""


def test_a_script_that_loads_trains_and_exports_prints_nothing(lesions):
    done = run(SCRIPT.format(folder=str(lesions)))
    assert done.stderr == ""
    assert done.stdout.split() == ["SourceFileLoader", "None", "False"]  # nothing is left behind


@pytest.mark.slow
def test_an_import_by_the_user_after_this_package_is_as_quiet():
    done = run("import melanoma_detect, os, keras, tensorflow as tf; print(os.environ.get('TF_CPP_MIN_LOG_LEVEL'))")
    assert (done.stderr, done.stdout) == ("", "None\n")


@pytest.mark.slow
def test_errors_and_what_the_user_has_chosen_are_shown():
    log = "tf.get_logger().error('shown')"
    own = run(f"import tensorflow as tf; import melanoma_detect as md; md.build_model('cnn', num_classes=2); {log}")
    assert "oneDNN custom operations" in own.stderr  # imported before this package
    verbose = run("import melanoma_detect as md; md.build_model('cnn', num_classes=2)", **{LEVEL_VARIABLE: "0"})
    assert "oneDNN custom operations" in verbose.stderr
    quiet = run(f"import melanoma_detect as md; md.build_model('cnn', num_classes=2); import tensorflow as tf; {log}")
    assert "shown" in quiet.stderr
    assert "oneDNN" not in quiet.stderr
