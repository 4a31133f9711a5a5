"""The rows of a table: labels, splits, lesions and patients."""

from pathlib import Path

import pytest

from melanoma_detect.data.sources.table import Table, TableRow, group_keys, image_name, stem_of
from melanoma_detect.data.sources.table_reader import read_table
from melanoma_detect.errors import DatasetError


def table(tmp_path, text):
    (tmp_path / "metadata.csv").write_text(text)
    return read_table(tmp_path / "metadata.csv")


def labels(tmp_path, text):
    found = table(tmp_path, text)
    return [found.label(row) for row in found.rows]


@pytest.mark.parametrize(("file", "name"), [("ISIC_1(1).jpg", "ISIC_1"), ("ISIC_1_downsampled.jpg", "ISIC_1")])
def test_second_downloads_are_known_by_their_id(file, name):
    assert image_name(Path(file)) == stem_of(file) == name


@pytest.mark.parametrize("column", ["image_id", "isic_id", "Image", "image name", "id", "PATH", "img-id"])
def test_lesions_are_read(tmp_path, column):
    found = table(tmp_path, f"{column},lesion_id\na,L1\nb,\n")
    assert [found.group_keys(row) for row in found.rows] == [["lesion_id L1"], []]


def test_patients_and_lesions_count_under_any_of_their_names(tmp_path):
    found = table(tmp_path, "image,Lesion ID,patient\na,L1,P1\nb,unknown,P1\nc,-,NaN\n")
    keys = [found.group_keys(row) for row in found.rows]
    assert keys == [["lesion_id L1", "patient_id P1"], ["patient_id P1"], []]
    assert group_keys({"PatientID": "P1"}) == ["patient_id P1"]


@pytest.mark.parametrize("cell", ["-1", "-1.0", "unknown", "N/A", "None", "--", "?", "not available"])
def test_a_placeholder_joins_no_strangers(tmp_path, cell):
    found = table(tmp_path, f"image,patient_id\na,{cell}\nb,{cell}\nc,1\n")
    assert [found.group_keys(row) for row in found.rows] == [[], [], ["patient_id 1"]]


def test_a_kind_of_lesion_is_no_lesion(tmp_path):
    found = table(tmp_path, "image,lesion\na,papule\nb,papule\n")
    assert [found.group_keys(row) for row in found.rows] == [[], []]


def test_other_columns_group_where_they_are_named(tmp_path):
    found = table(tmp_path, "image_id,lesion_id,clinic\na,L1,C1\nb,L2,C1\n")
    assert [found.group_keys(row, ["Clinic"]) for row in found.rows] == [["clinic C1"], ["clinic C1"]]
    with pytest.raises(DatasetError, match="no column 'hospital' to group by; expected one of lesion_id, clinic"):
        found.group_keys(found.rows[0], ["hospital"])


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("Train", "train"),
        ("training", "train"),
        ("val", "validation"),
        ("dev", "validation"),
        ("hold-out", "test"),
        ("NaN", None),
    ],
)
def test_words_of_splits_are_understood(word, split):
    row = TableRow("a", {} if word == "NaN" else {"Split": word})
    assert Table(Path("t.csv"), ("Split",), (row,)).split(row) == split


def test_an_unknown_split_raises():
    row = TableRow("a", {"split": "maybe"})
    with pytest.raises(DatasetError, match=r"t\.csv: the column split says 'maybe' of a; expected train"):
        Table(Path("t.csv"), ("split",), (row,)).split(row)


def test_numbers_of_folds_are_no_splits(tmp_path):
    found = table(tmp_path, "image,fold,set\na,0,vidir\nb,1,msk\n")
    assert [found.split(row) for row in found.rows] == [None, None]


def test_the_truth_goes_before_the_label(tmp_path):
    found = table(tmp_path, "image_id,dx,isic2019_diagnosis\na,bkl,MEL\nb,bkl,\n")
    assert [found.truth(row) for row in found.rows] == [{"MEL"}, {"BKL", "SK"}]
    assert found.rows[1].cells == {"dx": "bkl"}


def test_several_rows_of_an_image_stay(tmp_path):
    assert labels(tmp_path, "image,dx\na,nv\na,mel\n") == ["nv", "mel"]
