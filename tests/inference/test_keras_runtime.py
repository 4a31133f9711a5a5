"""Keras models in a detector's file: loaded in Keras's safe mode, and not before their size is known."""

import io
import json
import struct
import tracemalloc
import zipfile
import zlib

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


def with_weights(content, change):
    """Return a `.keras` file whose weights were changed by a function that takes the open HDF5 file."""
    import h5py

    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            inner = old.read(name)
            if name == "model.weights.h5":
                weights = io.BytesIO(inner)
                with h5py.File(weights, "a") as opened:
                    change(opened)
                inner = weights.getvalue()
            new.writestr(name, inner)
    return file.getvalue()


def test_weights_that_announce_more_than_they_hold(content):
    def announce(opened):
        opened.create_dataset("layers/more", shape=(2**31,), dtype="float32", chunks=(2**16,))

    with pytest.raises(DetectorError, match="layers/more announces 8,589,934,592 bytes"):
        model_from_bytes(with_weights(content, announce), {})


def test_a_member_that_unpacks_to_more_than_it_says(content):
    """Its headers say 100 bytes, and 200 MiB are packed in it."""
    packed = zlib.compress(bytes(200 * 2**20), 9)[2:-4]
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, packed if name == "config.json" else old.read(name))
    changed = bytearray(file.getvalue())
    with zipfile.ZipFile(file) as archive:
        start = archive.getinfo("config.json").header_offset
    entry = changed.rindex(b"config.json") - 46
    for method, size in ((start + 8, start + 22), (entry + 10, entry + 24)):
        struct.pack_into("<H", changed, method, zipfile.ZIP_DEFLATED)
        struct.pack_into("<L", changed, size, 100)
    tracemalloc.start()
    try:
        with pytest.raises(DetectorError, match="Keras cannot load the model"):
            model_from_bytes(bytes(changed), {})
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    finally:
        tracemalloc.stop()
