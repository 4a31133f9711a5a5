"""Companion tables."""

import pytest

from melanoma_detect.data.sources.join import find_companions, join_tables, read_joined
from melanoma_detect.data.sources.table_reader import read_table
from melanoma_detect.errors import DatasetError, DataWarning


def write(path, text):
    path.write_text(text)
    return path


def test_lesions_get_the_images_of_their_companion(tmp_path):
    write(tmp_path / "A_Metadata.csv", "isic_id,lesion_id\nI1,L1\nI2,L2\nI3,L1\n")
    table = read_joined(write(tmp_path / "A_GroundTruth.csv", "lesion_id,MEL,NV\nL1,1,0\nL2,0,1\n"))
    assert [(row.name, table.label(row)) for row in table.rows] == [("I1", "MEL"), ("I2", "NV"), ("I3", "MEL")]


def test_other_data_sets_are_no_companions(tmp_path):
    write(tmp_path / "B_Metadata.csv", "image,age\na,5\n")
    assert find_companions(write(tmp_path / "A_GroundTruth.csv", "image,dx\na,nv\n")) == []


def test_lesions_without_images_raise(tmp_path):
    with pytest.raises(DatasetError, match=r"A_GroundTruth\.csv: names lesions and no images"):
        read_joined(write(tmp_path / "A_GroundTruth.csv", "lesion_id,MEL,NV\nL1,1,0\n"))


def test_contradicting_labels_and_lesions_stay_apart_and_other_cells_are_reported(tmp_path):
    first = read_table(write(tmp_path / "a.csv", "image,dx,age\na,nv,50\nb,mel,60.0\n"))
    second = read_table(write(tmp_path / "b.csv", "image,DX,Age\na,mel,50.0\nb,mel,61\n"))
    with pytest.warns(DataWarning, match=r"contradict each other in 1 cells \(age of b: 60\.0, 61\)"):
        joined = join_tables([first, second])
    assert [(row.name, dict(row.cells)) for row in joined.rows] == [
        ("a", {"dx": "nv", "age": "50"}),
        ("a", {"dx": "mel", "age": "50.0"}),
        ("b", {"dx": "mel", "age": "60.0"}),
    ]


def test_tables_of_other_images_are_appended(tmp_path):
    first = read_table(write(tmp_path / "a.csv", "image,dx\na,nv\n"))
    second = read_table(write(tmp_path / "b.csv", "image_id,dx\nb,mel\n"))
    assert [row.name for row in join_tables([first, second]).rows] == ["a", "b"]


def test_an_index_outside_the_table_raises(tmp_path):
    write(tmp_path / "train_indexes.csv", "indexes\n7\n")
    meta = write(tmp_path / "meta.csv", "case_num,diagnosis,clinic,derm\n1,blue nevus,a.jpg,b.jpg\n")
    with pytest.raises(DatasetError, match=r"train_indexes\.csv: the row 7 is not in"):
        read_joined(meta)
