"""Rows of a table of text of which some are damaged."""

import csv
import time

import pytest

from melanoma_detect.data.sources.damaged_rows import UNCLOSED, DamagedCell, parse_all


def cells(text):
    rows = parse_all(text.splitlines(keepends=True), ",")
    return [[cell.reason if isinstance(cell, DamagedCell) else cell for cell in row] for row in rows]


def test_sound_rows_are_read_as_they_are():
    assert cells('a,1\n"b,\nc",2\n\n"d ""e""",3') == [["a", "1"], ["b,\nc", "2"], [], ['d "e"', "3"]]


def test_a_quotation_mark_that_is_never_closed_spoils_its_own_row():
    assert cells('a,1\n"b,2\nc,3\nd,4\n') == [["a", "1"], [UNCLOSED], ["c", "3"], ["d", "4"]]
    assert cells('a\n"b') == [["a"], [UNCLOSED]]
    assert cells('"a\n"b,2\n"c\nd')[-1] == ["d"]


def test_a_cell_that_is_too_long_spoils_its_own_row():
    long = "x" * (csv.field_size_limit() + 1)
    assert cells(f"a\n{long},1\nb\n")[::2] == [["a"], ["b"]]
    assert "field limit" in cells(f"a\n{long},1\nb\n")[1][0]
    assert [row[0] for row in cells(f'a\n"b\n{long}\nc\n')][::3] == ["a", "c"]


def test_many_open_quotation_marks_take_no_long_time():
    start = time.monotonic()
    rows = list(parse_all((f'"a{number},"x\n' for number in range(50_001)), ","))
    assert time.monotonic() - start < 10
    assert rows


@pytest.mark.parametrize("text", ["", "\n"])
def test_no_rows(text):
    assert not any(cells(text))
