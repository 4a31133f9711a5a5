"""The command balance."""

import pytest
from typer.testing import CliRunner

import melanoma_detect as md
from melanoma_detect.cli import app
from melanoma_detect.errors import DatasetError, OutputError


def balance(*arguments):
    return CliRunner().invoke(app, ["balance", *map(str, arguments)])


@pytest.fixture(scope="module")
def out(lesions, tmp_path_factory):
    folder = tmp_path_factory.mktemp("balance") / "balanced"
    result = balance(lesions, "--out", folder, "--to", 24)
    assert result.exit_code == 0, result.output
    return folder, result


def test_the_copy_is_balanced_and_says_so(lesions, out):
    folder, result = out
    counts = md.load_dataset(folder).distribution()
    assert counts["train"].min() == 24
    assert counts["test"].equals(md.load_dataset(lesions).distribution()["test"])
    added = int(counts["train"].sum() - md.load_dataset(lesions).distribution()["train"].sum())
    assert f"{added} augmented copies added to Train." in result.stdout
    assert result.stdout.rstrip().endswith(f"Written:\n  {folder}")


def test_a_folder_that_is_there_is_replaced_only_if_it_was_written_so(lesions, out, tmp_path):
    folder, _ = out
    assert isinstance(balance(lesions, "--out", folder).exception, OutputError)
    (tmp_path / "thesis.txt").touch()
    assert isinstance(balance(lesions, "--out", tmp_path, "--overwrite").exception, OutputError)
    assert isinstance(balance(lesions, "--out", lesions, "--overwrite").exception, OutputError)
    again = balance(lesions, "--out", folder, "--add", 1, "--overwrite")
    assert again.exit_code == 0, again.output
    assert md.load_dataset(folder).distribution()["train"].min() < 24


def test_a_missing_source_is_an_error(tmp_path):
    assert isinstance(balance(tmp_path / "nowhere", "--out", tmp_path / "x").exception, DatasetError)
