"""The command similar: its table, its index, its figure, and what it refuses."""

import json
import shutil

import pytest
from PIL import Image
from typer.testing import CliRunner

from melanoma_detect.cli import app
from melanoma_detect.errors import DatasetError, DetectorError, ImageError, OutputError


@pytest.fixture
def photo(detector, lesions, tmp_path):
    """Write a detector's file and one image of the set."""
    detector.save(tmp_path / "mine.detector")
    shutil.copy(next((lesions / "Test" / "melanoma").glob("*.jpg")), tmp_path / "photo.jpg")
    return "photo.jpg"


def similar(*arguments):
    return CliRunner().invoke(app, ["similar", *map(str, arguments), "-d", "mine.detector"])


def test_a_folder_is_searched_and_the_image_itself_left_out(photo, lesions):
    result = similar(photo, "--data", lesions, "-k", 3, "--out", "cases.png")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("photo.jpg: 3 similar cases of 132 images")
    assert [line.split()[0] for line in lines[1:4]] == ["1", "2", "3"]
    assert "Left out: " in result.stdout
    assert "Written:\n  cases.png" in result.stdout
    with Image.open("cases.png") as image:
        assert image.width == 876


def test_an_index_is_made_once_and_read_again(photo, lesions):
    made = similar(photo, "--data", lesions, "--index", "ours.similar", "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["written"] == ["ours.similar"]
    read = similar(photo, "--index", "ours.similar", "--json")
    assert json.loads(read.stdout)["cases"] == json.loads(made.stdout)["cases"]
    assert json.loads(read.stdout)["written"] == []


def test_what_is_missing_is_said(photo, lesions, tmp_path):
    assert isinstance(similar(photo).exception, DatasetError)
    assert isinstance(similar(photo, "--index", "gone.similar").exception, DatasetError)
    assert isinstance(similar("gone.jpg", "--data", lesions).exception, ImageError)
    assert isinstance(similar(photo, "--data", lesions, "--index", "index.npz").exception, OutputError)
    assert isinstance(similar(photo, "--data", lesions, "--out", "photo.jpg", "--overwrite").exception, OutputError)
    assert "whole number of at least 1" in str(similar(photo, "--data", lesions, "-k", 0).exception)
    assert "exclude='x'" in str(similar(photo, "--data", lesions, "--exclude", "x").exception)
    assert not (tmp_path / "index.npz").exists()


@pytest.mark.slow
def test_another_detectors_index_is_refused(photo, lesions):
    similar(photo, "--data", lesions / "Test", "--index", "ours.similar")
    result = CliRunner().invoke(app, ["similar", photo, "--index", "ours.similar"])
    assert isinstance(result.exception, DetectorError)


def test_a_page_takes_an_index(photo, lesions, tmp_path):
    similar(photo, "--data", lesions / "Test", "--index", "ours.similar")
    page = ["export", "--format", "page", "-d", "mine.detector", "--similar", "ours.similar"]
    result = CliRunner().invoke(app, [*page, "--out", "page.html"])
    assert result.exit_code == 0, result.output
    assert '"thumbnails":null' in (tmp_path / "page.html").read_text(encoding="utf-8")
    result = CliRunner().invoke(app, [*page, "--thumbnails", "--out", "shown.html"])
    assert (tmp_path / "shown.html").stat().st_size > (tmp_path / "page.html").stat().st_size
    refused = CliRunner().invoke(app, ["export", "-d", "mine.detector", "--similar", "ours.similar", "--out", "x.onnx"])
    assert "onnx holds no cases" in str(refused.exception)
    refused = CliRunner().invoke(app, [*page[:5], "--thumbnails", "--out", "x.html"])
    assert "of which cases" in str(refused.exception)
