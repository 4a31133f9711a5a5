"""Score tables as CSV and Parquet files."""

import csv
import io
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import melanoma_detect as md
from melanoma_detect.scoring.stream import stream_scores
from melanoma_detect.scoring.table import parse_rows, write_csv, write_parquet
from melanoma_detect.utils.csv_cells import csv_cell, plain_cell


def score(sources, detector, out="scores.csv", **settings):
    return md.score(sources, detector=detector, out=out, progress=False, **settings)


def read(path="scores.csv"):
    return list(csv.DictReader(io.StringIO(Path(path).read_bytes().decode(), newline="")))


def paths(path="scores.csv"):
    return [row["path"] for row in read(path)]


def test_csv_and_parquet_have_the_same_rows(make_detector, make_images):
    import pyarrow.parquet as pq

    folder = make_images({f"{value:03d}.png": value for value in range(0, 256, 5)})
    (folder / 'bad, "so"\n.jpg').write_text("no image")
    score(folder, make_detector(), "scores.csv")
    score(folder, make_detector(), "scores.parquet")
    table = pq.read_table("scores.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    numbers = [name for name in types if name.startswith("p_")]
    assert len(numbers) == 9
    assert {types[name] for name in (*numbers, "melanoma", "malignant")} == {"double"}
    assert {types[name] for name in ("alert", "abstained")} == {"bool"}
    in_csv = [{name: plain_cell(value) for name, value in row.items()} for row in read()]
    assert [{name: cell(value) for name, value in row.items()} for row in table.to_pylist()] == in_csv
    bad = next(row for row in table.to_pylist() if row["error"])
    assert bad["melanoma"] is None


def cell(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def test_csv_lines_end_as_rfc_4180_requires(make_detector, make_images):
    score(make_images({"a.png": 1, "b.png": 2}), make_detector())
    content = Path("scores.csv").read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") == 3
    assert content.startswith(b"path,diagnosis,")


@pytest.mark.skipif(os.name == "nt", reason="Windows forbids such names")
def test_unusual_file_names_are_preserved(make_detector, make_images):
    names = [
        "a,b.png",
        'say "aah".png',
        "two\nlines.png",
        "back\r\nslash\\.png",
        "naïve 痣 🩺.png",
        " edges .png",
        "=1+1.png",
    ]
    folder = make_images(dict.fromkeys(names, 9))
    (folder / os.fsdecode(b"caf\xe9.jpg")).write_bytes((folder / names[0]).read_bytes())
    score(folder, make_detector())
    shown = [Path(path).name for path in paths()]  # a folder stands before each name: no cell begins with =
    written = {"two\nlines.png": r"two\x0alines.png", "back\r\nslash\\.png": "back\\x0d\\x0aslash\\.png"}
    assert sorted(shown) == sorted([*(written.get(name, name) for name in names), r"caf\udce9.jpg"])
    assert all(Path(plain_cell(path)).is_file() for path in paths())
    assert {row["error"] for row in read()} == {""}
    score(folder, make_detector(), "scores.parquet")


NAMES = ("path", "p_MEL", "alert", "error")


def row(number):
    return [f'two\r\nlines, "{number}"\n' * 20, repr(number / 7), "true", ""]


@pytest.mark.parametrize("count", [0, 1, 8192, 20_000])
def test_rows_can_be_read_back(count):
    write_parquet(Path("a.parquet"), NAMES, map(row, range(count)))
    write_csv(Path("a.csv"), NAMES, map(row, range(count)))
    table = pq.read_table("a.parquet")
    assert table.num_rows == count
    assert table.column("path").to_pylist() == [row(number)[0] for number in range(count)]
    assert table.column("p_MEL").to_pylist() == [number / 7 for number in range(count)]
    with Path("a.csv").open(encoding="utf-8", newline="") as file:
        assert [list(map(plain_cell, cells)) for cells in parse_rows(file)] == [list(NAMES), *map(row, range(count))]
    assert len(Path("a.csv").read_bytes().splitlines()) == count + 1  # one line, one row


def test_parquet_row_groups_are_small():
    write_parquet(Path("a.parquet"), NAMES, map(row, range(20_000)))
    assert pq.ParquetFile("a.parquet").num_row_groups == 3


def test_the_type_of_an_image_is_a_column(two_types, plain_image, tmp_path):
    from PIL import Image

    for image_type in ("clinical", "dermoscopy"):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(plain_image(image_type, 116)).save(tmp_path / "photos" / f"{image_type}.png")
    (tmp_path / "photos" / "bad.jpg").write_text("no image")
    for out in ("scores.csv", "scores.parquet"):
        score(tmp_path / "photos", two_types(), out)
    assert [row["image_type"] for row in read()] == ["", "clinical", "dermoscopy"]
    assert [row["decision"] for row in read()] == ["refer", "alert", "clear"]
    assert pq.read_table("scores.parquet")["image_type"].to_pylist() == ["", "clinical", "dermoscopy"]
    score(tmp_path / "photos", two_types().at(image_type="dermoscopy"), "scores.csv", overwrite=True)
    assert [row["decision"] for row in read()] == ["refer", "clear", "clear"]


# Names of files as others may send them, and as they stand in a table that a spreadsheet opens; the page's test has them too.
FORMULAS = {
    "=1+1,x.png": "'=1+1,x.png",
    "+1.png": "'+1.png",
    "-1.png": "'-1.png",
    "@SUM(A1).png": "'@SUM(A1).png",
    "＝1.png": "'＝1.png",
    "'=1.png": "''=1.png",
    "'quoted'.png": "'quoted'.png",
    "a=b.png": "a=b.png",
}


def test_a_name_that_a_spreadsheet_takes_for_a_formula_becomes_text(make_detector, make_images, monkeypatch):
    folder = make_images(dict.fromkeys(FORMULAS, 9))
    monkeypatch.chdir(folder)
    score(list(FORMULAS), make_detector())
    assert paths() == list(FORMULAS.values())
    score(list(FORMULAS), make_detector(), "scores.parquet")
    assert pq.read_table("scores.parquet").column("path").to_pylist() == list(FORMULAS)
    with Path("stream.csv").open("wb") as file:
        stream_scores(list(FORMULAS), file, detector=make_detector(), progress=False)
    assert paths("stream.csv") == list(FORMULAS.values())


def test_a_message_about_such_a_name_becomes_text_too(make_detector, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("@bad.jpg").write_bytes(b"no image")
    score("@bad.jpg", make_detector())
    assert read()[0]["error"].startswith("'@bad.jpg: ")


@pytest.mark.parametrize("text", [*FORMULAS, "\t=1", "\r=1", "\n=1", "'" * 3 + "-1", "", "'", "0.5", "1e-07"])
def test_every_cell_is_found_again(text):
    shown = csv_cell(text)
    assert plain_cell(shown) == text
    plain = "".join(rf"\x{ord(one):02x}" if one < " " else one for one in text)
    assert shown in (plain, f"'{plain}")
    assert not shown.startswith(tuple("=+-@\t\r\n＝"))


def test_a_table_of_scores_is_scored_again_by_its_names(make_detector, make_images, monkeypatch):
    folder = make_images(dict.fromkeys(FORMULAS, 250))
    monkeypatch.chdir(folder)
    score(list(FORMULAS), make_detector())
    score("scores.csv", make_detector(), "again.csv")
    assert paths("again.csv") == list(FORMULAS.values())
    assert {row["decision"] for row in read("again.csv")} == {"alert"}
