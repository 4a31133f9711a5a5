"""What a detector finds in a dataset: labels that contradict the images, and images of no skin lesion."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.data_audit.detector_checks import DOUBTFUL, STRANGERS, check_by_detector
from melanoma_detect.data_audit.out_of_fold import FOLDS
from melanoma_detect.images.reader import read_pixels
from melanoma_detect.inference import image_outputs


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Forty lesions of each of two classes that the default detector tells apart, and one picture of noise."""
    root = tmp_path_factory.mktemp("drawn")
    from PIL import Image

    for name in ("nevus", "vascular lesion"):
        folder = root / name
        folder.mkdir()
        for number in range(40):
            Image.fromarray(md.draw_lesion(name, seed=900 + number, size=96).pixels).save(
                folder / f"{name}{number}.png"
            )
    noise = np.random.default_rng(1).integers(0, 255, (96, 96, 3)).astype(np.uint8)
    Image.fromarray(noise).save(root / "nevus" / "noise.png")
    return root


@pytest.fixture(scope="module")
def records(drawn):
    return list(md.load_dataset(drawn, validation=0, test=0, known=None, progress=False).records)


def check(records, detector):
    return check_by_detector(records, [record.group for record in records], [False] * len(records), detector)


def wrong(records, count):
    """Give the first records of each class the label of the other one."""
    labels, changed = sorted({record.label for record in records}), dict.fromkeys([0, 1], 0)
    planted, ids = [], set()
    for record in records:
        own = labels.index(record.label)
        if changed[own] < count and "noise" not in record.path.name:
            changed[own] += 1
            ids.add(record.id)
        planted.append(replace(record, label=labels[1 - own]) if record.id in ids else record)
    return planted, ids


@pytest.fixture(scope="module")
def shipped():
    return md.Detector.load()


@pytest.fixture(scope="module")
def planted(records):
    return wrong(records, 2)


@pytest.fixture(scope="module")
def found(planted, shipped):
    return check(planted[0], shipped)


def test_planted_errors_and_a_stranger_are_found_with_their_neighbours(planted, found):
    ids = planted[1]
    cases = found.labels.cases
    assert {case[0].id for case in cases[:4]} == ids
    assert found.labels.count >= 3
    estimate = found.labels.values["estimate"]
    assert estimate["low"] <= 4 <= estimate["high"]
    assert len(found.labels.values["chances"]) == len(cases) == len(found.labels.values["looks like"])
    for case, name in zip(cases[:4], found.labels.values["looks like"], strict=False):
        assert name != case[0].label
        assert len(case) == 4
        assert case[0].group not in {other.group for other in case[1:]}
    assert found.strangers.cases[0][0].path.name == "noise.png"


def test_too_few_lesions_are_said_to_be(records, shipped):
    few = [record for record in records if record.label == "nevus"][:15]
    assert "two classes with 20 lesions" in check(few, shipped).notes[-1]
    assert FOLDS < 20


def test_a_file_that_has_gone_is_a_note(records, shipped, tmp_path):
    gone = replace(records[0], path=tmp_path / "gone.png", id="gone")
    found = check([*records[:5], gone], shipped)
    assert "gave nothing for 1 image" in found.notes[0]
    assert "gone" not in [case[0].id for case in found.strangers.cases]


def test_the_default_detector_looks_at_neither_few_nor_many_images(records):
    found = check(records[:10], "default")
    assert (found.labels.count, found.strangers.count) == (0, 0)
    assert "100 to 3,000 images, and here are 10" in found.notes[0]
    assert check(records, None).notes == ()


def test_a_missing_default_detector_is_a_note(records, monkeypatch, tmp_path):
    monkeypatch.setattr("melanoma_detect.inference.bundle.SHIPPED", tmp_path / "default.detector")
    assert "the default detector is missing" in check(records * 2, "default").notes[0]


def test_an_audit_has_the_findings_and_the_page_shows_the_neighbours(drawn, planted, found, tmp_path):
    data = md.load_dataset(drawn, validation=0, test=0, known=None, progress=False)
    audit = md.audit(data.with_records(planted[0]), progress=False)
    assert audit[DOUBTFUL].count == audit[STRANGERS].count == 0
    assert audit.notes[0] in str(audit)
    assert audit.to_dict()["notes"] == list(audit.notes)
    shown = replace(audit, findings=(found.labels, found.strangers))
    page = md.report.write_html(shown, tmp_path / "audit.html").read_text()
    assert "looks like" in page
    assert audit.notes[0] in page
    assert shown.frame["kind"].tolist().count(DOUBTFUL) == 4 * len(found.labels.cases)


def test_an_audit_reads_each_image_for_its_detector_once(drawn, shipped, monkeypatch, tmp_path):
    for name in ("nevus", "vascular lesion"):
        (tmp_path / name).mkdir()
        for number in range(3):
            shutil.copy(drawn / name / f"{name}{number}.png", tmp_path / name)
    read = []

    def counted(image, *options):
        read.append(image)
        return read_pixels(image, *options)

    monkeypatch.setattr(image_outputs, "read_pixels", counted)
    md.audit(tmp_path, detector=shipped, progress=False)
    assert len(read) == len(set(read)) == 6


def test_what_is_no_detector_is_refused_before_images_are_read(tmp_path):
    with pytest.raises(md.errors.DetectorError, match=r"detector='mine.detector'; expected a detector"):
        md.audit(tmp_path / "no such folder", detector="mine.detector", progress=False)


def test_the_old_keyword_still_works(drawn):
    with pytest.warns(DeprecationWarning, match=r"use audit\(detector=…\)"):
        assert md.audit(drawn, model=None, progress=False).notes == ()


@pytest.mark.slow
@pytest.mark.real_data
def test_errors_and_strangers_that_are_planted_in_real_images_are_found_and_counted(real_folder, shipped):
    images = md.load_dataset(real_folder / "milk10k", validation=0, test=0, known=None, progress=False).records
    images = [record for record in images if record.metadata["image_type"] == "dermoscopy"]
    unseen = ~shipped.predictor.files.fingerprint().contains(images)
    chosen = [
        record
        for record, new in zip(images, unseen, strict=True)
        if new and record.label in ("basal cell carcinoma", "nevus", "squamous cell carcinoma")
    ]
    everyday = sorted((real_folder / "not_skin").iterdir())[:5]
    rng = np.random.default_rng(5)
    errors = set(rng.permutation(len(chosen))[:20].tolist())
    names = sorted({record.label for record in chosen})
    planted = [
        replace(record, label=names[(names.index(record.label) + 1) % 3]) if number in errors else record
        for number, record in enumerate(chosen)
    ]
    planted += [replace(chosen[0], id=path.name, path=path, group=path.name) for path in everyday]
    found = check(planted, shipped)
    ids = {chosen[number].id for number in errors}
    assert sum(case[0].id in ids for case in found.labels.cases[:20]) >= 12
    estimate = found.labels.values["estimate"]
    assert estimate["low"] <= 20 <= estimate["high"]
    assert {path.name for path in everyday} <= {case[0].id for case in found.strangers.cases[:8]}
