"""One table of labels for several sources."""

import shutil
import warnings

import pytest
from typer.testing import CliRunner

from melanoma_detect.cli import app
from melanoma_detect.errors import DataWarning


@pytest.fixture
def split_set(lesions, detector, tmp_path):
    """Write two folders of images, and one table that labels both."""
    rows = ["image,dx"]
    for number, path in enumerate(sorted((lesions / "Test").glob("*/*.jpg"))):
        folder = tmp_path / ("first", "second")[number % 2]
        folder.mkdir(exist_ok=True)
        shutil.copy(path, folder / f"{number}.jpg")
        rows.append(f"{number},{path.parent.name}")
    detector.save(tmp_path / "mine.detector")
    return tmp_path, rows


def evaluate(folder, rows, *options):
    (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    sources = [folder / "first", folder / "second", "--labels", folder / "labels.csv"]
    arguments = ["evaluate", *sources, "-d", folder / "mine.detector", *options]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return [str(warning.message) for warning in caught if issubclass(warning.category, DataWarning)]


@pytest.mark.parametrize("options", [(), ("--pool",)])
def test_rows_of_the_other_source_are_no_reason_for_a_note(split_set, options):
    folder, rows = split_set
    assert [message for message in evaluate(folder, rows, *options) if "rows" in message] == []


@pytest.mark.parametrize("options", [(), ("--pool",)])
def test_rows_of_no_source_are_counted(split_set, options):
    folder, rows = split_set
    notes = evaluate(folder, [*rows, "gone_1,nevus", "gone_2,nevus"], *options)
    assert [note for note in notes if "row" in note] == ["2 rows of labels.csv name images of none of the sources"]


def test_what_else_there_is_to_say_is_said(split_set):
    folder, rows = split_set
    (folder / "first" / "notes.txt").touch()
    notes = evaluate(folder, rows)
    expected = f"first: {folder / 'first'}: 1 file takes no part (notes.txt); see data.other_files"
    assert [note for note in notes if "notes.txt" in note] == [expected]
