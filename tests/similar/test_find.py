"""Tests of the search for similar cases: the nearest ones, and never one of the image's own lesion or patient."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, DetectorError, ImageError
from melanoma_detect.similar.find import find_similar


@pytest.fixture(scope="module")
def index(data, detector):
    """Make an index of the synthetic lesions."""
    return md.similar_index(data, detector, progress=False)


def opened(path):
    with Image.open(path) as image:
        return image.copy()


def groups(found):
    return [case.record.group for case in found]


def test_the_nearest_come_first_and_each_shows_another_lesion(detector, index, data):
    for record in data.records[::25]:
        found = detector.similar(record, index)
        distances = [case.distance for case in found]
        assert len(found) == 8
        assert distances == sorted(distances)
        assert len(set(groups(found))) == 8
        assert record.group not in groups(found)


def test_distances_are_cosine_distances_of_the_models_features(detector, index, data):
    record = data.records[0]
    case = detector.similar(record, index, k=1)[0]
    pixels = np.stack([read(one.path, detector) for one in (record, case.record)])
    first, second = detector.predictor.runtime.run(pixels).features.astype(np.float64)
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert case.distance == pytest.approx(1 - cosine, abs=1e-4)


def read(path, detector):
    from melanoma_detect.images.reader import read_pixels

    return read_pixels(path, detector.image_size, detector.predictor.config.resize)


def test_nothing_nearer_is_missed(detector, index, data):
    record = data.records[7]
    found = detector.similar(record, index, k=5)
    features = detector.predictor.runtime.run(read(record.path, detector)[None]).features[0]
    distances = index.vectors.distances(features)
    nearest = {}
    for row in np.argsort(distances, kind="stable"):
        if index.records[row].group != record.group:
            nearest.setdefault(index.records[row].group, row)
    assert [case.record for case in found] == [index.records[row] for row in list(nearest.values())[:5]]


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "file", "array", "pil"])
def test_the_image_itself_is_recognised_however_it_is_given(detector, index, data, kind):
    record = data.records[3]
    given = {
        "path": lambda: record.path,
        "text": lambda: str(record.path),
        "bytes": record.path.read_bytes,
        "file": lambda: io.BytesIO(record.path.read_bytes()),
        "array": lambda: np.asarray(opened(record.path)),
        "pil": lambda: opened(record.path),
    }[kind]()
    found = detector.similar(given, index)
    assert record.group not in groups(found)
    assert found.left_out >= 1


@pytest.mark.parametrize("change", ["copied", "turned", "mirrored", "smaller", "compressed"])
def test_copies_are_recognised(detector, index, data, tmp_path, change):
    record, file = data.records[11], tmp_path / "copy.png"
    image = opened(record.path)
    if change == "copied":
        shutil.copy(record.path, file)
    elif change == "compressed":
        file = tmp_path / "copy.jpg"
        image.save(file, quality=60)
    else:
        changed = {
            "turned": lambda: image.transpose(Image.Transpose.ROTATE_90),
            "mirrored": lambda: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
            "smaller": lambda: image.resize((48, 48), Image.Resampling.BILINEAR),
        }[change]()
        changed.save(file)
    assert record.group not in groups(detector.similar(file, index))


def test_another_photograph_of_the_same_lesion_is_recognised_by_its_detail(detector, data, tmp_path):
    # Shifted and darker: another hash, no common id, but the same detail.
    big = md.draw_lesion("nevus", seed=77, size=160).pixels
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    Image.fromarray(big[10:140, 6:136]).save(first)
    Image.fromarray((big[4:134, 14:144] * 0.9).astype(np.uint8)).save(second)
    added = replace(data.records[0], id="first.png", path=first, group="new", digest="0" * 64, fingerprint="f" * 64)
    found = detector.similar(second, replace(data, records=(*data.records, added)), k=len(data))
    assert "new" not in groups(found)
    assert found.left_out == 1


def test_a_photograph_of_the_lesion_is_recognised_behind_another_one_of_its_group(detector, data, tmp_path):
    big = md.draw_lesion("nevus", seed=77, size=160).pixels
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    Image.fromarray(big[10:140, 6:136]).save(first)
    Image.fromarray((big[4:134, 14:144] * 0.9).astype(np.uint8)).save(second)
    found = detector.similar(second, data, k=2)
    # The nearest case becomes an image of the photograph's group, seen from elsewhere: nearer than the one that tells.
    near = replace(found[0].record, group="new")
    far = replace(data.records[0], id="first.png", path=first, group="new", digest="0" * 64, fingerprint="f" * 64)
    others = [record for record in data.records if record.group not in {found[0].record.group, far.group}]
    index = md.similar_index(replace(data, records=(*others, near, far)), detector, progress=False)
    values = index.vectors.values.copy()
    values[-1] = -values[-2]
    index = replace(index, vectors=replace(index.vectors, values=values))
    assert "new" not in groups(detector.similar(second, index))


def test_all_images_of_the_lesion_and_patient_are_left_out(detector, index, data):
    grouped = next(group for group, rows in index.rows_by_group.items() if len(rows) > 1)
    record = index.records[index.rows_by_group[grouped][0]]
    assert grouped not in groups(detector.similar(record.path, index, k=len(index)))


def test_a_patient_is_left_out_by_name(detector, index):
    image = md.draw_lesion("melanoma", seed=991, size=64).pixels
    first = detector.similar(image, index, k=1)[0].record
    for name in (first.id, first.group):
        assert first.group not in groups(detector.similar(image, index, exclude=[name]))
        assert first.group not in groups(detector.similar(image, index, exclude=name))
    with pytest.raises(DatasetError, match="exclude='nobody': no image of the index"):
        detector.similar(image, index, exclude=["nobody"])


@pytest.mark.parametrize("exclude", [None, 3, b"x", float("nan"), [3], [["x"]]])
def test_what_is_excluded_is_named_by_texts(detector, index, exclude):
    with pytest.raises(DatasetError, match="exclude="):
        detector.similar(index.records[0], index, exclude=exclude)


@pytest.mark.parametrize("k", [0, -1, 2.5, "8", None, True, float("nan")])
def test_k_is_a_whole_number(detector, index, k):
    with pytest.raises(DatasetError, match=r"k=.*expected a whole number, 1 or more"):
        detector.similar(index.records[0], index, k=k)


def test_more_than_there_are_gives_all_and_says_so(detector, index):
    found = detector.similar(index.records[0], index, k=10**9)
    assert len(found) == len(index.rows_by_group) - 1
    assert "there are no more" in str(found)


def test_a_dataset_of_the_image_alone_has_no_case(detector, data):
    found = detector.similar(data.records[0], replace(data, records=data.records[:1]))
    assert (len(found), found.left_out, found.images) == (0, 1, 1)
    assert "0 similar cases of 1 image" in str(found)


def test_an_unreadable_image_and_one_without_numbers(detector, index, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        detector.similar(broken, index)
    with pytest.raises(ImageError, match=r"gone\.jpg"):
        detector.similar(tmp_path / "gone.jpg", index)


def test_another_detector_is_refused(detector, index):
    answers = index.identity.answers
    other = replace(index, identity=index.identity._replace(detector="another one", answers=answers[:, ::-1].copy()))
    with pytest.raises(DetectorError, match=r"made by another detector, another one \(other features"):
        detector.similar(index.records[0], other)
    wider = replace(index, identity=index.identity._replace(answers=np.zeros((3, 7), np.float32)))
    with pytest.raises(DetectorError, match=r"7 features, not 128"):
        detector.similar(index.records[0], wider)
    larger = replace(index, identity=index.identity._replace(image_size=(64, 64)))
    with pytest.raises(DetectorError, match=r"image_size=\(64, 64\), not \(32, 32\)"):
        detector.similar(index.records[0], larger)
    nearly = replace(index, identity=index.identity._replace(answers=answers * np.float32(1.00001)))
    assert len(detector.similar(index.records[0], nearly)) == 8  # as another machine gives them


def test_other_views_are_refused(detector, index):
    with pytest.raises(DetectorError, match="views=1, not 4"):
        detector.at(views=4).similar(index.records[0], index)


def test_another_threshold_is_the_same_model(detector, index):
    assert len(detector.at(sensitivity=0.5).similar(index.records[0], index)) == 8


def test_a_case_whose_file_has_gone_is_still_a_case(detector, index):
    gone = replace(
        index, records=tuple(replace(record, path=Path("gone", record.path.name)) for record in index.records)
    )
    assert len(find_similar(detector.predictor, index.records[0].path, gone)) == 8


def test_an_image_that_the_detector_abstains_from_says_so(detector, index):
    flat = np.full((64, 64, 3), 250, np.uint8)
    prediction = detector.predict(flat)
    assert prediction.abstained
    found = detector.similar(flat, index)
    assert found.reason == prediction.reason
    assert f"abstains from this image ({prediction.reason})" in str(found)
    assert detector.similar(index.records[0], index).reason == ""
