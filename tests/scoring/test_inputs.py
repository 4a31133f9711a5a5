"""Sources of images: folders, archives, tables."""

import csv
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from validate_dicom import write_image

import melanoma_detect as md
from melanoma_detect.errors import DatasetError


def score(sources, detector, out="scores.csv", **settings):
    return md.score(sources, detector=detector, out=out, progress=False, **settings)


def read(path="scores.csv"):
    return list(csv.DictReader(io.StringIO(Path(path).read_bytes().decode(), newline="")))


def paths(path="scores.csv"):
    return [row["path"] for row in read(path)]


def test_folders_are_read_sorted_and_without_hidden_files(make_detector, make_images):
    folder = make_images({"b/1.png": 1, "a/2.png": 2, "a/deep/3.png": 3, "z.png": 4, ".hidden/5.png": 5, "._6.png": 6})
    (folder / "notes.docx").write_text("no image")
    score(folder, make_detector())
    assert [str(Path(path).relative_to(folder)) for path in paths()] == ["z.png", "a/2.png", "a/deep/3.png", "b/1.png"]


def test_sources_are_read_in_the_order_given(make_detector, make_images):
    folder = make_images({"a.png": 1, "b.png": 2})
    with zipfile.ZipFile("more.zip", "w") as archive:
        archive.write(folder / "a.png", "inside/c.png")
    score([folder / "b.png", "more.zip", folder], make_detector())
    assert paths() == [str(folder / "b.png"), "more.zip/inside/c.png", str(folder / "a.png"), str(folder / "b.png")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", 'age,Image\r\n50,a.png\r\n51,"sub/b,c.png"\r\n52,\r\n53,gone.png\r\n'),
        ("list.tsv", "\ufeffpath\tage\na.png\t50\nsub/b,c.png\t51\n\t52\ngone.png\t53\n"),
    ],
)
def test_a_csv_or_tsv_table_lists_images(make_detector, make_images, name, text):
    folder = make_images({"a.png": 250, "sub/b,c.png": 1})
    (folder / name).write_text(text, encoding="utf-8", newline="")
    score(folder / name, make_detector())
    rows = read()
    assert [row["path"] for row in rows] == ["a.png", "sub/b,c.png", f"{folder / name}, row 3", "gone.png"]
    assert [row["decision"] for row in rows] == ["alert", "clear", "refer", "refer"]
    assert "names no image" in rows[2]["error"]
    assert "gone.png: no such file" in rows[3]["error"]


def test_a_text_file_lists_paths_and_ids_without_suffix(make_detector, make_images):
    folder = make_images({"a.png": 250, "ISIC_0000001.jpg": 1, "images/ISIC_0000002.png": 1, "images/b.png": 1})
    names = [str(folder / "a.png"), "ISIC_0000001", "ISIC_0000002", "b.png"]
    (folder / "list.txt").write_text("\n".join(names))
    score(folder / "list.txt", make_detector())
    assert [(row["path"], row["error"]) for row in read()] == [(name, "") for name in names]


def test_a_parquet_table_lists_images(make_detector, make_images):
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = make_images({"a.png": 250, "b.png": 1})
    pq.write_table(pa.table({"age": [1, 2, 3], "filename": ["b.png", "a.png", None]}), folder / "list.parquet")
    score(folder / "list.parquet", make_detector())
    assert [row["decision"] for row in read()] == ["clear", "alert", "refer"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "list.csv",
            b"age,site\n1,back\n",
            "no column names the images \\(it has age, site\\); expected one of .*path",
        ),
        ("list.csv", b"path,age\n", "list.csv: no images; expected at least one row"),
        ("list.parquet", b"nonsense", "cannot be read as a table"),
        ("list.zip", b"nonsense", "cannot be unpacked"),
        ("folder/notes.docx", b"", "no images in it"),
        ("list.txt", b"", "no images; expected at least one"),
        ("list.txt", b"\0\1\2", "cannot be read as a list of paths"),
    ],
)
def test_invalid_sources_raise_errors(make_detector, tmp_path, name, content, message):
    (tmp_path / "folder").mkdir()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        score(name.split("/")[0], make_detector())
    assert not Path("scores.csv").exists()


def test_images_without_a_suffix_are_scored_and_other_files_are_counted(make_detector, make_images):
    folder = make_images({"a.png": 250, "IM0001": 250, "deep/IM.0002": 1, "__MACOSX/a.png": 1, "._a.png": 1})
    for name in ("notes.docx", "README", "DICOMDIR", "deep/table.csv", "deep/more.zip", ".DS_Store"):
        (folder / name).write_bytes(b"text" if name == "README" else bytes(128) + b"DICM")
    result = score(folder, make_detector())
    assert [Path(path).name for path in paths()] == ["IM0001", "a.png", "IM.0002"]
    assert (result.images, result.passed_over) == (3, 5)
    assert str(result).endswith("; 5 files passed over: not images")
    assert "passed over" not in str(score(folder / "a.png", make_detector(), "one.csv"))


def test_a_folder_from_a_pacs_is_scored_but_for_its_reports_and_sheets(make_detector, make_images, detector, tmp_path):
    folder, bright = make_images({"a.png": 1}), np.full((64, 64, 3), 250, np.uint8)
    write_image(folder / "IM0001", bright)
    (folder / "IM0002").write_bytes((folder / "IM0001").read_bytes()[132:])  # without its preamble
    write_image(folder / "slice.dcm", bright, Modality="CT")
    (folder / "cut.dcm").write_bytes((folder / "IM0001").read_bytes()[:900])
    pdf = pydicom.dcmread(folder / "IM0001")
    pdf.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    del pdf.Rows, pdf.Columns, pdf.PixelData
    pdf.save_as(folder / "pdf.dcm")
    prediction = detector.predict(folder / "IM0001")
    prediction.to_dicom_sr(out=folder / "report.dcm")
    explanation = detector.explain(folder / "IM0001", method="occlusion")
    explanation.to_dicom_sc(out=folder / "sheet.dcm")
    explanation.to_dicom_sc(out=folder / "IM0003")
    result = score(folder, make_detector())
    found = {Path(row["path"]).name: row["error"] or row["decision"] for row in read()}
    assert list(found) == ["IM0001", "IM0002", "a.png", "cut.dcm", "slice.dcm"]
    assert (found["IM0001"], found["IM0002"], found["a.png"]) == ("alert", "alert", "clear")
    assert "modality CT" in found["slice.dcm"]
    assert "cut.dcm: " in found["cut.dcm"]
    assert (result.images, result.unreadable, result.passed_over) == (5, 2, 4)
    score([folder / "report.dcm", folder / "sheet.dcm"], make_detector(), tmp_path / "named.csv")
    assert [row["decision"] for row in read(tmp_path / "named.csv")] == ["refer", "refer"]


def test_one_image_and_one_file_are_counted_in_the_singular(make_detector, make_images):
    folder = make_images({"a.png": 250})
    (folder / "notes.txt").write_text("no image")
    text = str(score(folder, make_detector()))
    assert text.startswith("1 image in ")
    assert text.endswith("; 1 file passed over: not images")


@pytest.mark.parametrize("name", ["list.csv", "list.parquet", "list.txt"])
def test_a_table_that_cannot_be_opened_raises_an_error(make_detector, tmp_path, name):
    (tmp_path / name).symlink_to(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=rf"{name}: cannot be .*No such file"):
        score(tmp_path / name, make_detector())


@pytest.mark.parametrize("source", ["", "a\0b", 5, None])
def test_what_is_no_path_raises_an_error(make_detector, source):
    with pytest.raises(DatasetError, match="not a path"):
        score([source], make_detector())
    with pytest.raises(DatasetError, match="not a path"):
        score(source, make_detector())


def test_a_data_frame_is_refused_with_advice(make_detector):
    import pandas as pd

    with pytest.raises(DatasetError, match=r"a data frame; .*score\(frame\['image'\].tolist\(\)\)"):
        score(pd.DataFrame({"image": ["a.png"]}), make_detector())


def test_the_home_folder_is_expanded(make_detector, make_images, monkeypatch):
    folder = make_images({"a.png": 250})
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    score("~/a.png", make_detector(), "~/scores.csv")
    assert paths(folder / "scores.csv") == [str(folder / "a.png")]


def test_a_folder_that_cannot_be_listed_raises_an_error(make_detector, make_images, monkeypatch):
    folder = make_images({"a.png": 1, "shut/b.png": 2})
    scandir = os.scandir

    def shut(place):
        if str(place).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", shut)
    with pytest.raises(DatasetError, match="cannot be listed"):
        score(folder, make_detector())


def test_frames_may_be_named_as_sources_and_in_tables(make_detector, make_images):
    folder = make_images({"a.png": 1, "deep/b#2.png": 2, "c.dcm#3.png": 3})
    write_image(folder / "deep" / "c.dcm", np.stack([np.full((8, 8, 3), each, np.uint8) for each in (5, 250)]))
    score(f"{folder}/deep/c.dcm#2", make_detector())
    assert [(row["path"], row["decision"]) for row in read()] == [(f"{folder}/deep/c.dcm#2", "alert")]
    names = ["deep/c.dcm#1", "c.dcm#2", "b#2", "deep/c.dcm#3", "gone.dcm#1", "c.dcm#3.png"]
    (folder / "list.txt").write_text("\n".join(names))
    score(folder / "list.txt", make_detector(), "more.csv")
    rows = read("more.csv")
    assert [row["path"] for row in rows] == names
    assert [row["decision"] for row in rows] == ["clear", "alert", "clear", "refer", "refer", "clear"]
    assert "names frame 3, and the file has 2" in rows[3]["error"]
    assert "gone.dcm#1: no such file" in rows[4]["error"]
    with pytest.raises(DatasetError, match=r"gone\.dcm#1: no such file"):
        score(f"{folder}/gone.dcm#1", make_detector(), "none.csv")
