"""The table beside the images."""

from pathlib import Path

import pytest

from melanoma_detect.data.sources.table import describe, find_table, image_name, read_table
from melanoma_detect.errors import DatasetError, DataWarning


def files(*names):
    return [Path(f"{name}.jpg") for name in names]


def table(tmp_path, text):
    (tmp_path / "metadata.csv").write_text(text)
    return tmp_path / "metadata.csv"


def group_keys(path, paths, groups=None):
    found = find_table(path)
    descriptions = [] if found is None else describe(found, paths, groups)
    return {path.stem: described.keys for path, described in zip(paths, descriptions, strict=False) if described.keys}


@pytest.mark.parametrize("column", ["image_id", "isic_id", "image", "image_name", "id"])
def test_lesions_are_read(tmp_path, column):
    keys = group_keys(table(tmp_path, f"{column},lesion_id\na,L1\nb,\n"), files("a", "b", "c"))
    assert keys == {"a": ["lesion_id L1"]}


def test_patients_and_lesions_both_count(tmp_path):
    keys = group_keys(table(tmp_path, "image_id,lesion_id,patient_id\na,L1,P1\nb,,P1\n"), files("a", "b"))
    assert keys == {"a": ["lesion_id L1", "patient_id P1"], "b": ["patient_id P1"]}


@pytest.mark.parametrize(("file", "name"), [("ISIC_1(1).jpg", "ISIC_1"), ("ISIC_1_downsampled.jpg", "ISIC_1")])
def test_second_downloads_are_known_by_their_id(file, name):
    assert image_name(Path(file)) == name


@pytest.mark.parametrize("text", ["image_id,age\na,40\n", "name,lesion_id\na,L1\n", "image_id,lesion_id\nz,L1\n"])
def test_a_table_that_groups_nothing_warns(tmp_path, text):
    with pytest.warns(DataWarning, match=r"metadata\.csv groups nothing"):
        assert group_keys(table(tmp_path, text), files("a")) == {}


def test_a_file_that_is_not_a_table_raises(tmp_path):
    (tmp_path / "metadata.csv").write_bytes(b"\x00\xff\xfe" * 40)
    with pytest.raises(DatasetError, match=r"metadata\.csv"):
        group_keys(tmp_path / "metadata.csv", files("a"))


def test_an_empty_table_raises(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read as a table"):
        group_keys(table(tmp_path, ""), files("a"))


def test_other_columns_group_where_they_are_named(tmp_path):
    path = table(tmp_path, "image_id,lesion_id,clinic\na,L1,C1\nb,L2,C1\n")
    assert group_keys(path, files("a", "b"), ["clinic"]) == {"a": ["clinic C1"], "b": ["clinic C1"]}
    with pytest.raises(DatasetError, match="no column 'hospital' to group by; expected one of lesion_id, clinic"):
        group_keys(path, files("a"), ["hospital"])


def test_two_rows_of_one_image_complete_each_other(tmp_path):
    found = read_table(table(tmp_path, "image_id,lesion_id,sex\nISIC_1,L1,\nISIC_1(1),,male\n"))
    assert found.rows == {"ISIC_1": {"lesion_id": "L1", "sex": "male"}}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("image_id,dx\na,mel\n", "mel"),
        ("image,MEL,NV,BCC,AKIEC\na,0.0,1.0,0.0,0.0\n", "NV"),
        ("image,MEL,NV,UNK\na,0,0,1\n", ""),
        ("isic_id,diagnosis\na,seborrheic keratosis\n", "seborrheic keratosis"),
        (
            "isic_id,diagnosis_1,diagnosis_2,diagnosis_3\na,Malignant,Melanocytic,Melanoma Invasive\n",
            "Melanoma Invasive",
        ),
        ("isic_id,diagnosis_1,diagnosis_3\na,Benign,\n", "Benign"),
        ("filename,label\na.jpg,wart\n", "wart"),
    ],
)
def test_every_known_way_of_labelling_is_read(tmp_path, text, label):
    assert read_table(table(tmp_path, text)).label("a") == label


def test_the_truth_goes_before_the_label(tmp_path):
    found = read_table(table(tmp_path, "image_id,dx,isic2019_diagnosis\na,bkl,MEL\nb,bkl,\n"))
    assert (found.truth("a"), found.truth("b"), found.truth("c")) == ({"MEL"}, {"BKL", "SK"}, set())
