"""Table files: every delimiter, with and without a byte-order mark, and Parquet."""

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from melanoma_detect.data.sources.table_file import open_table
from melanoma_detect.errors import DatasetError, DataWarning

ROWS = [["a.jpg", "50"], ["b,c.jpg", ""]]


def read(name, content):
    with open_table(name, io.BytesIO(content)) as table:
        return table.columns, list(table.read([0, 1]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", 'image,age\na.jpg,50\n"b,c.jpg",\n'),
        ("t.csv", "image;age\r\na.jpg;50\r\nb,c.jpg\r\n"),
        ("t.csv", "\ufeffimage\tage\na.jpg\t50\n\nb,c.jpg\t\n"),
        ("t.tsv", "image\tage\na.jpg\t50\nb,c.jpg\t\n"),
        ("T.TSV", ' image , age\na.jpg,50\n"b,c.jpg",'),
    ],
)
def test_text_is_read_with_any_delimiter(name, text):
    assert read(name, text.encode()) == (("image", "age"), ROWS)


def test_parquet_is_read_as_text():
    file = io.BytesIO()
    pq.write_table(pa.table({"image": ["a.jpg", "b,c.jpg"], "age": [50, None]}), file)
    assert read("t.parquet", file.getvalue()) == (("image", "age"), ROWS)


def test_quoted_cells_may_hold_line_breaks_and_end_the_file():
    assert read("t.csv", b'image,note\na,"two\nlines"\nb,"end"') == (
        ("image", "note"),
        [["a", "two\nlines"], ["b", "end"]],
    )


def test_parquet_columns_lose_the_blanks_around_them():
    file = io.BytesIO()
    pq.write_table(pa.table({" image ": ["a.jpg"], "age": [50]}), file)
    assert read("t.parquet", file.getvalue()) == (("image", "age"), [["a.jpg", "50"]])


def test_parquet_with_two_columns_of_one_name_raises():
    file = io.BytesIO()
    cells = [pa.array(["a.jpg"]), pa.array(["b.jpg"])]
    pq.write_table(pa.Table.from_arrays(cells, names=["image", "image"]), file)
    with pytest.raises(DatasetError, match="exists 2 times"):
        read("t.parquet", file.getvalue())


def test_columns_are_read_in_the_order_asked_for():
    with open_table("t.csv", io.BytesIO(b"image,age,sex\na,50,male\n")) as table:
        assert list(table.read([2, 0])) == [["male", "a"]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "the file is empty"),
        ("t.csv", b"\x00\xff\xfe" * 40, "expected UTF-8 text"),
        ("t.csv", b"image,age\na,50,male\n", "line 2 has 3 cells for 2 columns"),
        ("t.csv", b'image,age\na,"50\nb,60\n', "a quotation mark is opened and never closed"),
        ("t.parquet", b"nonsense", "expected a Parquet file"),
    ],
)
def test_files_that_are_not_tables_raise(name, content, message):
    with pytest.raises(DatasetError, match=f"cannot be read as a table.*{message}"):
        read(name, content)


def test_a_row_that_is_too_long_is_read_where_only_some_cells_matter():
    file = io.BytesIO(b"image,age\na.jpg,50,male\nb.jpg,60\n")
    with open_table("t.csv", file, strict=False) as table:
        assert list(table.read([0])) == [["a.jpg"], ["b.jpg"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_delimiter_and_line_end(encoding, delimiter, end):
    text = end.join(["", delimiter.join(("Image", "Alter, in Jahren")), "", delimiter.join(("a.jpg", "fünf")), ""])
    if delimiter == ",":
        text = text.replace("Alter, in Jahren", '"Alter, in Jahren"')
    assert read("t.csv", text.encode(encoding)) == (("Image", "Alter, in Jahren"), [["a.jpg", "fünf"]])


def test_windows_text_is_read_with_a_warning():
    with pytest.warns(DataWarning, match="line 2 is not UTF-8 and is read as Windows-1252"):
        assert read("t.csv", "image,label\na.jpg,nævus\n".encode("cp1252"))[1] == [["a.jpg", "nævus"]]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nimage;age\na;5\n",
        "# made by me\nimage,age\na,5\n",
        "PH2\n\nimage,age\na,5\n",
        '\ufeff"\ufeffimage",age\na,5\n,,\n',
    ],
)
def test_lines_above_the_header_and_blank_rows_are_skipped(text):
    assert read("t.csv", text.encode()) == (("image", "age"), [["a", "5"]])


def test_the_content_tells_what_a_file_is():
    file = io.BytesIO()
    pq.write_table(pa.table({"image": ["a.jpg"], "age": [5.0]}), file)
    assert read("t.csv", file.getvalue()) == (("image", "age"), [["a.jpg", "5"]])
    assert read("t.csv.gz", gzip.compress(b"image,age\na,5\n")) == (("image", "age"), [["a", "5"]])
    # Packed twice, as by a program that packs whatever it sends.
    twice = gzip.compress(gzip.compress(b"image,age\na,5\n"))
    assert read("t.csv.gz.gz", twice) == read("t.csv.gz", twice) == (("image", "age"), [["a", "5"]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0rest", "save it as .xlsx or as CSV"),
        (b"<!DOCTYPE html><html>", "download the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b'[{"image": "a"}]', "JSON"),
        (b"image,label\na\x00b,nevus\n", "no text"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "no text"),
        (b"a.jpg,melanoma,5\nb.jpg,nevus,6\n", "there is no header"),
    ],
)
def test_other_files_are_refused_with_what_to_do(content, message):
    with pytest.raises(DatasetError, match=message):
        read("t.csv", content)
