"""Export formats, compared with the detector."""

import io
import json
import zipfile
from dataclasses import asdict, replace

import numpy as np
import onnx
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DataWarning, DetectorError, OutputError
from melanoma_detect.export.export import check_export_output
from melanoma_detect.export.onnx import TOLERANCE
from melanoma_detect.export.tensorflow import RUNNERS
from melanoma_detect.inference.files import Files
from melanoma_detect.inference.keras_runtime import KerasRuntime
from melanoma_detect.inference.runtime import OnnxRuntime


def config_in(path, form):
    if form == "onnx":
        (text,) = (entry.value for entry in onnx.load(path).metadata_props if entry.key == "detector.json")
    elif form == "litert":
        with zipfile.ZipFile(path) as attached:
            text = attached.read("detector.json")
    else:
        text = (path / "assets.extra" / "detector.json").read_text()
    return json.loads(text)


@pytest.mark.parametrize("form", ["onnx", "litert", "saved_model"])
def test_exports_give_the_detectors_outputs(detector, data, tmp_path, form):
    exported = detector.export(form, tmp_path / "new" / "model", images=data)
    assert exported.max_difference <= TOLERANCE
    assert exported.images == len(data.test)
    assert exported.size > 300_000
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["model"]
    pixels = data.validation.pixels()
    found, expected = RUNNERS[form](tmp_path / "new" / "model")(pixels), detector.predictor.runtime.run(pixels)
    np.testing.assert_allclose(found.logits, expected.logits, atol=1e-3)
    np.testing.assert_allclose(found.features, expected.features, atol=1e-3)
    config = config_in(tmp_path / "new" / "model", form)
    assert config["classes"] == list(detector.classes)
    assert config["image_size"] == [32, 32]
    assert config["operating_point"] == json.loads(json.dumps(asdict(detector.operating_point)))


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("lesion_net", {}),
        pytest.param("mobilenet_v2", {"variant": "0.35", "weights": None}, marks=pytest.mark.slow),
        pytest.param("efficientnet_v2", {"weights": None}, marks=pytest.mark.slow),
        pytest.param("resnet50", {"weights": None}, marks=pytest.mark.slow),
    ],
)
def test_other_architectures_can_be_exported(detector, data, tmp_path, architecture, options):
    model = md.build_model(architecture, num_classes=9, input_shape=(32, 32, 3), **options)
    other = md.Detector(detector.predictor.config, KerasRuntime(model))
    for form in ("litert", "saved_model"):
        assert other.export(form, tmp_path / form, images=data.test).max_difference <= TOLERANCE


def test_printing_one_reads_like_a_sentence(detector, data, tmp_path):
    exported = detector.export("onnx", tmp_path / "mine.onnx")
    assert str(exported).startswith(f"{tmp_path / 'mine.onnx'}: ")
    assert " as ONNX in float32. On 18 images its probabilities " in str(exported)
    assert exported.loss is None


def test_int8_is_small_and_its_loss_is_measured(detector, data, tmp_path):
    exact = detector.export("onnx", tmp_path / "exact.onnx", images=data)
    small = detector.export("onnx", tmp_path / "small.onnx", precision="int8", images=data)
    assert small.size < 0.3 * exact.size
    assert TOLERANCE < small.max_difference < 0.5
    assert small.before == pytest.approx(detector.evaluate(data.test).figures["balanced_accuracy"].value)
    assert small.loss == pytest.approx(small.before - small.after)
    assert abs(small.loss) < 0.15
    assert "points." in str(small)
    assert config_in(tmp_path / "small.onnx", "onnx")["operating_point"] is None


def test_images_without_labels_can_calibrate(detector, data, tmp_path):
    small = detector.export("onnx", tmp_path / "small.onnx", precision="int8", images=data.train.paths[:40])
    assert (small.images, small.before, small.loss) == (40, None, None)


def test_a_detector_of_fewer_classes_in_another_order_is_measured_by_name(detector, lesions, tmp_path):
    few = md.load_dataset(lesions, image_size=(32, 32))
    turned = replace(few.test, classes=tuple(reversed(few.classes)))
    small = detector.export("onnx", tmp_path / "small.onnx", precision="int8", images=turned)
    assert small.before == pytest.approx(detector.evaluate(few.test).figures["balanced_accuracy"].value)


def test_an_export_with_other_outputs_is_not_written(detector, data, tmp_path, monkeypatch):
    def wrong(path):
        run = OnnxRuntime(path).run
        return lambda pixels: run(255 - pixels)

    monkeypatch.setitem(RUNNERS, "onnx", wrong)
    with pytest.raises(DetectorError, match=r"wrong\.onnx: not written, since its outputs are not the detector's"):
        detector.export("onnx", tmp_path / "wrong.onnx", images=data)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"format": "tflite"}, "format='tflite'; expected one of 'onnx', 'litert', 'saved_model'"),
        ({"precision": "int4"}, "precision='int4'; expected 'float32' or 'int8'"),
        ({"format": "litert", "precision": "int8"}, "precision='int8' is written as ONNX only, not as litert"),
        ({"precision": "int8"}, "give images=data"),
        ({"images": []}, "images: there are none"),
    ],
)
def test_invalid_arguments_are_rejected_and_leave_nothing(detector, tmp_path, asked, message):
    chosen = {"format": "onnx"} | asked
    with pytest.raises(DetectorError, match=message):
        detector.export(path=tmp_path / "model", **chosen)
    assert not list(tmp_path.iterdir())


def test_a_split_without_the_detectors_classes_is_rejected(detector, tree, tmp_path):
    with pytest.warns(DataWarning, match="does not know: corn"):
        strangers = md.load_dataset(tree({"wart": 4, "corn": 4}), validation=0, test=1)
    with pytest.raises(DetectorError, match="the test split has none of the detector's classes"):
        detector.export("onnx", tmp_path / "model.onnx", images=strangers.test)


def test_a_folder_that_is_not_empty_is_left_alone(detector, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "note.txt").write_text("mine")
    with pytest.raises(OutputError, match="kept: is a folder that is not empty"):
        detector.export("saved_model", tmp_path / "kept")
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["note.txt"]


def test_onnx_is_named_where_the_architectures_package_is_missing(detector, tmp_path):
    missing = {"name": "my_net", "package": "melanoma-detect-my-net", "version": "0.1.0"}
    config, onnx_file = replace(detector.predictor.config, architecture=missing), detector.predictor.files.onnx
    unknown = io.BytesIO()
    with zipfile.ZipFile(unknown, "w") as archive:
        archive.writestr(
            "config.json", '{"module": "my_net", "class_name": "Own", "config": {}, "registered_name": "Own"}'
        )
    files = Files(onnx=onnx_file, keras=unknown.getvalue)
    other = md.Detector(config, OnnxRuntime(onnx_file), files)
    with pytest.raises(
        DetectorError, match=r"^litert is made .* which is not installed.*\); format='onnx' needs no Keras"
    ):
        other.export("litert", tmp_path / "mine.tflite")
    assert other.export("onnx", tmp_path / "mine.onnx").path.is_file()


def test_a_detector_without_keras_says_so(detector, tmp_path):
    with pytest.raises(DetectorError, match="has no Keras model"):
        md.Detector(detector.predictor.config, OnnxRuntime(detector.predictor.files.onnx)).export(
            "litert", tmp_path / "model.tflite"
        )


def test_an_export_replaces_a_file_only_if_told_and_never_the_detector(detector, tmp_path):
    saved, out = tmp_path / "mine.detector", tmp_path / "mine.onnx"
    detector.save(saved)
    content = saved.read_bytes()
    out.write_text("of the user")
    with pytest.raises(OutputError, match=r"mine\.onnx: already exists"):
        detector.export("onnx", out)
    assert out.read_text() == "of the user"
    assert detector.export("onnx", out, overwrite=True).size > 1000
    with pytest.raises(OutputError, match=r"mine\.detector: is an input"):
        md.Detector.load(saved).export("onnx", saved, overwrite=True)
    assert saved.read_bytes() == content


def test_only_a_saved_model_is_replaced_by_a_saved_model(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "note.txt").write_text("mine")
    with pytest.raises(OutputError, match="is a folder that is not empty"):
        check_export_output("saved_model", tmp_path / "old", overwrite=True)
    (tmp_path / "old" / "saved_model.pb").touch()
    assert check_export_output("saved_model", tmp_path / "old", overwrite=True) == tmp_path / "old"
    with pytest.raises(OutputError, match="is a folder that is not empty"):
        check_export_output("saved_model", tmp_path / "old")
    with pytest.raises(OutputError, match="holds the input"):
        check_export_output("saved_model", tmp_path / "old", overwrite=True, inputs=[tmp_path / "old" / "a.jpg"])
    with pytest.raises(OutputError, match="is a folder; expected a file"):
        check_export_output("onnx", tmp_path / "old", overwrite=True)


def test_images_are_chosen_by_what_their_labels_mean(detector, data, tmp_path):
    spelt = {name: name.upper().replace(" ", "-") for name in data.classes}
    test = replace(
        data.test,
        records=tuple(replace(record, label=spelt[record.label]) for record in data.test),
        classes=tuple(spelt[name] for name in data.classes),
    )
    exported = detector.export("onnx", tmp_path / "small.onnx", precision="int8", images=test)
    assert exported.images == len(data.test)
    assert exported.before == detector.export("onnx", tmp_path / "b.onnx", precision="int8", images=data.test).before


def test_a_batch_of_floats_is_images(detector, image, tmp_path):
    batch = np.stack([image, image]).astype(np.float32)
    assert detector.export("onnx", tmp_path / "mine.onnx", images=batch).images == 2


@pytest.mark.parametrize("name", ["other.tflite", "other.lite"])
def test_an_export_touches_no_file_beside_it(detector, tmp_path, name):
    for taken in ("model.tflite", "other.lite.tflite"):
        (tmp_path / taken).write_text("of somebody else")
    detector.export("litert", tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["model.tflite", "other.lite.tflite", name])
    assert {(tmp_path / taken).read_text() for taken in ("model.tflite", "other.lite.tflite")} == {"of somebody else"}
