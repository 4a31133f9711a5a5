"""Callbacks by name: those of the command line."""

import sys
import types

import keras
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.training.callbacks_by_name import NAMES, check_callback_names, make_callbacks


@pytest.fixture
def package(monkeypatch):
    """Install a module `my_callbacks` for a test."""
    module = types.ModuleType("my_callbacks")
    module.Notify = type("Notify", (keras.callbacks.Callback,), {})
    module.ready = keras.callbacks.History()
    module.make = lambda: keras.callbacks.EarlyStopping(patience=1)
    module.number = lambda: 3
    module.needy = lambda address: None
    monkeypatch.setitem(sys.modules, "my_callbacks", module)
    return module


def test_known_names_write_below_the_folder(tmp_path):
    tensorboard, log = make_callbacks(["tensorboard", "csv"], tmp_path)
    assert isinstance(tensorboard, keras.callbacks.TensorBoard)
    assert tensorboard.log_dir == str(tmp_path / "tensorboard")
    assert isinstance(log, keras.callbacks.CSVLogger)
    assert (log.filename, log.append) == (str(tmp_path / "epochs.csv"), True)


def test_a_callback_of_another_package_is_imported(package, tmp_path):
    names = [f"my_callbacks:{name}" for name in ("Notify", "ready", "make")]
    made = make_callbacks(names, tmp_path)
    assert [type(callback).__name__ for callback in made] == ["Notify", "History", "EarlyStopping"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("TensorBoard", "callback 'TensorBoard'; .*expected tensorboard, csv, wandb, or package.module:Name"),
        ("tensorbord", "did you mean 'tensorboard'"),
        ("my_callbacks:", "expected tensorboard"),
        ("my_callbacks:Notfy", "my_callbacks has no Notfy; did you mean 'Notify'"),
        ("my_callbacks:number", "is a int; expected a Keras callback"),
        ("my_callbacks:needy", "cannot be made without arguments"),
        ("no_such_package:Name", "no_such_package cannot be imported"),
    ],
)
def test_other_names_raise(package, tmp_path, name, message):
    with pytest.raises(DetectorError, match=message):
        make_callbacks([name], tmp_path)


def test_a_package_that_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(DetectorError, match="pip install wandb"):
        make_callbacks(["wandb"], tmp_path)


def test_weights_and_biases_gets_the_metrics(monkeypatch, tmp_path):
    started = []
    wandb = types.ModuleType("wandb")
    wandb.run, wandb.init = None, lambda **options: started.append(options)
    integration = types.ModuleType("wandb.integration.keras")
    integration.WandbMetricsLogger = type("WandbMetricsLogger", (keras.callbacks.Callback,), {})
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "wandb.integration", types.ModuleType("wandb.integration"))
    monkeypatch.setitem(sys.modules, "wandb.integration.keras", integration)
    (callback,) = make_callbacks(["wandb"], tmp_path)
    assert type(callback).__name__ == "WandbMetricsLogger"
    assert started == [{"dir": str(tmp_path)}]


def test_a_name_is_given_once():
    check_callback_names(NAMES)
    with pytest.raises(DetectorError, match="'csv' is named 2 times"):
        check_callback_names(["csv", "csv"])
