"""From a folder to a dataset."""

import shutil
import warnings

import numpy as np
import pytest
from PIL import Image

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
    assert md.load_dataset(tree({"melanoma": 1, "nevus": 3}), test=1).distribution()["test"].to_list() == [1, 3]
    half = md.load_dataset(tree({"melanoma": 10, "nevus": 10}, "other"), validation=0, test=0.5)
    assert [len(half.train), len(half.validation), len(half.test)] == [10, 0, 10]


def test_leaks_into_test_are_set_aside_with_their_reason(tree):
    root = tree(PLAIN)
    shutil.copy(root / "Train" / "nevus" / "image_011.png", root / "Test" / "nevus" / "leak.png")
    with pytest.warns(DataWarning, match=r"1 image is set aside .* \(1 the same file"):
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
    with pytest.warns(DataWarning, match=r"1 file takes no part \(Train/nevus/notes.docx\)"):
        data = md.load_dataset(root)
    assert [path.name for path in data.other_files] == ["notes.docx"]


def test_a_rare_class_stays_in_train_is_set_aside_or_refused(tree):
    root = tree({"melanoma": 10, "nevus": 10, "scar": 2})
    with pytest.warns(DataWarning, match=r"scar \(2\): too few different lesions .* stay in train"):
        data = md.load_dataset(root)
    assert data.distribution().loc["scar"].to_list() == [2, 0, 0, 2]
    with pytest.warns(DataWarning, match=r"scar \(2\): too few .* set aside"):
        data = md.load_dataset(root, rare="exclude")
    assert data.classes == ("melanoma", "nevus")
    assert [entry.kind for entry in data.set_aside] == ["lone class"] * 2
    with pytest.raises(DatasetError, match=r"scar \(2\): too few"):
        md.load_dataset(root, rare="error")
    with pytest.raises(DatasetError, match="did you mean 'train'"):
        md.load_dataset(root, rare="trian")


def test_rare_is_counted_by_the_splits_that_are_to_be_filled(tree):
    root = tree({"melanoma": 10, "nevus": 10, "scar": 2})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert md.load_dataset(root, validation=0).distribution().loc["scar"].to_list() == [1, 0, 1, 2]
        assert md.load_dataset(root, validation=0, test=0).distribution().loc["scar"].to_list() == [2, 0, 0, 2]


def test_a_rare_class_does_not_change_the_split_of_the_others(tree):
    with pytest.warns(DataWarning, match="scar"):
        one = md.load_dataset(tree({"melanoma": 10, "nevus": 10, "scar": 1}))
    other = md.load_dataset(tree({"melanoma": 10, "nevus": 10}, "other"))
    assert [(record.id, record.split) for record in one.records if record.label != "scar"] == [
        (record.id, record.split) for record in other.records
    ]


def test_images_of_one_patient_stay_in_train(tree):
    root = tree({"melanoma": 4, "nevus": 4})
    rows = [f"{path.stem},P-0000001" for path in sorted(root.rglob("*.png"))]
    (root / "metadata.csv").write_text("image_id,patient_id\n" + "\n".join(rows))
    with pytest.warns(DataWarning, match=r"melanoma \(4\), nevus \(4\): too few"):
        data = md.load_dataset(root)
    assert [len(data.train), len(data.validation), len(data.test)] == [8, 0, 0]


def test_a_class_without_readable_images_is_no_class(tree):
    root = tree(PLAIN | {"Train/scar": 2})
    for path in (root / "Train" / "scar").iterdir():
        path.write_text("no image")
    with pytest.warns(DataWarning, match=r"no image is left of scar \(2\): no class any more"):
        data = md.load_dataset(root)
    assert data.classes == ("melanoma", "nevus")


def test_a_class_without_training_images_is_set_aside_and_named(tree):
    root = tree({"melanoma": 6, "nevus": 6, "scar": 2})
    rows = [
        f"{path.stem},{path.parent.name},{'test' if 'scar' in path.parts else 'train'}" for path in root.rglob("*.png")
    ]
    (root / "t.csv").write_text("image,label,split\n" + "\n".join(rows))
    with pytest.warns(DataWarning, match=r"scar \(2\): in validation or test alone"):
        data = md.load_dataset(images=root, labels=root / "t.csv")
    assert data.classes == ("melanoma", "nevus")
    assert [entry.kind for entry in data.set_aside] == ["lone class"] * 2


def test_a_class_whose_training_images_cannot_be_read_is_set_aside(tree):
    root = tree(
        {"Train/melanoma": 6, "Train/nevus": 6, "Train/scar": 3, "Test/melanoma": 2, "Test/nevus": 2, "Test/scar": 2}
    )
    for path in (root / "Train" / "scar").iterdir():
        path.write_bytes(b"damaged")
    with pytest.warns(DataWarning, match=r"3 files cannot be read.*scar \(2\): in validation or test alone"):
        data = md.load_dataset(root)
    assert data.classes == ("melanoma", "nevus")
    assert sorted(entry.kind for entry in data.set_aside) == ["lone class"] * 2 + ["unreadable"] * 3


def test_labels_are_renamed_and_dropped(tree):
    root = tree({"nv": 8, "Mole": 4, "mel": 8, "lentigo": 3})
    data = md.load_dataset(root, label_map={"nevus": "nevus", "mole": "nevus", "LENTIGO": None})
    assert data.classes == ("mel", "nevus")
    assert data.distribution()["total"].to_dict() == {"mel": 8, "nevus": 12}
    assert [(entry.kind, entry.reason) for entry in data.set_aside] == [("dropped", "label_map drops lentigo")] * 3


@pytest.mark.parametrize(
    ("label_map", "message"),
    [
        ({"nevuss": "mole"}, "did you mean 'nevus'"),
        ({"nevus": 3}, "the new name 3"),
        ({0: "nevus", "0": "melanoma"}, "names a label twice"),
        ({"nevus": None, "melanoma": None}, "no image with a label is left"),
        ("nevus", "expected a mapping"),
    ],
)
def test_a_label_map_that_fits_nothing_is_refused(tree, label_map, message):
    with pytest.raises(DatasetError, match=message):
        md.load_dataset(tree(PLAIN), label_map=label_map)


def test_numbers_for_labels_are_refused_until_they_are_named(tree):
    root = tree({"images": 20})
    names = [path.stem for path in sorted(root.rglob("*.png"))]
    table = root / "t.csv"
    table.write_text("image,label\n" + "\n".join(f"{name},{number % 2}" for number, name in enumerate(names)))
    with pytest.raises(DatasetError, match=r"the labels are numbers \(0, 1\).*label_map"):
        md.load_dataset(images=root / "images", labels=table)
    data = md.load_dataset(images=root / "images", labels=table, label_map={"0": "nevus", 1: "melanoma"})
    assert data.distribution()["total"].to_dict() == {"melanoma": 10, "nevus": 10}


def test_unknown_labels_are_named_and_counted(tree):
    with pytest.warns(DataWarning, match=r"does not know: foobar \(9\)"):
        md.load_dataset(tree({"melanoma": 9, "foobar": 9}))


def test_ids_of_two_clinics_are_no_strangers_joined(tree):
    sources = []
    for place in ("one", "two"):
        root = tree({"melanoma": 8, "nevus": 8}, place)
        for number, path in enumerate(sorted(root.rglob("*.png"))):
            seed = number + 100 * len(sources)
            Image.fromarray(md.draw_lesion(path.parent.name, seed=seed, size=48).pixels).save(path)
        rows = [f"{path.stem},{number},HAM_{number:07d}" for number, path in enumerate(sorted(root.rglob("*.png")))]
        (root / "metadata.csv").write_text("image_id,patient_id,lesion_id\n" + "\n".join(rows))
        sources.append(root)
    joined = md.load_dataset(sources, image_size=(32, 32))
    apart = md.load_dataset(sources, image_size=(32, 32), groups="patient_id")
    assert len({record.group for record in joined.records}) == 16
    assert len({record.group for record in apart.records}) == 32


def test_each_source_groups_by_the_columns_that_it_has(tree):
    sources = [tree({"melanoma": 4, "nevus": 4}, place) for place in ("one", "two")]
    for root, column in zip(sources, ("lesion_id", "patient_id"), strict=True):
        for number, path in enumerate(sorted(root.rglob("*.png"))):
            Image.fromarray(md.draw_lesion(path.parent.name, seed=number + 50 * len(column), size=48).pixels).save(path)
        rows = [f"{path.stem},joined{number // 2}" for number, path in enumerate(sorted(root.rglob("*.png")))]
        (root / "metadata.csv").write_text(f"image_id,{column}\n" + "\n".join(rows))
    data = md.load_dataset(sources, image_size=(32, 32), groups=["lesion_id", "patient_id"], validation=0, test=0)
    assert len({record.group for record in data.records}) == 8
    with pytest.raises(DatasetError, match="no column 'case' to group by"):
        md.load_dataset(sources, image_size=(32, 32), groups=["lesion_id", "case"])


def test_the_truth_may_lie_in_the_home_folder(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    root = tree(PLAIN)
    shutil.copy(root / "Train" / "nevus" / "image_011.png", root / "Train" / "melanoma" / "twin.png")
    (tmp_path / "truth.csv").write_text("image_id,dx\nimage_011,nv\ntwin,nv\n")
    with pytest.warns(DataWarning, match="1 file that the truth contradicts"):
        data = md.load_dataset(root, conflicts="resolve", truth="~/truth.csv")
    assert [entry.record.path.name for entry in data.set_aside] == ["twin.png"]


def test_two_rows_for_one_image_are_a_conflict(tree):
    root = tree({"images": 20})
    names = [path.stem for path in sorted(root.rglob("*.png"))]
    rows = [f"{name},{('nevus', 'melanoma')[number % 2]}" for number, name in enumerate(names)]
    table = root / "t.csv"
    table.write_text("image,label\n" + "\n".join([*rows, f"{names[0]},melanoma", f"{names[1]},melanoma"]))
    with pytest.warns(
        DataWarning, match=r"1 image carries labels that contradict each other \(1 as melanoma / nevus\)"
    ):
        data = md.load_dataset(images=root / "images", labels=table)
    assert [(entry.kind, entry.record.path.stem) for entry in data.set_aside] == [("conflict", names[0])]
    with pytest.raises(DatasetError, match="1 image carries"):
        md.load_dataset(images=root / "images", labels=table, conflicts="error")


@pytest.mark.parametrize("size", [[32, 48], np.array([32, 48]), (np.int64(32), np.uint8(48))])
def test_any_sequence_of_whole_numbers_is_an_image_size(tree, size):
    data = md.load_dataset(tree(PLAIN), image_size=size, batch_size=np.int64(4))
    assert data.image_size == (32, 48)
    assert data.test.pixels(size).shape == (6, 32, 48, 3)
    assert data.test.batches(size, batch_size=np.int64(2))[0][0].shape == (2, 32, 48, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": (0, 180)}, "image_size"),
        ({"image_size": (180,)}, "image_size"),
        ({"image_size": 180}, "image_size"),
        ({"image_size": (180.5, 180)}, "image_size"),
        ({"batch_size": 0}, "batch_size"),
        ({"validation": 1.5}, "expected a fraction from 0 to 1"),
        ({"test": float("nan")}, "expected a fraction"),
        ({"test": "0.2"}, "expected a fraction"),
        ({"test": 10**400}, "expected a fraction"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"leaks": "dorp"}, "did you mean 'drop'"),
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


def test_a_dataset_of_conflicts_alone_is_refused(tree):
    root = tree({"melanoma": 2, "nevus": 2})
    for number, path in enumerate(sorted((root / "melanoma").iterdir())):
        path.rename(root / "melanoma" / f"{number}.png")
        shutil.copy(root / "melanoma" / f"{number}.png", root / "nevus" / f"copy{number}.png")
    for path in (root / "nevus").glob("[!c]*.png"):
        path.unlink()
    with pytest.raises(DatasetError, match="no image is left to load; 2 images carry labels that contradict"):
        md.load_dataset(root)


def test_blanks_around_a_class_folder_do_not_count(tree):
    assert md.load_dataset(tree({"Melanoma ": 4, "nevus": 4}), validation=0).classes == ("Melanoma", "nevus")


def test_files_beside_the_set_are_not_counted_as_its_own(tree):
    root = tree({"isic9/Train/nevus": 4, "isic9/Train/melanoma": 4, "isic9/Test/nevus": 1, "isic9/Test/melanoma": 1})
    (root / "isic9" / "notes.docx").write_text("")
    for name in ("a1.ipynb", "b2.ipynb"):
        (root / name).write_text("{}")
    expected = r"1 file takes no part \(notes\.docx\) and 2 files beside isic9 take no part \(a1\.ipynb, b2\.ipynb\)"
    with pytest.warns(DataWarning, match=expected):
        md.load_dataset(root, validation=0)
