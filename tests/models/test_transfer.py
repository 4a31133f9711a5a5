"""Transfer learning: preprocessing, weights, and trainable layers of the ImageNet families."""

import http.server
import threading

import keras
import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import ModelError
from melanoma_detect.models import transfer

SMALL = {"num_classes": 3, "input_shape": (64, 64, 3)}
NARROW = {"variant": "0.35", **SMALL}

PREPROCESSING = {
    "mobilenet": keras.applications.mobilenet.preprocess_input,
    "mobilenet_v2": keras.applications.mobilenet_v2.preprocess_input,
    "resnet50": keras.applications.resnet50.preprocess_input,
    "densenet121": keras.applications.densenet.preprocess_input,
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A backbone's weights as Keras saves them, and the backbone."""
    keras.utils.set_random_seed(3)
    backbone = keras.applications.MobileNetV2((64, 64, 3), alpha=0.35, include_top=False, weights=None)
    file = tmp_path_factory.mktemp("weights") / "narrow.weights.h5"
    backbone.save_weights(file)
    return file, backbone


def backbone_weights(model):
    return model.get_layer("backbone").get_weights()


@pytest.mark.parametrize("name", PREPROCESSING)
def test_preprocessing_matches_keras(name, image):
    model = md.build_model(name, weights=None, **SMALL)
    scaled = _before_backbone(model, image)
    np.testing.assert_allclose(scaled, PREPROCESSING[name](image[None].astype(np.float32)), atol=1e-4)


def test_preprocessing_of_efficientnet_matches_keras(image):
    own = keras.applications.EfficientNetV2B0(
        input_shape=(64, 64, 3), include_top=False, weights=None, include_preprocessing=True
    )
    layers = [layer for layer in own.layers if type(layer).__name__ in ("Rescaling", "Normalization")]
    expected = image[None].astype(np.float32)
    for layer in layers:
        expected = layer(expected)
    model = md.build_model("efficientnet_v2", weights=None, **SMALL)
    np.testing.assert_allclose(_before_backbone(model, image), np.asarray(expected), atol=1e-3)


def _before_backbone(model, image):
    body = model.get_layer("body")
    scaled = body._inbound_nodes[-1].input_tensors[0]
    return keras.Model(model.input, scaled).predict(image[None].astype(np.float32), verbose=0)


def test_weights_are_loaded_from_a_file(weights):
    file, backbone = weights
    model = md.build_model("mobilenet_v2", weights=file, **NARROW)
    for actual, expected in zip(backbone_weights(model), backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_random_weights_make_no_backbone():
    names = [layer.name for layer in md.build_model("mobilenet_v2", weights=None, **NARROW).layers]
    assert "body" in names
    assert "backbone" not in names


def test_trainable_layers(weights):
    file, _ = weights
    counts = {
        trainable: len(md.build_model("mobilenet_v2", weights=file, trainable=trainable, **NARROW).trainable_weights)
        for trainable in ("head", "top", "all")
    }
    assert counts["head"] == 2
    assert 2 < counts["top"] < counts["all"]
    with pytest.raises(ModelError, match="'head', 'top' or 'all'"):
        md.build_model("mobilenet_v2", weights=file, trainable="some", **NARROW)


def test_batch_normalization_of_a_backbone_is_never_trainable(weights):
    file, _ = weights
    backbone = md.build_model("mobilenet_v2", weights=file, trainable="all", **NARROW).get_layer("backbone")
    assert not any(layer.trainable for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization))


def test_cut_backbone_loads_cut_and_complete_files(weights, tmp_path):
    file, backbone = weights
    cut = keras.Model(backbone.input, backbone.get_layer("block_6_project_BN").output)
    short = tmp_path / "cut.weights.h5"
    cut.save_weights(short)
    for given in (short, file):
        model = md.build_model("mobilenet_v2", weights=given, until="block_6_project_BN", **NARROW)
        for actual, expected in zip(backbone_weights(model), cut.get_weights(), strict=True):
            np.testing.assert_array_equal(actual, expected)


def test_file_of_a_cut_backbone_suggests_where_to_cut(weights, tmp_path):
    _, backbone = weights
    short = tmp_path / "cut.weights.h5"
    keras.Model(backbone.input, backbone.get_layer("block_6_project_BN").output).save_weights(short)
    with pytest.raises(ModelError, match=r"as many up to 'block_6_project_BN': pass until='block_6_project_BN'"):
        md.build_model("mobilenet_v2", weights=short, **NARROW)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "nowhere.h5"}, "no such file"),
        ({"weights": None, "until": "conv_99"}, "until='conv_99': the backbone has no such layer"),
        ({"weights": None, "input_shape": (16, 16, 3)}, "at least 32×32"),
    ],
)
def test_invalid_options_raise(options, message):
    with pytest.raises(ModelError, match=message):
        md.build_model("mobilenet_v2", **{**NARROW, **options})


def test_file_that_is_not_weights_raises(tmp_path):
    file = tmp_path / "weights.h5"
    file.write_text("not weights")
    with pytest.raises(ModelError, match=r"weights\.h5: not a weights file"):
        md.build_model("mobilenet_v2", weights=file, **NARROW)


def test_file_of_another_variant_raises(weights):
    with pytest.raises(ModelError, match=r"do not fit.*check the family and its variant"):
        md.build_model("mobilenet_v2:0.5", weights=weights[0], **SMALL)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A local server for Keras's download: only the address differs from the real one."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *arguments):
            pass

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(home))
    address = f"http://127.0.0.1:{served.server_port}/"
    monkeypatch.setattr("keras.src.applications.mobilenet_v2.BASE_WEIGHT_PATH", address)
    yield folder
    served.shutdown()
    served.server_close()


def test_imagenet_weights_are_downloaded_by_keras(server, weights):
    _, backbone = weights
    # Keras keeps its ImageNet files in the older format, under this name.
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    _save_legacy(backbone, server / name)
    model = md.build_model("mobilenet_v2", **NARROW)
    for actual, expected in zip(backbone_weights(model), backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_failed_download_raises(server):
    with pytest.raises(ModelError, match=r"cannot download or read the weights.*pass a file"):
        md.build_model("mobilenet_v2", **NARROW)


def _save_legacy(model, file):
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(file, "w") as group:
        legacy_h5_format.save_weights_to_hdf5_group(group, model)


@pytest.mark.parametrize("name", ["mobilenet", "mobilenet_v3:large", "convnext_tiny"])
def test_other_families_can_be_built(name):
    assert md.build_model(name, weights=None, **SMALL).output_shape == (None, 3)


def test_builders_can_be_called_directly():
    assert transfer.mobilenet(variant="0.25", weights=None, **SMALL).name == "mobilenet"
