"""Keras models in a detector's file: loaded in Keras's safe mode, and not before their size is known."""

import io
import json
import zipfile

import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.keras_runtime import model_from_bytes


def with_config(content, change):
    """Return a `.keras` file with another `config.json`."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            inner = old.read(name)
            new.writestr(name, json.dumps(change(json.loads(inner))) if name == "config.json" else inner)
    return file.getvalue()


@pytest.fixture(scope="module")
def content(detector):
    return detector.predictor.files.keras()


def test_a_model_that_would_fill_the_memory(content):
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/zeros", bytes(70 * 2**20))
    with pytest.raises(DetectorError, match=r"model\.keras: assets/zeros would unpack from"):
        model_from_bytes(file.getvalue(), {})


@pytest.mark.parametrize("damaged", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_keras_file(damaged):
    with pytest.raises(DetectorError, match="Keras cannot load the model"):
        model_from_bytes(damaged, {})


def test_code_in_a_layer_is_not_run(content, tmp_path):
    """A Lambda layer holds the bytes of a Python function: Keras's safe mode refuses it."""
    import keras

    inputs = keras.Input((32, 32, 3))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs)).save(tmp_path / "lambda.keras")
    with pytest.raises(DetectorError, match=r"Keras cannot load the model .*unsafe"):
        model_from_bytes((tmp_path / "lambda.keras").read_bytes(), {})


def test_a_class_of_another_module_is_not_imported(content):
    def foreign(config):
        config["module"], config["class_name"], config["registered_name"] = "os", "system", None
        return config

    with pytest.raises(DetectorError, match="Keras cannot load the model"):
        model_from_bytes(with_config(content, foreign), {})
