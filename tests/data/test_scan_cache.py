"""Scans are kept for the audit, and taken again where a file has changed."""

import pickle
from dataclasses import replace

import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data import scan_cache


@pytest.fixture
def folder(tree):
    root = tree({"Train/melanoma": 6, "Train/nevus": 6, "Test/melanoma": 2, "Test/nevus": 2})
    with Image.open(root / "Train" / "nevus" / "image_007.png") as image:
        image.transpose(Image.Transpose.ROTATE_90).save(root / "Train" / "nevus" / "turned.png")
    return root


@pytest.fixture
def forbid_scans(monkeypatch):
    """Return a function; once it is called, the test fails where a file is scanned, or compared with others, again."""

    def fail(*arguments):
        raise AssertionError(f"again: {arguments}")

    def scan(images, *_):
        assert not images
        yield from ()

    def forbid():
        monkeypatch.setattr(scan_cache, "scan", scan)
        monkeypatch.setattr(scan_cache, "find_near_duplicates", fail)

    return forbid


def findings(data):
    return md.audit(data, progress=False).to_dict()


def test_an_audit_after_loading_scans_nothing(folder, forbid_scans):
    data = md.load_dataset(folder, image_size=(32, 32))
    forbid_scans()
    assert md.audit(data, progress=False)["same image, other bytes"].count == 1


def test_datasets_made_from_it_share_the_scans(folder, forbid_scans):
    data = md.load_dataset(folder, image_size=(32, 32))
    forbid_scans()
    balanced = md.balance(data, to=8, progress=False)
    assert findings(balanced) == findings(data)
    assert findings(data.with_records(reversed(data.records)))["images"] == len(data)


def test_without_kept_scans_the_findings_are_the_same(folder):
    data = md.load_dataset(folder, image_size=(32, 32))
    assert findings(pickle.loads(pickle.dumps(data))) == findings(data)
    assert findings(replace(data, scans=scan_cache.ScanCache())) == findings(data)


def test_a_part_of_the_records_is_audited_by_itself(folder):
    data = md.load_dataset(folder, image_size=(32, 32))
    few = data.with_records(record for record in data.records if record.path.name != "turned.png")
    assert md.audit(few, progress=False)["same image, other bytes"].count == 0
    assert next(md.folds(few, 2)).scans is data.scans


def test_a_file_that_changed_since_is_scanned_again(folder):
    data = md.load_dataset(folder, image_size=(32, 32))
    Image.fromarray(md.draw_lesion("nevus", seed=99, size=40).pixels // 9).save(
        folder / "Train" / "nevus" / "turned.png"
    )
    (folder / "Train" / "nevus" / "image_008.png").unlink()
    audit = md.audit(data, progress=False)
    assert audit["same image, other bytes"].count == 0
    assert audit["unreadable"].count == 1
    assert "image_008.png: no such file" in audit["unreadable"].values["reasons"][0].replace(
        "cannot be opened (No", "no"
    )


def test_a_file_that_changes_while_the_folder_is_loaded_is_scanned_again(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / "cache"))  # nothing is known of these images yet
    changing = folder / "Train" / "nevus" / "turned.png"
    find = scan_cache.find_near_duplicates

    def change_and_find(*arguments):
        Image.fromarray(md.draw_lesion("nevus", seed=99, size=40).pixels // 9).save(changing)
        return find(*arguments)

    monkeypatch.setattr(scan_cache, "find_near_duplicates", change_and_find)
    data = md.load_dataset(folder, image_size=(32, 32))
    assert md.audit(data, progress=False)["same image, other bytes"].count == 0


def test_large_datasets_keep_nothing(folder, monkeypatch):
    monkeypatch.setattr(scan_cache, "MAX_IMAGES", 3)
    data = md.load_dataset(folder, image_size=(32, 32))
    assert findings(data) == findings(pickle.loads(pickle.dumps(data)))
