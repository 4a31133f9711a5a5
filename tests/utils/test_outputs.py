"""The check of an output path: what it refuses, under whatever name."""

import os
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.data.dataset_folder import write_dataset
from melanoma_detect.errors import DatasetError, ImageError, OutputError
from melanoma_detect.utils.outputs import check_output, check_output_folder, check_run_folder, is_same_path
from melanoma_detect.utils.paths import expand_path


@pytest.fixture
def photo(tmp_path):
    """Write a photo."""
    path = tmp_path / "set" / "Photo.jpg"
    path.parent.mkdir()
    path.write_bytes(b"a photo")
    return path


def test_a_new_file_may_be_written_anywhere(tmp_path, photo):
    for name in ("report.html", "new/folder/report.html", "set/report.html"):
        assert check_output(tmp_path / name, overwrite=False, inputs=[photo, photo.parent]) == tmp_path / name
    assert [path.name for path in tmp_path.rglob("*")] == ["set", "Photo.jpg"]


def test_a_file_that_is_there_needs_overwrite(photo):
    with pytest.raises(OutputError, match=r"Photo\.jpg: already exists; choose another path, or overwrite it"):
        check_output(photo, overwrite=False)
    assert check_output(photo, overwrite=True) == photo


def test_a_broken_link_is_there_too(tmp_path):
    (tmp_path / "link.html").symlink_to(tmp_path / "nowhere.html")
    with pytest.raises(OutputError, match="already exists"):
        check_output(tmp_path / "link.html", overwrite=False)


def test_an_input_is_never_overwritten_by_any_of_its_names(tmp_path, photo, monkeypatch):
    monkeypatch.chdir(photo.parent)
    (tmp_path / "link.jpg").symlink_to(photo)
    os.link(photo, tmp_path / "second.jpg")
    (tmp_path / "same").symlink_to(photo.parent, target_is_directory=True)
    names = [photo, "Photo.jpg", "../set/./Photo.jpg", tmp_path / "link.jpg", tmp_path / "second.jpg"]
    for name in (*names, tmp_path / "same" / "Photo.jpg"):
        with pytest.raises(OutputError, match="is an input, and inputs are never overwritten"):
            check_output(name, overwrite=True, inputs=["elsewhere.jpg", photo])


def test_the_home_folder_is_expanded(tmp_path, photo, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert check_output("~/new.html", overwrite=False) == tmp_path / "new.html"
    with pytest.raises(OutputError, match="is an input"):
        check_output("~/set/Photo.jpg", overwrite=True, inputs=[photo])
    assert expand_path("~nobody-has-this-name/a") == Path("~nobody-has-this-name/a")


@pytest.mark.parametrize("name", ["Photo.jpg", "metadata.csv", "deep/table.parquet", "other.zip"])
def test_data_in_an_input_folder_is_never_overwritten(tmp_path, photo, name):
    path = photo.parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"data")
    (tmp_path / "same").symlink_to(photo.parent, target_is_directory=True)
    for spelling in (path, tmp_path / "same" / name):
        with pytest.raises(OutputError, match=r"lies in the input folder .*set, whose files are never overwritten"):
            check_output(spelling, overwrite=True, inputs=[photo.parent])


def test_a_link_in_an_input_folder_counts_as_data(tmp_path, photo):
    (tmp_path / "elsewhere.jpg").write_bytes(b"a photo")
    (photo.parent / "link.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    with pytest.raises(OutputError, match="lies in the input folder"):
        check_output(photo.parent / "link.jpg", overwrite=True, inputs=[photo.parent])


def test_a_report_in_an_input_folder_may_be_replaced(photo):
    (photo.parent / "report.html").touch()
    assert check_output(photo.parent / "report.html", overwrite=True, inputs=[photo.parent]).name == "report.html"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "'': not a path"),
        ("a\0b", "not a path"),
        ("set", "set: is a folder; expected a file"),
        (
            "report.docx",
            r"report\.docx: cannot be written in this format; expected a name that ends in \.html or \.htm",
        ),
        ("set/Photo.jpg/report.html", r"cannot be written, since .*Photo\.jpg is not a folder"),
        ("n" * 300 + ".html", "is too long for a path"),
        (os.devnull, "is no ordinary file"),
    ],
)
def test_paths_that_cannot_be_written_are_refused(tmp_path, photo, path, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=message):
        check_output(path, overwrite=True, suffixes=[".html", ".htm"] if path.endswith(("docx", "html")) else [])


def test_a_folder_that_is_read_only_is_refused(tmp_path, monkeypatch):
    (tmp_path / "shut").mkdir()
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path).name != "shut"
    )  # an administrator may write anywhere
    with pytest.raises(OutputError, match="shut is read-only"):
        check_output(tmp_path / "shut" / "new" / "report.html", overwrite=False)


def test_a_folder_that_is_or_holds_an_input_is_refused(tmp_path, photo):
    with pytest.raises(OutputError, match="is an input"):
        check_output_folder(photo.parent, inputs=[photo.parent])
    with pytest.raises(OutputError, match=r"holds the input .*Photo\.jpg; choose a folder outside"):
        check_output_folder(tmp_path, inputs=[photo])
    check_output_folder(photo.parent / "run", inputs=[photo])


def test_a_run_folder_replaces_run_folders_only(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        check_run_folder(tmp_path / "file", overwrite=True)
    with pytest.raises(OutputError, match="already exists and is not empty"):
        check_run_folder(tmp_path, overwrite=False)
    with pytest.raises(OutputError, match="is not a run folder"):
        check_run_folder(tmp_path, overwrite=True)
    (tmp_path / "metrics.json").touch()
    check_run_folder(tmp_path, overwrite=True)
    with pytest.raises(OutputError, match="holds the input"):
        check_run_folder(tmp_path, overwrite=True, inputs=[tmp_path / "images"])


def test_paths_that_do_not_exist_are_compared_by_their_spelling(tmp_path):
    assert is_same_path(tmp_path / "a" / ".." / "b.html", tmp_path / "b.html")
    assert is_same_path(tmp_path / "n\u00e4vus.html", tmp_path / "na\u0308vus.html")
    assert not is_same_path(tmp_path / "a.html", tmp_path / "b.html")


@pytest.mark.parametrize("path", ["", " ", "\n", "a\0b"])
def test_an_empty_output_is_not_the_current_folder(path, data):
    writes = [
        lambda: md.write_samples(path, train=2, test=1, size=32),
        lambda: write_dataset(data, path),
        lambda: check_output(path, overwrite=True),
        lambda: md.balance(data, add=1, cache=path or " ", progress=False),
        lambda: md.score("photos", out=path),
    ]
    for write in writes:
        with pytest.raises(OutputError):
            write()
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("path", ["", " ", "\n", "a\0b"])
def test_an_empty_source_is_not_the_current_folder(path, detector):
    for read in (lambda: md.load_dataset(path), lambda: md.audit(path), lambda: md.score(path, out="a.csv")):
        with pytest.raises(DatasetError):
            read()
    with pytest.raises(ImageError):
        detector.predict(path)
