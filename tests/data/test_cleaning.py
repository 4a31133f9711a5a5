"""Images with contradicting labels and leaking images are excluded, with their reasons."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data.cleaning import exclude_leaks
from melanoma_detect.data.record import Record
from melanoma_detect.errors import DatasetError, DataWarning

PLAIN = {"Train/melanoma": 6, "Train/nevus": 6, "Test/melanoma": 3, "Test/nevus": 3}


@pytest.fixture
def contradicting(tree):
    """A folder in which one image stands under two labels, once mirrored."""
    root = tree(PLAIN)
    with Image.open(root / "Train" / "nevus" / "image_007.png") as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(root / "Train" / "melanoma" / "mirrored.png")
    return root


def test_a_mirrored_image_under_another_label_is_a_conflict(contradicting):
    with pytest.warns(DataWarning, match="1 image carries labels that contradict each other"):
        data = md.load_dataset(contradicting)
    assert {(entry.kind, entry.record.path.name, entry.reason) for entry in data.set_aside} == {
        ("conflict", "mirrored.png", "the same image is labelled nevus as well"),
        ("conflict", "image_007.png", "the same image is labelled melanoma as well"),
    }


def test_conflicts_may_be_kept_or_refused(contradicting):
    with pytest.warns(DataWarning, match="they stay in, as conflicts='keep' asks"):
        assert len(md.load_dataset(contradicting, conflicts="keep")) == 19
    with pytest.raises(DatasetError, match=r"1 image carries .* or exclude them with conflicts='drop'"):
        md.load_dataset(contradicting, conflicts="error")
    with pytest.raises(DatasetError, match="'drop', 'resolve', 'keep' or 'error'"):
        md.load_dataset(contradicting, conflicts="hope")


def test_the_truth_keeps_the_right_one(contradicting, tmp_path):
    with pytest.raises(DatasetError, match="needs a table of authoritative labels"):
        md.load_dataset(contradicting, conflicts="resolve")
    rows = "image_007,nv\nmirrored,nv\nimage_001,nv\n"
    (tmp_path / "truth.csv").write_text("image_id,dx\n" + rows)
    with pytest.warns(DataWarning, match="2 files that the truth contradicts or does not know are set aside"):
        data = md.load_dataset(contradicting, conflicts="resolve", truth=tmp_path / "truth.csv")
    assert {entry.record.path.name for entry in data.set_aside} == {"mirrored.png", "image_001.png"}
    assert "labelled melanoma, but the table says NV" in {entry.reason for entry in data.set_aside}


def test_leaks_may_be_an_error(tree):
    root = tree(PLAIN)
    shutil.copy(root / "Train" / "nevus" / "image_007.png", root / "Test" / "nevus" / "again.png")
    with pytest.raises(
        DatasetError, match=r"the first is Test/nevus/again\.png: the same file as Train/nevus/image_007"
    ):
        md.load_dataset(root, leaks="error")
    with pytest.raises(DatasetError, match="expected 'drop' or 'error'"):
        md.load_dataset(root, leaks="ignore")


def test_a_class_that_the_gate_empties_is_no_class_any_more(tree):
    root = tree({**PLAIN, "Train/wart": 2})
    for number in (19, 20):
        shutil.copy(root / "Train" / "wart" / f"image_0{number}.png", root / "Train" / "nevus")
    with pytest.warns(DataWarning, match=r"no image is left of wart \(2\): no class any more"):
        data = md.load_dataset(root)
    assert data.classes == ("melanoma", "nevus")


def test_copies_of_augmentor_stay_with_their_parents(tree):
    root = tree(PLAIN)
    number = "03c4ba74-dc5c-4f4e-9b23-0c1f7d8a9e10"
    with Image.open(root / "Train" / "nevus" / "image_007.png") as image:
        turned = image.rotate(8)
    for place in ("Train/nevus", "Test/nevus"):
        turned.save(root / place / f"nevus_original_image_007.png_{number}.png")
    with pytest.warns(DataWarning, match="1 image is set aside because an earlier split shows them"):
        data = md.load_dataset(root)
    copy = next(record for record in data.records if record.parent)
    assert copy.parent == "Train/nevus/image_007.png"
    by_id = {record.id: record for record in data.records}
    assert (copy.split, copy.group) == (by_id[copy.parent].split, by_id[copy.parent].group)
    assert md.audit(data, progress=False)["copies made by Augmentor"].count == 2


def record(name, split="train", group=None, digest=None):
    return Record(name, Path(name), "nevus", split, group or name, digest or f"digest {name}")


def test_images_that_train_shows_are_excluded_from_test():
    records = [
        record("train 1", group="lesion"),
        record("test 1", split="test", group="lesion"),
        record("test 2", split="test"),
        record("test 3", split="test", group="lesion", digest="digest train 1"),
        record("validation 1", split="validation", group="other"),
        record("test 4", split="test", group="other"),
    ]
    remaining, excluded = exclude_leaks(records, "drop")
    assert [one.id for one in remaining] == ["train 1", "test 2", "validation 1"]
    assert {entry.record.id: entry.reason for entry in excluded} == {
        "test 1": "the same image, lesion or patient as train 1, which is in train",
        "test 3": "the same file as train 1, which is in train",
        "test 4": "the same image, lesion or patient as validation 1, which is in validation",
    }
