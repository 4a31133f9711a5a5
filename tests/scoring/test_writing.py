"""Tables on disk."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from melanoma_detect.scoring.table import parsed
from melanoma_detect.scoring.writing import write_csv, write_parquet

NAMES = ("path", "p_MEL", "alert", "error")


def row(number):
    return [f'two\r\nlines, "{number}"\n' * 20, repr(number / 7), "true", ""]


@pytest.mark.parametrize("count", [0, 1, 8192, 20_000])
def test_any_number_of_rows_comes_back(count):
    write_parquet(Path("a.parquet"), NAMES, map(row, range(count)))
    write_csv(Path("a.csv"), NAMES, map(row, range(count)))
    table = pq.read_table("a.parquet")
    assert table.num_rows == count
    assert table.column("path").to_pylist() == [row(number)[0] for number in range(count)]
    assert table.column("p_MEL").to_pylist() == [number / 7 for number in range(count)]
    with Path("a.csv").open(encoding="utf-8", newline="") as file:
        assert list(parsed(file)) == [list(NAMES), *map(row, range(count))]


def test_row_groups_are_small():
    write_parquet(Path("a.parquet"), NAMES, map(row, range(20_000)))
    assert pq.ParquetFile("a.parquet").num_row_groups == 3
