"""The features of a detector's file: damaged and hostile ones are refused when it is loaded."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference import feature_arrays
from melanoma_detect.inference.feature_arrays import FeatureParts, features_from_bytes, features_to_bytes
from melanoma_detect.inference.image_types import ImageTypeClassifier
from melanoma_detect.inference.out_of_distribution import FeatureSpace

DETECTOR = Path(__file__).parent / "data" / "schema_3.detector"  # has 16 features
RNG = np.random.default_rng(1)
ARRAYS = {
    "mean": RNG.normal(size=16).astype(np.float32),
    "directions": RNG.normal(size=(16, 3)).astype(np.float32),
    "residual": np.array(0.5),
    "outlier_weights": RNG.normal(size=16).astype(np.float32),
    "outlier_bias": np.array(0.1),
    "image_type_weights": RNG.normal(size=16).astype(np.float32),
    "image_type_bias": np.array(-0.2),
}


def npz(**changes):
    """Return an npz file of good arrays, some of them changed, or left out where they are None."""
    file = io.BytesIO()
    np.savez(file, **{name: array for name, array in (ARRAYS | changes).items() if array is not None})
    return file.getvalue()


def npy(array):
    """Return an array as the bytes of a .npy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def load_with(content, tmp_path):
    """Load a detector whose features.npz holds other bytes."""
    place = tmp_path / "changed.detector"
    with zipfile.ZipFile(DETECTOR) as old, zipfile.ZipFile(place, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name == "features.npz" else old.read(name))
    return md.Detector.load(place)


def test_good_arrays_are_read_and_written_as_they_are(tmp_path):
    parts = features_from_bytes(npz())
    assert parts.width == 16
    again = features_from_bytes(features_to_bytes(parts))
    np.testing.assert_array_equal(again.image_types.weights, ARRAYS["image_type_weights"])
    np.testing.assert_array_equal(again.feature_space.outliers.weights, ARRAYS["outlier_weights"])
    assert (again.feature_space.residual, again.image_types.bias) == (0.5, -0.2)
    assert load_with(npz(), tmp_path).predictor.image_types == ("dermoscopy", "clinical")
    types_alone = dict.fromkeys(("mean", "directions", "residual", "outlier_weights", "outlier_bias"))
    assert features_from_bytes(npz(**types_alone)).feature_space is None
    assert FeatureParts().width is None


NAN = np.full(16, np.nan, np.float32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean": ARRAYS["mean"][:5]}, r"directions is for 16 features, mean for 5"),
        ({"mean": NAN}, "mean has values that are not finite"),
        ({"mean": np.array(["a"] * 16)}, r"mean is <U1 \(16,\), expected floats \(d\)"),
        ({"mean": np.arange(16)}, "mean is int64"),
        ({"directions": ARRAYS["mean"]}, r"directions is float32 \(16,\), expected floats \(d, k\)"),
        ({"directions": np.zeros((16, 0), np.float32)}, r"directions is float32 \(16, 0\)"),
        ({"residual": np.ones(3)}, r"residual is float64 \(3,\), expected floats \(\)"),
        ({"residual": np.array(0.0)}, "residual is 0.0, expected over 1e-12 and below 10"),
        ({"residual": np.array(1e200)}, r"residual is 1e\+200, expected"),
        ({"residual": np.array(1e-200)}, "residual is 1e-200, expected"),
        ({"residual": np.array(np.nan)}, "residual has values that are not finite"),
        ({"residual": None}, "lacks 'residual'"),
        ({"outlier_weights": ARRAYS["mean"][:5]}, "outlier_weights is for 5 features, mean for 16"),
        ({"outlier_weights": NAN}, "outlier_weights has values that are not finite"),
        ({"outlier_bias": None}, "lacks 'outlier_bias'"),
        ({"image_type_weights": ARRAYS["mean"][:5]}, "image_type_weights is for 5 features, mean for 16"),
        ({"image_type_weights": NAN}, "image_type_weights has values that are not finite"),
        ({"image_type_weights": np.ones((16, 2), np.float32)}, r"image_type_weights is float32 \(16, 2\)"),
        ({"image_type_bias": np.array(np.inf)}, "image_type_bias has values that are not finite"),
        ({"image_type_bias": np.zeros(2)}, r"image_type_bias is float64 \(2,\)"),
    ],
)
def test_arrays_that_no_detector_has_are_refused(changes, message, tmp_path):
    with pytest.raises(DetectorError, match=rf"features\.npz is damaged .*{message}"):
        load_with(npz(**changes), tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"no zip", npy(np.ones(3)), npz()[:300]], ids=["empty", "text", "npy", "truncated"]
)
def test_bytes_that_are_no_npz_are_refused(content, tmp_path):
    with pytest.raises(DetectorError, match=r"changed\.detector: .*features\.npz is damaged"):
        load_with(content, tmp_path)


def test_damage_inside_the_zip_is_refused():
    """Each byte of a deflated file changed in turn gives other values or a ValueError, nothing else."""
    file = io.BytesIO()
    np.savez_compressed(file, **ARRAYS)
    good = file.getvalue()
    for at in range(0, len(good), 7):
        bad = good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :]
        try:
            features_from_bytes(bad)
        except ValueError as error:
            assert "features.npz is damaged" in str(error)  # noqa: PT017 - whether it raises depends on the byte


def test_a_zip_that_unpacks_to_a_huge_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_arrays, "MAX_SIZE", 2**20)
    file = io.BytesIO()
    np.savez_compressed(file, **ARRAYS, unused=np.zeros(2**18))
    assert len(file.getvalue()) < 20_000
    with pytest.raises(DetectorError, match=r"would unpack to 2,\d+,\d+ bytes, over 1,048,576; do not trust it"):
        load_with(file.getvalue(), tmp_path)


def test_features_of_another_model_are_refused(tmp_path):
    space = FeatureSpace(np.zeros(8, np.float32), np.eye(8, dtype=np.float32), 1.0)
    content = features_to_bytes(FeatureParts(space, ImageTypeClassifier(np.ones(8, np.float32), 0.0)))
    with pytest.raises(DetectorError, match=r"feature outputs of shape \(16,\), but the rest of the file is for 8"):
        load_with(content, tmp_path)


def test_classes_of_another_model_are_refused(tmp_path):
    place = tmp_path / "changed.detector"
    with zipfile.ZipFile(DETECTOR) as old, zipfile.ZipFile(place, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "detector.json":
                values = json.loads(content)
                content = json.dumps(values | {"classes": values["classes"][:-1]})
            new.writestr(name, content)
    with pytest.raises(DetectorError, match=r"class outputs of shape \(9,\), but the rest of the file is for 8"):
        md.Detector.load(place)


def test_a_header_of_python_2_is_refused_without_a_warning():
    header = io.BytesIO()
    np.lib.format.write_array(header, np.ones(16))
    old = header.getvalue().replace(b"(16,), }", b"(16L,),}")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in ARRAYS.items():
            archive.writestr(f"{name}.npy", old if name == "mean" else npy(array))
    with pytest.raises(ValueError, match="another header than NumPy writes"):
        features_from_bytes(file.getvalue())


@pytest.mark.parametrize(
    "old_and_new",
    [
        (b"'<f8'", b"'\\=8'"),
        (b"(), }", b"(0_) }"),
        (b"'descr'", b"'desc\\'"),
        (b"False", b"0==1,"),
        (b"\x01\0v\0", b"\x01\0w\0"),
    ],
)
@pytest.mark.filterwarnings("always")
def test_a_header_that_numpy_would_warn_of_is_refused_before_it_is_read(old_and_new, recwarn):
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(npz())) as good, zipfile.ZipFile(changed, "w") as bad:
        for name in good.namelist():
            inside = good.read(name)
            bad.writestr(name, inside.replace(*old_and_new) if name == "residual.npy" else inside)
    with pytest.raises(ValueError, match="another header than NumPy writes"):
        features_from_bytes(changed.getvalue())
    assert not recwarn.list
