"""Rows and files: the path decides, then the name; what stands for two files is refused."""

import unicodedata
from pathlib import Path

import pytest

from melanoma_detect.data.sources.matching import match_rows
from melanoma_detect.data.sources.table import Table, TableRow
from melanoma_detect.errors import DatasetError


def match(tmp_path, files, names):
    """Return `{file: names of its rows}` and the names without a file; the files hold their own names."""
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(file)
    table = Table(tmp_path / "t.csv", ("label",), tuple(TableRow(name, {"label": "x"}) for name in names))
    found = match_rows(table, tmp_path, [tmp_path / file for file in files])
    rows = {path.relative_to(tmp_path).as_posix(): [row.name for row in own] for path, own in found.rows.items()}
    return rows, [row.name for row in found.unmatched]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("images/a.jpg", "images/a.jpg"),
        ("images/a.jpg", "a.jpg"),
        ("images/a.jpg", "a"),
        ("images/a.jpg", "./images/a.jpg"),
        ("images/a.jpg", "../set/images/a.jpg"),
        ("images/a.jpg", "/home/somebody/images/a.jpg"),
        ("images/a.jpg", "C:\\data\\images\\a.jpg"),
        ("images/a.jpg", "D:/data/a.jpg"),
        ("images/a.jpg", "\\\\server\\share\\a.jpg"),
        ("images/a.jpg", " a.jpg "),
        ("images/A.JPG", "a.jpg"),
        ("Images/a.jpg", "images/A.jpg"),
        ("images/a.png", "images/a.jpg"),
        ("images/a.webp", "a.jpg"),
        ("images/ISIC_0000001.jpg", "ISIC_0000001_downsampled"),
        ("images/ISIC_0000001_downsampled.jpg", "ISIC_0000001"),
        ("images/a(1).jpg", "a"),
        ("images/a (1).jpg", "a.jpg"),
        ("images/IMG.001", "IMG.001"),
        ("images/b c,d;e.jpg", "b c,d;e"),
        ("images/50%20x.jpg", "50%20x.jpg"),
        ("images/007.jpg", "7"),
        ("images/007.jpg", "7.0"),
        ("images/n\u00e4vus.jpg", unicodedata.normalize("NFD", "n\u00e4vus")),
        (unicodedata.normalize("NFD", "n\u00e4vus.jpg"), "N\u00c4VUS.jpg"),
    ],
)
def test_a_row_finds_its_file_however_it_is_written(tmp_path, file, name):
    assert match(tmp_path, [file, "images/other.jpg"], [name, "nobody"]) == ({file: [name]}, ["nobody"])


def test_the_folder_tells_files_of_one_name_apart(tmp_path):
    files = ["clinicA/000.jpg", "clinicB/000.jpg"]
    for names in (files, [f"C:\\x\\{name}" for name in files], [name.removesuffix(".jpg") for name in files]):
        assert match(tmp_path, files, names) == (dict(zip(files, ([name] for name in names), strict=True)), [])


@pytest.mark.parametrize("name", ["000", "000.jpg", "elsewhere/000.jpg"])
def test_a_name_of_two_files_is_refused_with_both(tmp_path, name):
    with pytest.raises(DatasetError, match=r"stands for two files, .*clinicA/000\.jpg and .*clinicB/000\.jpg"):
        match(tmp_path, ["clinicA/000.jpg", "clinicB/000.jpg"], [name])


def test_a_name_without_suffix_of_two_formats_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="stands for two files"):
        match(tmp_path, ["a.jpg", "a.png"], ["a"])
    assert match(tmp_path, ["a.jpg", "a.png"], ["a.png", "a.jpg"]) == ({"a.png": ["a.png"], "a.jpg": ["a.jpg"]}, [])


def test_the_same_file_twice_is_no_doubt(tmp_path):
    for folder in ("Train", "Test"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").write_text("same")
    files = [tmp_path / "Test" / "a.jpg", tmp_path / "Train" / "a.jpg"]
    table = Table(tmp_path / "t.csv", (), (TableRow("a", {}),))
    assert set(match_rows(table, tmp_path, files).rows) == set(files)


def test_an_id_of_the_archive_stands_for_one_image_everywhere(tmp_path):
    files = ["Train/melanoma/ISIC_0000001.jpg", "Train/nevus/ISIC_0000001(1).jpg", "Test/nevus/ISIC_0000001.png"]
    rows, unmatched = match(tmp_path, files, ["ISIC_0000001"])
    assert set(rows) == set(files)
    assert unmatched == []


def test_the_path_below_the_root_wins_over_an_ending(tmp_path):
    files = ["a.jpg", "old/a.jpg", "images/b.jpg", "old/images/b.jpg"]
    assert match(tmp_path, files, ["a.jpg", "images/b.jpg"])[0] == {
        "a.jpg": ["a.jpg"],
        "images/b.jpg": ["images/b.jpg"],
    }


def test_a_longer_path_leaves_the_other_file_to_the_shorter_one(tmp_path):
    rows, unmatched = match(tmp_path, ["x/a.jpg", "y/a.jpg"], ["x/a.jpg", "a"])
    assert (rows, unmatched) == ({"x/a.jpg": ["x/a.jpg"], "y/a.jpg": ["a"]}, [])


def test_rows_of_another_folder_do_not_take_files_of_this_one(tmp_path):
    rows, unmatched = match(tmp_path, ["train/1.jpg", "train/2.jpg"], ["train/1.jpg", "test/2.jpg"])
    assert (rows, unmatched) == ({"train/1.jpg": ["train/1.jpg"]}, ["test/2.jpg"])
    rows, unmatched = match(tmp_path, ["here/A/000.jpg"], ["C:\\x\\A\\000.jpg", "C:\\x\\B\\000.jpg"])
    assert (rows, unmatched) == ({"here/A/000.jpg": ["C:\\x\\A\\000.jpg"]}, ["C:\\x\\B\\000.jpg"])


def test_two_paths_for_one_file_are_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"'A/000\.jpg' and 'B/000\.jpg' may both stand for .*here/000\.jpg"):
        match(tmp_path, ["here/000.jpg"], ["A/000.jpg", "B/000.jpg"])
    with pytest.raises(DatasetError, match="may both stand for"):
        match(tmp_path, ["a.webp"], ["a.jpg", "a.png"])


def test_several_rows_of_one_file_are_kept_in_order(tmp_path):
    rows, _ = match(tmp_path, ["images/a.jpg"], ["a", "images/a.jpg", "A.JPG", "a"])
    assert rows == {"images/a.jpg": ["a", "images/a.jpg", "A.JPG", "a"]}


def test_numbered_copies_are_images_of_their_own(tmp_path):
    files = ["img (1).jpg", "img (2).jpg"]
    assert match(tmp_path, files, ["img (1)", "img (3)"]) == ({"img (1).jpg": ["img (1)"]}, ["img (3)"])


def test_numbers_are_matched_only_where_they_are_unique(tmp_path):
    assert match(tmp_path, ["a/007.jpg", "b/07.jpg"], ["7"]) == ({}, ["7"])
    assert match(tmp_path, ["007.jpg"], ["7", "7.0"]) == ({}, ["7", "7.0"])
    assert match(tmp_path, ["007.jpg", "7.png"], ["7"]) == ({"7.png": ["7"]}, [])


def test_names_in_old_encodings_are_matched(tmp_path):
    path = Path(tmp_path, "n\udce4vus.jpg")
    table = Table(tmp_path / "t.csv", (), (TableRow("n\u00e4vus.jpg", {}),))
    assert list(match_rows(table, tmp_path, [path]).rows) == [path]


def test_many_rows_take_no_time(tmp_path):
    files = [tmp_path / f"images/ISIC_{number:07d}.jpg" for number in range(20_000)]
    table = Table(tmp_path / "t.csv", (), tuple(TableRow(f"ISIC_{number:07d}", {}) for number in range(20_000)))
    assert len(match_rows(table, tmp_path, files).rows) == 20_000
