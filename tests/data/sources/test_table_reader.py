"""Tables that would fill the memory."""

import gzip

import pytest

from melanoma_detect.data.sources import table_reader
from melanoma_detect.data.sources.table_reader import read_table
from melanoma_detect.errors import DatasetError


def test_a_table_of_too_many_columns_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text(
        "image," + ",".join(f"c{number}" for number in range(20_000)) + "\na.jpg", encoding="utf-8"
    )
    with pytest.raises(DatasetError, match="20,001 columns; expected at most 16,384"):
        read_table(tmp_path / "a.csv")


def test_a_small_file_that_unpacks_to_too_many_rows_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(table_reader, "_MAX_CELLS", 1000)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"image,dx\n" + b"a.jpg,nv\n" * 501))
    with pytest.raises(DatasetError, match="more than 500 rows of 2 columns"):
        read_table(tmp_path / "a.csv.gz")


def test_two_columns_of_one_name_are_named_by_a_few_places(tmp_path):
    (tmp_path / "a.csv").write_text("image" + ",c" * 5000 + "\na.jpg", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"the columns 2 and 3 .* and 10 are both named 'c'"):
        read_table(tmp_path / "a.csv")
