"""The nine-class set as it is: what the library must notice by itself."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.data.metadata import group_keys
from melanoma_detect.data.sources import read_folder
from melanoma_detect.errors import DataWarning

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def isic9(real_folder):
    with pytest.warns(DataWarning) as caught:
        data = md.load_dataset(real_folder / "isic9")
    assert len(caught) == 1
    return data, str(caught[0].message)


def test_every_picture_is_found(isic9):
    data, _ = isic9
    assert len(data) + len(data.set_aside) == 2359
    assert len(data.classes) == 9
    assert data.other_files == ()


def test_double_labels_are_counted(isic9):
    assert "155 pictures carry two labels" in isic9[1]
    assert "78 as melanoma / seborrheic keratosis, 77 as actinic keratosis / nevus" in isic9[1]


def test_leaks_from_train_to_test_are_set_aside(isic9):
    data, message = isic9
    kinds = Counter(entry.reason.split(" as ")[0] for entry in data.set_aside)
    assert kinds == {"the same file": 18, "the same lesion or patient": 26}
    assert "44 pictures are set aside" in message
    assert len(data.test) == 74
    assert data.distribution().loc["actinic keratosis", "test"] == 0


def test_a_third_of_the_test_pictures_show_a_lesion_of_train(real_folder):
    contents = read_folder(real_folder / "isic9")
    keys = group_keys(contents.root / "metadata.csv", contents.records)
    shown = {key for record in contents.records if record.split == "train" for key in keys.get(record.id, ())}
    test = [record for record in contents.records if record.split == "test"]
    assert sum(bool(shown & set(keys.get(record.id, ()))) for record in test) == 39


def test_no_file_and_no_lesion_stands_on_two_sides(isic9):
    data, _ = isic9
    for key in ("digest", "group"):
        sides = {}
        for record in data.records:
            sides.setdefault(getattr(record, key), set()).add(record.split)
        assert all(len(splits) == 1 for splits in sides.values())


def test_the_train_folder_alone_finds_its_table(real_folder):
    with pytest.warns(DataWarning):
        data = md.load_dataset(real_folder / "isic9" / "Train")
    lesions = {}
    table = dict(row.split(",")[:2] for row in (real_folder / "isic9" / "metadata.csv").read_text().splitlines()[1:])
    for record in data.records:
        lesion = table.get(record.path.stem.split("(")[0])
        if lesion:
            lesions.setdefault(lesion, set()).add(record.split)
    assert all(len(splits) == 1 for splits in lesions.values())


def test_validation_is_a_fifth_of_every_class(isic9):
    table = isic9[0].distribution()
    share = table["validation"] / (table["train"] + table["validation"])
    assert share.between(0.17, 0.23).all()


def test_real_pictures_train_balance_and_predict(isic9, real_folder):
    data, _ = isic9
    few = set(data.frame.groupby(["label", "split"]).head(15)["id"])
    chosen = [record for record in data.records if record.id in few]
    small = replace(data.with_records(chosen), image_size=(48, 48))
    balanced = md.balance(small, to="max", progress=False)
    model = md.build_model("cnn", num_classes=9, input_shape=(48, 48, 3))
    detector = md.Detector.fit(model, balanced, epochs=4, progress=False)
    probabilities = detector.evaluate(data.test).probabilities
    assert probabilities.shape == (74, 9)
    assert np.ptp(probabilities, axis=0).max() > 0.05
    original = min((real_folder / "originals").glob("*.jpg"))
    assert detector.predict(original).decision in ("alert", "clear")


@pytest.mark.slow
def test_the_default_network_learns_from_real_pictures(real_folder):
    with pytest.warns(DataWarning):
        data = md.load_dataset(real_folder / "isic9", image_size=(64, 64))
    model = md.build_model("cnn", num_classes=9, input_shape=(64, 64, 3))
    detector = md.Detector.fit(model, md.balance(data, to="max", progress=False), epochs=12, progress=False)
    validation = detector.evaluate(data.validation, seen="keep")
    assert validation.figures["balanced_accuracy"].low > 2 / 9, "chance is 1 in 9"
    assert validation.figures["melanoma_auc"].low > 0.7
    # What no training on this set as it comes can mend: both files of a double label cannot be right.
    assert validation.figures["accuracy"].value < 0.75


def test_nothing_in_the_real_folder_is_ever_changed(real_folder, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in (real_folder / "isic9").rglob("*")}
    with pytest.warns(DataWarning):
        md.balance(md.load_dataset(real_folder / "isic9", image_size=(32, 32)), add=1, cache=tmp_path, progress=False)
    assert {path: path.stat().st_mtime_ns for path in (real_folder / "isic9").rglob("*")} == before
