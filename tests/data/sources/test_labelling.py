"""Which column is the label, and what a row's columns say together."""

from pathlib import Path

import pytest

from melanoma_detect.data.sources.labelling import Labelling, has_labels
from melanoma_detect.errors import DatasetError


def read(columns, *rows, names=None):
    cells = [{name: text for name, text in zip(columns, row, strict=True) if text} for row in rows]
    labelling = Labelling(Path("t.csv"), columns, names or ["a"] * len(rows), cells)
    return [labelling.labels(own) for own in cells]


@pytest.mark.parametrize(
    ("columns", "row", "label"),
    [
        (["dx"], ["mel"], "mel"),
        (["MEL", "NV", "BCC", "AKIEC"], ["0.0", "1.0", "0.0", "0.0"], "NV"),
        (["mel", "nv"], ["", "X"], "nv"),
        (["melanoma", "nevus"], ["yes", "no"], "melanoma"),
        (["MEL", "NV"], ["1,0", "0,0"], "MEL"),
        (["dx_MEL", "dx_NV"], ["True", "False"], "MEL"),
        (["diagnosis_1", "diagnosis_2", "diagnosis_3"], ["Malignant", "", "Melanoma Invasive"], "Melanoma Invasive"),
        (["iddx_full"], ["Benign::Benign melanocytic proliferations::Nevus"], "Nevus"),
        (["malignant"], ["True"], "malignant"),
        (["Class Name"], ["wart"], "wart"),
    ],
)
def test_every_known_way_of_labelling_is_read(columns, row, label):
    assert read(columns, row) == [(label,)]


@pytest.mark.parametrize("row", [["0", "0", "1"], ["1", "1", "0"], ["0", "0", "0"]])
def test_no_code_or_two_are_no_label(row):
    assert read(["MEL", "NV", "UNK"], ["1", "0", "0"], row)[1] == ()


def test_names_go_before_numbers_and_raw_labels_before_what_is_understood():
    assert read(["label", "dx"], ["1", "mel"], ["0", "nv"]) == [("mel",), ("nv",)]
    assert read(["label", "diagnosis"], ["type A", "melanoma"], ["type B", "nevus"]) == [("melanoma",), ("nevus",)]
    assert read(["label"], ["1"], ["0.0"]) == [("1",), ("0",)]


def test_a_fine_label_goes_before_a_coarse_one_and_the_coarse_one_fills_gaps():
    rows = read(["benign_malignant", "diagnosis"], ["benign", ""], ["benign", "nevus"], ["malignant", "malignant"])
    assert rows == [("benign",), ("nevus",), ("malignant",)]
    assert read(["dx", "disease"], ["bkl", "seborrheic keratosis"], ["nv", "nevus"])[0] == ("seborrheic keratosis",)


def test_a_row_whose_columns_contradict_each_other_has_both_labels():
    rows = [["nv", "nevus"]] * 20 + [["nv", "melanoma"]]
    assert read(["dx", "label"], *rows)[-1] == ("nv", "melanoma")
    assert read(["diagnosis", "malignant"], *[["nevus", "0"]] * 20, ["nevus", "1"])[-1] == ("nevus", "malignant")


def test_columns_that_contradict_each_other_often_are_asked_for():
    with pytest.raises(DatasetError, match=r"t\.csv: the columns dx and label contradict each other in 3 of 4 rows"):
        read(["dx", "label"], ["nv", "melanoma"], ["nv", "mel"], ["mel", "nevus"], ["nv", "nevus"])


def test_two_columns_of_unknown_classes_are_asked_for():
    with pytest.raises(DatasetError, match="both name classes, and the taxonomy knows neither"):
        read(["class", "category"], ["A", "x"], ["A", "y"], ["B", "y"])
    assert read(["class", "category"], ["A", "one"], ["B", "two"]) == [("A",), ("B",)]


def test_other_columns_are_no_labels():
    assert not has_labels(["image", "dx_type", "diagnosis_confirm_type", "age", "isic2019_diagnosis"])


def test_probabilities_are_no_labels():
    assert read(["MEL", "NV"], ["0.7", "0.3"], ["0.2", "0.8"]) == [(), ()]
    assert read(["MEL"], ["0.3"], ["0.9"]) == [(), ()]


def test_a_column_of_0_and_1_that_fills_the_gaps_is_a_class():
    rows = [["1", "0", "0", "1"], ["0", "1", "0", "0"], ["0", "0", "1", "1"]]
    assert read(["MEL", "NV", "Foo", "biopsied"], *rows) == [("MEL",), ("NV",), ("Foo",)]
    rows[1][2] = "1"  # beside a code: no class of its own
    assert read(["MEL", "NV", "Foo", "biopsied"], *rows) == [("MEL",), ("NV",), ()]


def test_a_named_column_goes_before_the_numbers_beside_it():
    assert read(["label", "label_name"], ["0", "melanoma"], ["1", "nevus"]) == [("melanoma",), ("nevus",)]
    assert read(["is_melanoma"], ["True"], ["False"]) == [("melanoma",), ("not melanoma",)]
