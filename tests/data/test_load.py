"""From a folder to a dataset."""

import shutil
import warnings

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, DataWarning

PLAIN = {"Train/melanoma": 10, "Train/nevus": 15, "Test/melanoma": 3, "Test/nevus": 3}


def sides(data):
    found = {}
    for record in data.records:
        found.setdefault(record.group, set()).add(record.split)
    return found


def test_a_clean_folder_loads_without_a_word(tree):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = md.load_dataset(tree(PLAIN))
    assert (data.image_size, data.batch_size) == ((180, 180), 32)
    assert [len(data.train), len(data.validation), len(data.test)] == [20, 5, 6]
    assert data.set_aside == ()


def test_class_folders_alone_get_a_test_part(tree):
    data = md.load_dataset(tree({"melanoma": 20, "nevus": 30}))
    assert [len(data.train), len(data.validation), len(data.test)] == [30, 10, 10]


def test_the_seed_decides(tree):
    root = tree(PLAIN)
    assert md.load_dataset(root).records == md.load_dataset(root).records
    assert md.load_dataset(root, seed=1).records != md.load_dataset(root, seed=2).records


def test_a_given_validation_folder_is_kept(tree):
    data = md.load_dataset(tree(PLAIN | {"Validation/nevus": 4}))
    assert len(data.validation) == 4
    assert len(data.train) == 25


def test_the_same_file_never_stands_on_both_sides(tree):
    root = tree(PLAIN)
    for number, source in enumerate(sorted((root / "Train" / "nevus").iterdir())):
        shutil.copy(source, root / "Train" / "nevus" / f"again_{number}.png")
    data = md.load_dataset(root)
    assert all(len(splits) == 1 for splits in sides(data).values())
    digests = {split: {record.digest for record in data.get_split(split).records} for split in ("train", "validation")}
    assert not digests["train"] & digests["validation"]


def test_lesions_of_the_table_never_stand_on_both_sides(tree):
    root = tree(PLAIN)
    names = [path.stem for path in sorted((root / "Train").rglob("*.png"))]
    rows = [f"{name},lesion {number // 2}" for number, name in enumerate(names)]
    (root / "metadata.csv").write_text("image_id,lesion_id\n" + "\n".join(rows))
    data = md.load_dataset(root)
    assert len({record.group for record in data.records}) == 13 + 6
    assert all(len(splits) == 1 for splits in sides(data).values())
    assert data.other_files == ()


def test_the_table_beside_train_is_read_when_train_is_loaded_alone(tree):
    root = tree(PLAIN)
    names = [path.stem for path in sorted((root / "Train").rglob("*.png"))]
    rows = [f"{name}.png;lesion {number // 2}" for number, name in enumerate(names)]
    (root / "metadata.csv").write_text("image_id;lesion_id\n" + "\n".join(rows))
    data = md.load_dataset(root / "Train")
    assert len({record.group for record in data.records}) == 13
    assert all(len(splits) == 1 for splits in sides(data).values())


def test_everything_may_be_test(tree):
    data = md.load_dataset(tree({"melanoma": 1, "nevus": 3}), validation=0, test=1)
    assert [len(data.train), len(data.validation), len(data.test)] == [0, 0, 4]
    half = md.load_dataset(tree({"melanoma": 10, "nevus": 10}, "other"), validation=0, test=0.5)
    assert [len(half.train), len(half.validation), len(half.test)] == [10, 0, 10]


def test_leaks_into_test_are_set_aside_with_their_reason(tree):
    root = tree(PLAIN)
    shutil.copy(root / "Train" / "nevus" / "image_011.png", root / "Test" / "nevus" / "leak.png")
    with pytest.warns(DataWarning, match=r"1 images are set aside .* \(1 the same file"):
        data = md.load_dataset(root)
    assert [entry.record.id for entry in data.set_aside] == ["Test/nevus/leak.png"]
    assert "Train/nevus/image_011.png" in data.set_aside[0].reason


def test_two_labels_for_one_file_are_counted(tree):
    root = tree(PLAIN)
    shutil.copy(root / "Train" / "nevus" / "image_011.png", root / "Train" / "melanoma" / "twin.png")
    with pytest.warns(DataWarning, match=r"1 image carries labels that contradict.*1 as melanoma / nevus"):
        data = md.load_dataset(root)
    assert {entry.record.label for entry in data.set_aside if entry.kind == "conflict"} == {"melanoma", "nevus"}


def test_strange_files_are_named(tree):
    root = tree(PLAIN)
    (root / "Train" / "nevus" / "notes.docx").write_text("hello")
    with pytest.warns(DataWarning, match=r"1 files take no part \(Train/nevus/notes.docx\)"):
        data = md.load_dataset(root)
    assert [path.name for path in data.other_files] == ["notes.docx"]


def test_a_class_with_a_single_image_is_refused(tree):
    with pytest.raises(DatasetError, match=r"single image, .*scar"):
        md.load_dataset(tree(PLAIN | {"Train/scar": 1}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": (0, 180)}, "image_size"),
        ({"image_size": (180,)}, "image_size"),
        ({"image_size": 180}, "image_size"),
        ({"image_size": (180.5, 180)}, "image_size"),
        ({"batch_size": 0}, "batch_size"),
        ({"validation": 1.5}, "leave nothing to train on"),
    ],
)
def test_options_out_of_range_are_refused(tree, options, message):
    with pytest.raises(DatasetError, match=message):
        md.load_dataset(tree(PLAIN), **options)


def test_a_folder_has_a_path():
    with pytest.raises(DatasetError, match="3 is not a folder"):
        md.load_dataset(3)


def test_fractions_must_leave_something(tree):
    with pytest.raises(DatasetError, match="leave nothing to train on"):
        md.load_dataset(tree({"melanoma": 20, "nevus": 30}), validation=0.6, test=0.5)
