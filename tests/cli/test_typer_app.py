"""What every command shares: outputs that overwrite nothing."""

import hashlib
import shutil
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from melanoma_detect.cli import app
from melanoma_detect.errors import DetectorError, OutputError

# Each command that writes a file: its arguments up to the output, and the suffix of what it writes.
WRITERS = {
    "explain": (["explain", "photo.jpg", "--method", "occlusion", "--detector", "{detector}", "--out"], ".png"),
    "similar": (["similar", "photo.jpg", "--data", "set", "--detector", "{detector}", "--out"], ".png"),
    "similar --index": (["similar", "photo.jpg", "--data", "set", "--detector", "{detector}", "--index"], ".similar"),
    "export": (["export", "--detector", "{detector}", "--out"], ".onnx"),
    "export --data": (["export", "--data", "set", "--detector", "{detector}", "--out"], ".onnx"),
    "score": (["score", "photo.jpg", "set", "list.csv", "set.zip", "--detector", "{detector}", "--out"], ".csv"),
    "audit --html": (["audit", "set", "--detector", "{detector}", "--html"], ".html"),
    "evaluate --html": (["evaluate", "set", "--detector", "{detector}", "--html"], ".html"),
    "evaluate --labels": (["evaluate", "set", "--labels", "list.csv", "--detector", "{detector}", "--html"], ".html"),
}
RUNS = {
    "train": ["train", "set", "--epochs", "1", "--out"],
    "train a zip": ["train", "set.zip", "--epochs", "1", "--out"],
    "demo": ["demo", "--data", "set", "--epochs", "1", "--out"],
}


@pytest.fixture(scope="module")
def inputs(lesions, detector, tmp_path_factory):
    """Write one of each kind of input: an image, a folder with its table, a zip, a list, a detector's file."""
    folder = tmp_path_factory.mktemp("inputs")
    shutil.copytree(lesions, folder / "set")
    shutil.copy(next((lesions / "Test" / "melanoma").glob("*.jpg")), folder / "photo.jpg")
    with zipfile.ZipFile(folder / "set.zip", "w") as archive:
        for path in sorted(lesions.rglob("*.jpg")):
            archive.write(path, path.relative_to(lesions))
    (folder / "list.csv").write_text("image,label\nphoto.jpg,melanoma\n")
    detector.save(folder / "mine.detector")
    (folder / "metrics.json").write_text("{}")  # as in a run folder
    return folder


@pytest.fixture
def here(inputs, monkeypatch):
    """Work in the folder with the inputs, which no test may change."""
    monkeypatch.chdir(inputs)
    return inputs


def invoke(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def content(folder):
    return {path: hashlib.sha256(path.read_bytes()).digest() if path.is_file() else None for path in folder.rglob("*")}


def writer(name, detector="nowhere.detector"):
    """Return the arguments of a writing command; without a detector, it can do no work."""
    arguments, suffix = WRITERS[name]
    return [argument.format(detector=detector) for argument in arguments], suffix


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_is_there_is_refused_before_any_work(here, tmp_path, name):
    arguments, suffix = writer(name)
    out = tmp_path / f"mine{suffix}"
    out.write_text("of the user")
    result = invoke(*arguments, out)
    assert isinstance(result.exception, OutputError), result.output
    assert "already exists" in str(result.exception)
    without = invoke(*arguments, out, "--overwrite")
    assert isinstance(without.exception, DetectorError)  # now the work begins, and there is no detector
    assert out.read_text() == "of the user"


@pytest.mark.parametrize("name", WRITERS)
def test_no_input_is_ever_overwritten(here, tmp_path, name):
    arguments, _ = writer(name, "mine.detector")
    before = content(here)
    inputs = [argument for argument in arguments if Path(argument).exists()]
    (tmp_path / "link").symlink_to(here / inputs[0], target_is_directory=Path(inputs[0]).is_dir())
    tables = ["set/metadata.csv"] * ("set" in inputs)
    for output in (*inputs, *tables, tmp_path / "link", *(here / name for name in inputs)):
        result = invoke(*arguments, output, "--overwrite")
        assert isinstance(result.exception, OutputError), (output, result.output)
    assert content(here) == before


@pytest.mark.parametrize("name", WRITERS)
def test_what_cannot_be_written_is_refused_before_any_work(here, tmp_path, name):
    arguments, suffix = writer(name)
    wrong = [] if name.startswith("export") else [tmp_path / "new.docx"]
    for output in (*wrong, here / "photo.jpg" / f"new{suffix}", tmp_path):
        assert isinstance(invoke(*arguments, output).exception, OutputError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["explain", "export", "score", "audit --html", "evaluate --html"])
def test_overwrite_replaces_another_file(here, tmp_path, name):
    arguments, suffix = writer(name, "mine.detector")
    if name == "score":
        arguments = ["score", "photo.jpg", "--detector", "mine.detector", "--out"]
    if name == "audit --html":
        arguments = ["audit", "set/Test", "--html"]  # few images, since the search by features takes long
    (tmp_path / f"old{suffix}").write_text("of an earlier run")
    before = content(here)
    result = invoke(*arguments, tmp_path / f"old{suffix}", "--overwrite")
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == [f"old{suffix}"]
    assert (tmp_path / f"old{suffix}").read_bytes() != b"of an earlier run"
    assert content(here) == before


@pytest.mark.parametrize("name", RUNS)
def test_a_run_replaces_no_folder_of_the_user(here, tmp_path, name):
    (tmp_path / "thesis.txt").write_text("years of work")
    before = content(here)
    for output in (tmp_path, "photo.jpg", "set", "set.zip", "."):
        for options in ([], ["--overwrite"]):
            result = invoke(*RUNS[name], output, *options)
            assert isinstance(result.exception, OutputError), (output, result.output)
    assert content(here) == before
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_score_table_in_the_folder_that_is_scored_may_be_replaced(here, tmp_path):
    shutil.copytree("set/Test/melanoma", tmp_path / "photos")
    out = tmp_path / "photos" / "scores.csv"
    arguments = ["score", tmp_path / "photos", "--detector", "mine.detector", "--out", out]
    assert invoke(*arguments).exit_code == 0
    assert isinstance(invoke(*arguments).exception, OutputError)
    assert invoke(*arguments, "--overwrite").exit_code == 0
    out.write_text("image,label\nmelanoma_5000,melanoma\n")
    assert isinstance(invoke(*arguments, "--overwrite").exception, OutputError)


def test_the_home_folder_is_expanded(here, tmp_path, monkeypatch):
    for name in ("photo.jpg", "mine.detector"):
        shutil.copy(name, tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert invoke("predict", "~/photo.jpg", "--detector", "~/mine.detector").exit_code == 0
    explained = invoke("explain", "~/photo.jpg", "-d", "~/mine.detector", "--method", "occlusion", "--out", "~/new.png")
    assert explained.exit_code == 0, explained.output
    assert (tmp_path / "new.png").is_file()
    refused = invoke("explain", "~/photo.jpg", "--out", tmp_path / "photo.jpg", "--overwrite")
    assert isinstance(refused.exception, OutputError)
