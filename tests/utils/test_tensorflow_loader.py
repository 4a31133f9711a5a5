"""The loader that keeps TensorFlow quiet."""

import importlib.util
import logging
import os
import sys

import pytest

from melanoma_detect.utils import tensorflow_loader
from melanoma_detect.utils.interruption import Interruption, noting_interruption
from melanoma_detect.utils.tensorflow_import import LEVEL_VARIABLE
from melanoma_detect.utils.tensorflow_loader import QuietLoader, is_asked_by_package, is_not_own_retracing_advice

NOISY = """
import os
os.write(2, b"I0000 00:00:1795733875.462809     745 port.cc:153] oneDNN custom operations are on.\\n")
os.write(2, b"E0000 00:00:1795733875.462809     745 port.cc:153] an error\\n")
level = os.environ["TF_CPP_MIN_LOG_LEVEL"]
class config:
    asked = []
    list_physical_devices = asked.append
"""


@pytest.fixture(autouse=True)
def no_level(monkeypatch):
    monkeypatch.delenv(LEVEL_VARIABLE, raising=False)
    logger = logging.getLogger("tensorflow")
    before = list(logger.filters)
    yield
    logger.filters[:] = before


def load(source, tmp_path, done):
    path = tmp_path / "noisy.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("noisy", path)
    inner = spec.loader
    spec.loader = QuietLoader(inner, LEVEL_VARIABLE, when_done=lambda: done.append(True))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, inner


def test_notes_are_left_out_errors_are_shown_and_nothing_is_left_behind(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(tensorflow_loader, "has_gpu", lambda: False)
    done = []
    module, inner = load(NOISY, tmp_path, done)
    assert capfd.readouterr().err.endswith("] an error\n")
    assert "oneDNN" not in capfd.readouterr().err
    assert module.level == "2"
    assert module.config.asked == ["GPU"]
    assert module.__spec__.loader is module.__loader__ is inner
    assert done == [True]
    assert LEVEL_VARIABLE not in os.environ


def test_a_level_that_the_user_has_chosen_stands(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv(LEVEL_VARIABLE, "3")
    module, _ = load(NOISY, tmp_path, [])
    assert module.level == os.environ[LEVEL_VARIABLE] == "3"
    assert "oneDNN" not in capfd.readouterr().err  # which no level turns off


def test_a_failing_import_passes_through(tmp_path):
    with pytest.raises(ImportError, match="broken"):
        load("raise ImportError('broken')", tmp_path, [])
    assert LEVEL_VARIABLE not in os.environ


def test_advice_on_retracing_is_left_out_for_calls_of_this_package_only(monkeypatch):
    advice = logging.makeLogRecord(
        {"msg": "5 out of the last 5 calls triggered tf.function retracing. Tracing is expensive"}
    )
    assert is_not_own_retracing_advice(advice)  # the tests' own call
    monkeypatch.setattr(tensorflow_loader, "is_asked_by_package", lambda frame: True)
    assert not is_not_own_retracing_advice(advice)
    assert is_not_own_retracing_advice(logging.makeLogRecord({"msg": "out of memory"}))


def test_questions_about_the_module_go_to_its_own_loader():
    assert QuietLoader(sys.__spec__.loader, LEVEL_VARIABLE, when_done=lambda: None).is_package("sys") is False


def test_a_call_by_the_user_is_none():
    assert not is_asked_by_package(sys._getframe())
    assert not is_asked_by_package(None)


def test_a_call_through_this_package_is_one():
    seen = []

    def describe():
        seen.append(is_asked_by_package(sys._getframe()))
        return Interruption("nothing was kept")

    with pytest.raises(KeyboardInterrupt), noting_interruption(describe):
        raise KeyboardInterrupt
    assert seen == [True]
