"""Folders, as people have them."""

import shutil

import pytest

from melanoma_detect.data.sources.folders import read_folder
from melanoma_detect.errors import DatasetError

PLAIN = {"Train/melanoma": 2, "Train/nevus": 2, "Test/melanoma": 1, "Test/nevus": 1}


def test_train_and_test_are_found(tree):
    contents = read_folder(tree(PLAIN))
    assert contents.splits == {"train", "test"}
    assert contents.classes == ("melanoma", "nevus")
    assert [image.split for image in contents.images].count("test") == 2


@pytest.mark.parametrize("names", [("train", "test"), ("TRAIN", "TEST"), ("training", "Testing")])
def test_in_any_case(tree, names):
    counts = {key.replace("Train", names[0]).replace("Test", names[1]): value for key, value in PLAIN.items()}
    assert read_folder(tree(counts)).splits == {"train", "test"}


def test_one_folder_deeper_as_an_archive_unpacks(tree):
    deeper = tree({f"Skin cancer ISIC/{key}": value for key, value in PLAIN.items()})
    contents = read_folder(deeper)
    assert contents.root == deeper / "Skin cancer ISIC"
    assert len(contents.images) == 6


def test_class_folders_alone(tree):
    contents = read_folder(tree({"melanoma": 2, "nevus": 2}))
    assert contents.splits == frozenset()
    assert {image.split for image in contents.images} == {"train"}
    assert contents.classes == ("melanoma", "nevus")


def test_class_folders_one_folder_deeper(tree):
    assert len(read_folder(tree({"archive/melanoma": 2, "archive/nevus": 2})).images) == 4


def test_validation_folders_are_taken_as_they_are(tree):
    contents = read_folder(tree(PLAIN | {"Val/nevus": 2}))
    assert contents.splits == {"train", "validation", "test"}


def test_other_files_are_listed(tree):
    root = tree(PLAIN)
    (root / "notes.txt").write_text("hello")
    (root / "Train" / "nevus" / "output").mkdir()
    shutil.copy(root / "Train" / "nevus" / "image_003.png", root / "Train" / "nevus" / "output" / "copy.png")
    (root / ".DS_Store").write_text("clutter")
    names = [path.relative_to(root).as_posix() for path in read_folder(root).other_files]
    assert names == ["notes.txt", "Train/nevus/output/copy.png"]


def test_the_order_is_fixed(tree):
    root = tree(PLAIN)
    assert read_folder(root).images == read_folder(root).images
    ids = [image.id for image in read_folder(root).images]
    assert ids[0] == "Train/melanoma/image_001.png"


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "no such folder"),
        ({"Train/melanoma": 2, "Train/nevus": 2}, "without a Test folder"),
        ({"Test/melanoma": 2, "Test/nevus": 2}, "without a Train folder"),
        ({"Train/nevus": 3, "Test/nevus": 1}, "1 class folder "),
        ({"nevus": 3}, "1 class folder "),
        (PLAIN | {"Test/scar": 1}, "Train lacks"),
        (PLAIN | {"Train/scar": 0}, "without images"),
        ({"Train/melanoma": 2, "Train/nevus": 2, "Test/melanoma": 0}, "no images of any class"),
        (PLAIN | {"train/melanoma": 1}, "keep one of them"),
        ({f"one/{key}": value for key, value in PLAIN.items()} | {"two/Train/nevus": 1}, "name the one to load"),
    ],
)
def test_folders_that_cannot_become_a_dataset(tree, counts, message):
    with pytest.raises(DatasetError, match=message) as caught:
        read_folder(tree(counts))
    assert "tree" in str(caught.value)


def test_an_empty_folder_and_a_file(tmp_path):
    with pytest.raises(DatasetError, match="found nothing"):
        read_folder(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="a file; expected a folder"):
        read_folder(tmp_path / "file")
