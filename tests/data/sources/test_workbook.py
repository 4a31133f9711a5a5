"""Excel workbooks, sound and hostile ones."""

import io
import zipfile

import openpyxl
import pytest

from melanoma_detect.data.sources import workbook
from melanoma_detect.data.sources.workbook import read_workbook

SHEET = "xl/worksheets/sheet1.xml"


def write(change):
    """Return a workbook of one image, whose sheet was changed."""
    book, file, out = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(["path"])
    book.active.append(["a.png"])
    book.save(file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == SHEET else old.read(name))
    return out.getvalue()


def test_a_sheet_is_read():
    assert list(read_workbook("a.xlsx", write(lambda sheet: sheet)).rows) == [["a.png"]]


def test_a_row_that_says_it_is_the_billionth_takes_no_hours():
    def far(sheet):
        return sheet.replace(b'<row r="2"', b'<row r="99999999999"').replace(b'r="A2"', b'r="A99999999999"')

    assert list(read_workbook("a.xlsx", write(far)).rows) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda sheet: sheet.replace(b'r="A2"', b'r="ZZZZZZ2"'),
        lambda sheet: sheet[:-40],
        lambda sheet: b"<!DOCTYPE l [<!ENTITY a 'b'>]>" + sheet,
    ],
)
def test_a_damaged_sheet_is_a_value_error(change):
    with pytest.raises(ValueError, match="damaged workbook"):
        list(read_workbook("a.xlsx", write(change)).rows)


def test_a_workbook_that_is_far_larger_unpacked_is_refused(monkeypatch):
    monkeypatch.setattr(workbook, "_MAX_BYTES", 2**20)
    with pytest.raises(ValueError, match="2 MiB unpacked, expected at most 1"):
        read_workbook("a.xlsx", write(lambda sheet: sheet + b" " * 2**21))
