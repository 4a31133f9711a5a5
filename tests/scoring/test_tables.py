"""Tables of images for scoring: how they are written, and which file each of their names stands for."""

import csv
import datetime as dt
import gzip
import io
import unicodedata
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError
from melanoma_detect.scoring import tables
from melanoma_detect.utils.csv_cells import plain_cell


def score(sources, detector, out="scores.csv", **settings):
    return md.score(sources, detector=detector, out=out, progress=False, **settings)


def read(path="scores.csv"):
    return list(csv.DictReader(io.StringIO(Path(path).read_bytes().decode(), newline="")))


def decisions(names, folder, detector):
    """Return the decision, or the error, for each name of a table: bright images raise an alert."""
    with (folder / "list.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["image", "age"], *([name, 50] for name in names)])
    score(folder / "list.csv", detector)
    rows = read()
    assert [plain_cell(row["path"]) for row in rows] == list(names)
    return [row["error"] or row["decision"] for row in rows]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.csv", b"image;label\na.png;nevus\nb.png;melanoma\n"),
        ("list.csv", "image\tlabel\na.png\tnevus\nb.png\tmelanoma\n".encode("utf-16")),
        ("list.csv", "\ufeffFile Name,label\r\na.png,nevus\r\nb.png,melanoma\r\n".encode()),
        ("list.tsv", b"isic_id\tlabel\na\tnevus\nb\tmelanoma\n"),
        ("list.csv.gz", gzip.compress(b"image,label\na.png,nevus\nb.png,melanoma\n", mtime=0)),
        ("list.txt", b"filename,label\na.png,nevus\nb.png,melanoma\n"),
        ("list.txt", b"image\na.png\nb.png\n"),
        ("list.txt", "a.png\r\nb.png\r\n".encode("utf-16")),
    ],
    ids=[
        "semicolon",
        "utf-16",
        "byte order mark",
        "tsv",
        "gzip",
        "txt with columns",
        "txt with a header",
        "txt of paths",
    ],
)
def test_tables_are_read_as_load_dataset_reads_them(make_detector, make_images, name, content):
    folder = make_images({"a.png": 250, "b.png": 1})
    (folder / name).write_bytes(content)
    score(folder / name, make_detector())
    assert [row["decision"] for row in read()] == ["alert", "clear"]


def test_an_excel_table_lists_images(make_detector, make_images):
    import openpyxl

    folder = make_images({"a.png": 250, "b.png": 1})
    book = openpyxl.Workbook()
    for row in (["Image ID", "Diagnosis"], ["a", "nevus"], ["b", "melanoma"]):
        book.active.append(row)
    book.save(folder / "list.xlsx")
    score(folder / "list.xlsx", make_detector())
    assert [row["decision"] for row in read()] == ["alert", "clear"]


def test_an_image_called_like_a_column_is_an_image(make_detector, make_images):
    folder = make_images({"image": 250, "b.png": 1})
    (folder / "list.txt").write_text("image\nb.png\n")
    score(folder / "list.txt", make_detector())
    assert [row["path"] for row in read()] == ["image", "b.png"]


def test_paths_of_windows_and_of_another_machine_are_found(make_detector, make_images):
    folder = make_images({"sub/a.png": 250, "sub/b.png": 1, "c.png": 250})
    names = ["sub\\a.png", ".\\sub\\b.png", "C:\\Users\\me\\sub\\a.png", "/home/me/sub/b.png", f" {folder}/c.png"]
    assert decisions(names, folder, make_detector()) == ["alert", "clear", "alert", "clear", "alert"]


def test_names_are_found_below_the_table_whatever_their_unicode_form_and_suffix(make_detector, make_images):
    folder = make_images({"deep/down/n\u00e4vus.PNG": 250, "deep/ISIC_0000001.webp": 1, "deep/IM0001": 250})
    names = [unicodedata.normalize("NFD", "n\u00e4vus.PNG"), "n\u00e4vus", "ISIC_0000001", "IM0001"]
    assert decisions(names, folder, make_detector()) == ["alert", "alert", "clear", "alert"]


def test_an_image_in_another_folder_is_another_image(make_detector, make_images):
    folder = make_images({"patient1/IMG_0001.png": 250})
    names = ["patient1/IMG_0001.png", "patient2/IMG_0001.png", "/mnt/patient2/IMG_0001.png", "D:\\scans\\IMG_0001.png"]
    found, *missing = decisions(names, folder, make_detector())
    assert found == "alert"
    assert all("no such file" in error for error in missing)


def test_a_name_that_stands_for_two_images_has_a_row_with_the_error(make_detector, make_images):
    folder = make_images({"a/1.png": 250, "b/1.png": 1, "c/2.png": 1})
    one, two, path, gone = decisions(["1.png", "2.png", "b/1.png", "3.png"], folder, make_detector())
    assert "stands for two files" in one
    assert (two, path) == ("clear", "clear")
    assert "no such file" in gone
    assert read()[0]["decision"] == "refer"


@pytest.mark.parametrize("cell", ["", "NaN", "n/a", "-", "None"])
def test_a_cell_without_a_value_names_its_row(make_detector, make_images, cell):
    folder = make_images({"a.png": 250})
    (folder / "list.csv").write_text(f"image,age\n{cell},50\na.png,51\n")
    score(folder / "list.csv", make_detector())
    rows = read()
    assert rows[0]["path"] == f"{folder / 'list.csv'}, row 1"
    assert "the table names no image here" in rows[0]["error"]
    assert rows[1]["decision"] == "alert"


def test_cells_that_are_no_path_are_errors_of_their_rows(make_detector, make_images):
    folder = make_images({"a.png": 250})
    long, broken = "n" * 5000 + ".png", "two\nlines.png"
    assert [error.split(": ")[-1][:30] for error in decisions([long, broken], folder, make_detector())] != []
    assert [row["decision"] for row in read()] == ["refer", "refer"]


def test_a_folder_with_too_many_files_is_not_searched(make_detector, make_images, monkeypatch):
    folder = make_images({"deep/a.png": 250, "b.png": 250})
    monkeypatch.setattr(tables, "_MAX_FILES", 1)
    deep, beside = decisions(["a.png", "b.png"], folder, make_detector())
    assert "no such file" in deep
    assert beside == "alert"


STRANGE = {
    b"b\0.png": "row 2: a cell with a zero byte is no path",
    b'"b.png': "row 2: a quotation mark is opened and never closed",
    b"x" * 200_000: "row 2: field larger than field limit",
    b"x" * 40_000: "row 2: a cell of 40,000 characters is no path",
    b"b\x1b[2J.png": r"b\x1b[2J.png: no such file",
    b"b\x81\x8d.png": "no such file",
    b"\xed\xa0\x80.png": "no such file",
    b"nan": "row 2: the table names no image here",
    b"-1": "row 2: the table names no image here",
    b"3.5": "3.5: no such file",
    b"2020-01-01": "2020-01-01: no such file",
    b"y" * 300 + b".png": "y.png",
    b".": "row 2: the table names no image here",
    b"/dev/null": "/dev/null",
    b"nowhere://x/y.png": "cannot be reached",
    b"'nowhere://x#1": "",
    b"~nobody/a.png": "no such file",
}


@pytest.mark.filterwarnings("ignore:.*is read as Windows-1252")
@pytest.mark.parametrize("cell", STRANGE)
@pytest.mark.parametrize("name", ["list.csv", "list.txt"])
def test_one_strange_cell_stops_no_run(make_detector, make_images, cell, name):
    folder = make_images({"a.png": 250, "c.png": 1})
    (folder / name).write_bytes(b"path\n" * (name == "list.csv") + b"a.png\n" + cell + b"\nc.png\n")
    score(folder / name, make_detector())
    rows = read()
    assert [row["decision"] for row in rows] == ["alert", "refer", "clear"]
    if name == "list.csv":
        assert STRANGE[cell] in rows[1]["error"]


def test_strange_cells_of_other_kinds_of_tables_are_rows_too(make_detector, make_images):
    import openpyxl
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = make_images({"a.png": 250, "c.png": 1})
    cells = ["a.png", 3, 2.5, True, dt.datetime(2020, 1, 1), "x" * 32_000, "c.png"]
    book = openpyxl.Workbook()
    for cell in ["path", *cells]:
        book.active.append([cell])
    book.save(folder / "list.xlsx")
    score(folder / "list.xlsx", make_detector())
    assert [row["decision"] for row in read()] == ["alert", *["refer"] * (len(cells) - 2), "clear"]
    pq.write_table(pa.table({"path": [b"a.png", b"\xff\0", None, b"x" * 40_000, b"c.png"]}), folder / "list.parquet")
    score(folder / "list.parquet", make_detector(), "parquet.csv")
    assert [row["decision"] for row in read("parquet.csv")] == ["alert", "refer", "refer", "refer", "clear"]


def test_what_is_no_text_at_all_is_still_an_error(make_detector, make_images):
    folder = make_images({"a.png": 250})
    (folder / "list.csv").write_bytes((folder / "a.png").read_bytes())
    with pytest.raises(DatasetError, match="it is no text"):
        score(folder / "list.csv", make_detector())
