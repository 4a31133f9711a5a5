"""The table beside the pictures."""

from pathlib import Path

import pytest

from melanoma_detect.data.metadata import group_keys, picture_name
from melanoma_detect.data.records import Record
from melanoma_detect.errors import DatasetError, DataWarning


def records(*names):
    return [Record(name, Path(f"{name}.jpg"), "nevus", "train", name, name) for name in names]


def table(tmp_path, text):
    (tmp_path / "metadata.csv").write_text(text)
    return tmp_path / "metadata.csv"


@pytest.mark.parametrize("column", ["image_id", "isic_id", "image", "image_name", "id"])
def test_lesions_are_read(tmp_path, column):
    keys = group_keys(table(tmp_path, f"{column},lesion_id\na,L1\nb,\n"), records("a", "b", "c"))
    assert keys == {"a": ["lesion_id L1"]}


def test_patients_and_lesions_both_count(tmp_path):
    keys = group_keys(table(tmp_path, "image_id,lesion_id,patient_id\na,L1,P1\nb,,P1\n"), records("a", "b"))
    assert keys == {"a": ["lesion_id L1", "patient_id P1"], "b": ["patient_id P1"]}


@pytest.mark.parametrize(("file", "name"), [("ISIC_1(1).jpg", "ISIC_1"), ("ISIC_1_downsampled.jpg", "ISIC_1")])
def test_second_downloads_are_known_by_their_id(file, name):
    assert picture_name(Path(file)) == name


@pytest.mark.parametrize("text", ["image_id,dx\na,nv\n", "name,lesion_id\na,L1\n", "image_id,lesion_id\nz,L1\n"])
def test_a_table_that_says_nothing_is_named(tmp_path, text):
    with pytest.warns(DataWarning, match=r"metadata\.csv is not used"):
        assert group_keys(table(tmp_path, text), records("a")) == {}


def test_a_table_that_is_none_is_refused(tmp_path):
    (tmp_path / "metadata.csv").write_bytes(b"\x00\xff\xfe" * 40)
    with pytest.raises(DatasetError, match=r"metadata\.csv"):
        group_keys(tmp_path / "metadata.csv", records("a"))


def test_an_empty_table_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read as a table"):
        group_keys(table(tmp_path, ""), records("a"))
