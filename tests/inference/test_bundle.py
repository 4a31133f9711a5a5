"""The detector's file: complete, checked before it is read, and without code."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from detector_members import rewrite

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.bundle import find_file
from melanoma_detect.inference.members import compression


@pytest.fixture
def saved(detector, tmp_path):
    detector.save(tmp_path / "mine.detector")
    return tmp_path / "mine.detector"


def test_members_are_deflated_where_that_pays(saved):
    """Trained weights are stored as they are: deflating them saves little, and takes time at every load."""
    with zipfile.ZipFile(saved) as archive:
        methods = {member.filename: member.compress_type for member in archive.infolist()}
    assert methods["model.onnx"] == methods["model.keras"] == zipfile.ZIP_STORED
    assert methods["detector.json"] == methods["training_fingerprint.json"] == zipfile.ZIP_DEFLATED


def with_config(saved, change, extra=()):
    """Return a copy of a detector's file with `detector.json` changed, and digests that fit."""
    with zipfile.ZipFile(saved) as archive:
        changed = change(archive.read("detector.json").decode()).encode()
    return with_members(saved, **{"detector.json": changed}, **dict.fromkeys(extra, b"import os"))


def with_members(saved, **others):
    """Return a copy of a detector's file with some members changed, or left out where they are None, and digests that fit."""
    place = saved.with_name("changed.detector")
    rewrite(saved, place, others)
    return place


def test_it_holds_no_pickle_and_no_code(saved):
    with zipfile.ZipFile(saved) as archive:
        assert sorted(archive.namelist()) == [
            "MODEL_CARD.md",
            "detector.json",
            "digests.json",
            "features.npz",
            "golden/1.png",
            "golden/2.png",
            "golden/answers.json",
            "model.keras",
            "model.onnx",
            "training_fingerprint.json",
        ]
        text = archive.read("detector.json").decode()
        assert json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))["schema"] == 5


def test_saving_leaves_no_other_files(saved):
    assert [path.name for path in saved.parent.iterdir()] == ["mine.detector"]


def test_a_run_folder_is_searched_for_its_detector(saved):
    assert find_file(saved.parent) == saved
    (saved.parent / "second.detector").write_bytes(b"")
    with pytest.raises(DetectorError, match=r"found mine\.detector, second\.detector; name the file"):
        md.Detector.load(saved.parent)


def test_missing_files(tmp_path):
    with pytest.raises(DetectorError, match="no such detector"):
        md.Detector.load(tmp_path / "nowhere.detector")
    with pytest.raises(DetectorError, match="a folder without a detector"):
        md.Detector.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_zip(tmp_path, content):
    (tmp_path / "bad.detector").write_bytes(content)
    with pytest.raises(DetectorError, match=r"bad\.detector: not a detector"):
        md.Detector.load(tmp_path / "bad.detector")


def test_a_truncated_file(saved):
    saved.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    with pytest.raises(DetectorError, match="not a detector, or a damaged one"):
        md.Detector.load(saved)


def test_a_zip_that_is_no_detector(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.detector", "w") as other:
        other.writestr("hello.txt", "hello")
    with pytest.raises(DetectorError, match=r"lacks detector\.json"):
        md.Detector.load(tmp_path / "other.detector")


def test_models_that_cannot_be_run(saved):
    with pytest.raises(DetectorError, match=r"changed\.detector: its ONNX model is damaged"):
        md.Detector.load(with_members(saved, **{"model.onnx": b"no model"}))
    with pytest.raises(DetectorError, match=r"changed\.detector: its ONNX model"):  # and Keras does not answer for it
        md.Detector.load(with_members(saved, **{"model.onnx": b""}))
    with zipfile.ZipFile(saved) as archive:
        unconnected = archive.read("model.onnx").replace(b"bytes", b"xytes", 1)
    with pytest.raises(DetectorError, match=r"changed\.detector: ONNX Runtime cannot load the model"):
        md.Detector.load(with_members(saved, **{"model.onnx": unconnected}))
    with pytest.raises(DetectorError, match="Keras cannot load the model"):
        md.Detector.load(with_members(saved, **{"model.keras": b"no model"}), engine="keras")


def test_models_of_another_shape_or_without_an_output(saved):
    from melanoma_detect.export.onnx import onnx_bytes

    with zipfile.ZipFile(saved) as archive:
        without = archive.read("model.onnx").replace(b"logits", b"xogits")
    other = onnx_bytes(md.build_model("cnn", num_classes=9, input_shape=(40, 40, 3)))
    for model in (without, other):
        with pytest.raises(
            DetectorError, match=r"changed\.detector: the model cannot be run on images of 32×32 pixels"
        ):
            md.Detector.load(with_members(saved, **{"model.onnx": model}))


def test_golden_images_that_cannot_be_read(saved):
    with pytest.raises(DetectorError, match=r"changed\.detector: its golden images are damaged"):
        md.Detector.load(with_members(saved, **{"golden/1.png": b"no image"}))


def test_a_damaged_fingerprint_raises_when_it_is_needed(saved):
    loaded = md.Detector.load(with_members(saved, **{"training_fingerprint.json": b'{"digests": "abc"}'}))
    with pytest.raises(DetectorError, match=r"training_fingerprint\.json is damaged"):
        loaded.predictor.files.fingerprint()


def test_optional_members_may_be_absent(saved, detector, image):
    expected = detector.predict(image).melanoma
    for absent in ("model.keras", "model.onnx", "features.npz", "MODEL_CARD.md"):
        loaded = md.Detector.load(with_members(saved, **{absent: None}))
        assert loaded.predict(image).melanoma == pytest.approx(expected, abs=1e-5)
        assert loaded.predictor.runtime.name == ("keras" if absent == "model.onnx" else "onnx")
    with pytest.raises(DetectorError, match=r"lacks model\.onnx or model\.keras"):
        md.Detector.load(with_members(saved, **{"model.onnx": None, "model.keras": None}))
    with pytest.raises(DetectorError, match=r"lacks training_fingerprint\.json"):
        md.Detector.load(with_members(saved, **{"training_fingerprint.json": None}))
    with pytest.raises(DetectorError, match="has no Keras model in it"):
        md.Detector.load(with_members(saved, **{"model.keras": None}), engine="keras")
    with pytest.raises(DetectorError, match="no Keras model in it, only one for ONNX Runtime"):
        md.Detector.load(with_members(saved, **{"model.keras": None})).predictor.keras_model()


def test_weights_of_another_model_are_rejected(saved, data):
    from melanoma_detect.export.onnx import onnx_bytes

    other = onnx_bytes(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)))
    with pytest.raises(DetectorError, match=r"differ by .* from those where it was saved"):
        md.Detector.load(with_members(saved, **{"model.onnx": other}))


def test_arrays_with_pickles_are_rejected(saved, tmp_path):
    import io

    file = io.BytesIO()
    np.savez(file, mean=np.array([{"code": 1}], dtype=object), directions=np.zeros(1), residual=1.0)
    with pytest.raises(DetectorError, match="damaged one"):
        md.Detector.load(with_members(saved, **{"features.npz": file.getvalue()}))


def test_a_deleted_file_raises_when_the_fingerprint_is_needed(saved, data):
    loaded = md.Detector.load(saved)
    saved.unlink()
    assert loaded.predict(data.test.paths[0]).source
    with pytest.raises(DetectorError, match="was changed or moved since it was loaded"):
        loaded.evaluate(data.test)


def test_the_feature_space_is_kept(saved, detector, data):
    pixels = data.test.pixels((32, 32))
    features = detector.predictor.runtime.run(pixels).features
    space, loaded = detector.predictor.files.feature_space, md.Detector.load(saved).predictor.files.feature_space
    assert loaded.outliers is not None
    np.testing.assert_array_equal(loaded.distance(features), space.distance(features))


def test_a_loaded_detector_can_be_saved_again(saved, tmp_path, image):
    again = tmp_path / "again" / "second.detector"
    md.Detector.load(saved).at(views=4).save(again)
    loaded = md.Detector.load(again)
    assert loaded.predictor.settings.views == 4
    assert loaded.predictor.files.fingerprint() == md.Detector.load(saved).predictor.files.fingerprint()
    assert loaded.predictor.keras_model().output_shape == (None, 9)


def test_unknown_members_are_not_trusted(saved):
    with pytest.raises(DetectorError, match="members that no detector has"):
        md.Detector.load(with_config(saved, str, extra=["../evil.py"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace('"schema": 5', '"schema": 99'),
            "its schema is 99; this version reads 2, 3, 4 and 5",
        ),
        (lambda text: text.replace('"classes"', '"clases"'), "is damaged"),
        (lambda text: text.replace('"temperature"', '"temprature"'), "is damaged"),
        (lambda text: text[:100], "damaged"),
        (lambda text: "[]", "its schema is None"),
    ],
)
def test_a_damaged_config(saved, change, message):
    with pytest.raises(DetectorError, match=message):
        md.Detector.load(with_config(saved, change))


def test_small_members_are_judged_whole():
    """Samples of 16 kB at every sixteenth of 100 kB overlap, and would look as if they compressed."""
    noise = np.random.default_rng(1).bytes(100_000)
    for content, method in (
        (noise, zipfile.ZIP_STORED),
        (noise * 8, zipfile.ZIP_STORED),
        (b"text" * 9, zipfile.ZIP_DEFLATED),
    ):
        assert compression(content) == method


def test_saving_replaces_a_file_only_if_told(detector, tmp_path):
    path = tmp_path / "mine.detector"
    path.write_text("of the user")
    with pytest.raises(md.errors.OutputError, match=r"mine\.detector: already exists"):
        detector.save(path)
    assert path.read_text() == "of the user"
    detector.save(path, overwrite=True)
    again = md.Detector.load(path)
    again.save(path, overwrite=True)  # over the file that it was loaded from: whole or not at all
    assert md.Detector.load(path).classes == detector.classes


def test_file_that_cannot_be_opened_again_is_an_error_of_the_library(detector, tmp_path, monkeypatch):
    (tmp_path / "gone.detector").write_bytes(b"not a zip")
    monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(PermissionError("not yours")))
    with pytest.raises(DetectorError, match=r"gone\.detector: not a detector"):
        md.Detector.load(tmp_path / "gone.detector")
