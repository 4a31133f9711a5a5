"""Cells of CSV tables that hold what others wrote."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_detect.utils.csv_cells import csv_cell, plain_cell

# Characters and beginnings that matter here, often enough for their combinations to come up.
MARKS = st.sampled_from([*"=+-@'\\xuU0a4d\t\r\n＝\x1b\x9b\u202e\u200b\u2028é母🩺\xa0", "\\x1b", "\\u202e", "\\x5c"])
TEXTS = st.lists(MARKS | st.characters(exclude_categories=["Cs"]), max_size=12).map("".join)


@given(TEXTS)
def test_every_text_is_found_again_and_stands_on_one_line(text):
    cell = csv_cell(text)
    assert plain_cell(cell) == text
    assert len(cell.splitlines()) <= 1
    assert not cell.startswith(tuple("=+-@＝＋－＠\t"))
    file = io.StringIO(newline="")
    csv.writer(file).writerow([cell, "end"])
    assert next(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [cell, "end"]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("\x1b]0;title\x07.jpg", r"\x1b]0;title\x07.jpg"),
        ("gpj.\u202e", r"gpj.\u202e"),
        ("caf\udce9.jpg", r"caf\udce9.jpg"),
        (r"C:\images\nevus\a.jpg", r"C:\images\nevus\a.jpg"),
        (r"a\x1b.jpg", r"a\x5cx1b.jpg"),
        ("👩‍⚕️.jpg", "👩‍⚕️.jpg"),
        ("0.25", "0.25"),
    ],
)
def test_only_what_is_not_visible_is_written_by_its_number(text, cell):
    assert csv_cell(text) == cell
    assert plain_cell(cell) == text
