"""Tests of how an index is made of a dataset, kept and found again."""

from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, DataWarning, DetectorError, OutputError
from melanoma_detect.similar import make
from melanoma_detect.similar.make import find_index


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Use an empty cache folder."""
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / "cache"))
    make._latest.clear()
    return tmp_path / "cache" / "similar"


def forbid(*_args, **_options):
    raise AssertionError("the model was run again")


def test_features_are_computed_once(cache, data, detector, monkeypatch):
    first = md.similar_index(data, detector, progress=False)
    assert len(list(cache.glob("*.similar"))) == 1
    monkeypatch.setattr(make, "run_on_images", forbid)
    again = md.similar_index(data, detector, progress=False)
    assert again.records == first.records
    np.testing.assert_array_equal(again.vectors.values, first.vectors.values)


def test_other_labels_are_another_index(cache, data, detector):
    md.similar_index(data, detector, progress=False)
    relabelled = replace(data, records=tuple(replace(record, label="nevus") for record in data.records))
    assert set(md.similar_index(relabelled, detector, progress=False).diagnoses) == {"nevus"}


@pytest.mark.usefixtures("cache")
def test_a_dataset_is_looked_up_by_identity(data, detector, monkeypatch):
    index = find_index(data, detector.predictor, progress=False)
    monkeypatch.setattr(make, "similar_index", forbid)
    assert find_index(data, detector.predictor) is index


def test_a_damaged_cache_is_made_again(cache, data, detector):
    md.similar_index(data, detector, progress=False)
    (file,) = cache.glob("*.similar")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert len(md.similar_index(data, detector, progress=False)) == len(data)


def test_a_cache_that_cannot_be_written_changes_nothing(tmp_path, data, detector, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / "file"))
    assert len(md.similar_index(data, detector, progress=False)) == len(data)


@pytest.mark.usefixtures("cache")
def test_unreadable_images_are_left_out_with_a_warning(data, detector, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    records = tuple(replace(record, path=broken) if row < 2 else record for row, record in enumerate(data.records))
    with pytest.warns(DataWarning, match=r"2 images left out of the similar cases; the first: .*broken\.jpg"):
        index = md.similar_index(replace(data, records=records), detector, progress=False)
    assert len(index) == len(data) - 2
    with pytest.raises(DatasetError, match=r"none of 2 images can be compared with: .*broken\.jpg"):
        md.similar_index(replace(data, records=records[:2]), detector, progress=False)


@pytest.mark.usefixtures("cache")
def test_copies_are_no_cases(data, detector):
    original = data.records[0]
    copy = replace(original, id="copy", parent=original.id)
    index = md.similar_index(replace(data, records=(*data.records, copy)), detector, progress=False)
    assert len(index) == len(data)


@pytest.mark.parametrize("cases", [None, 3, [], {}, np.zeros(3)])
def test_what_is_no_dataset_is_refused(detector, cases):
    with pytest.raises(DatasetError, match="expected a dataset, a split, an index"):
        find_index(cases, detector.predictor)


@pytest.mark.parametrize("other", [None, "x.detector", 3, md.Detector])
def test_what_is_no_detector_is_refused(data, other):
    with pytest.raises(DetectorError, match=r"detector=.*expected a detector, as md\.Detector\.load returns"):
        md.similar_index(data, other)


def test_an_empty_dataset_is_refused(data, detector):
    with pytest.raises(DatasetError, match="no image to compare with"):
        md.similar_index(replace(data, records=()), detector)


def test_a_file_is_checked_before_the_work(data, detector, tmp_path, monkeypatch):
    monkeypatch.setattr(make, "run_on_images", forbid)
    with pytest.raises(OutputError, match="similar"):
        md.similar_index(data, detector, out=tmp_path / "index.npz")


@pytest.mark.usefixtures("cache")
def test_a_split_and_a_file(data, detector, tmp_path):
    index = md.similar_index(data.train, detector, out=tmp_path / "ours.similar", progress=False)
    assert len(index) == len(data.train)
    assert find_index(tmp_path / "ours.similar", detector.predictor).records == index.records
