"""The command evaluate on several sources: one table, each with its own labels, and what is written."""

import csv
import json
import shutil
import warnings
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from melanoma_detect.cli import app
from melanoma_detect.cli.checks import OptionError
from melanoma_detect.cli.evaluate import _match_ratios
from melanoma_detect.errors import DatasetError, DataWarning, OutputError


@pytest.fixture(scope="module")
def folder(lesions, detector, tmp_path_factory):
    """Write a folder with two sources, a zip, and a detector's file."""
    root = tmp_path_factory.mktemp("sets")
    shutil.copytree(lesions / "Test", root / "clinic")
    for name in ("melanoma", "nevus"):
        shutil.copytree(lesions / "Test" / name, root / "other" / "clinic" / name)
    with zipfile.ZipFile(root / "packed.zip", "w") as archive:
        for path in sorted((lesions / "Test").rglob("*.jpg")):
            archive.write(path, path.relative_to(lesions / "Test"))
    flat = root / "flat"
    flat.mkdir()
    rows = ["image,dx"]
    for number, path in enumerate(sorted((lesions / "Test").glob("*/*.jpg"))):
        shutil.copy(path, flat / f"{number}.jpg")
        rows.append(f"{number},{path.parent.name}")
    (root / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    detector.save(root / "mine.detector")
    return root


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


def evaluate(*arguments):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--detector", "mine.detector"])


def test_several_sources_are_rows_of_one_table(tmp_path):
    out, page = tmp_path / "sets.json", tmp_path / "sets.html"
    result = evaluate("clinic", "packed.zip", "--out", out, "--html", page, "--prevalence", 0.02)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    table = lines[: next(at for at, line in enumerate(lines) if line.startswith("Counts are images"))]
    assert max(map(len, table)) <= 100
    assert any(line.startswith("clinic ") for line in lines)
    assert any(line.startswith("packed ") for line in lines)
    assert any(line.startswith("mean of the sets") for line in lines)
    assert any(line.startswith("packed: at a prevalence of 2.00%") for line in lines)
    sets = json.loads(out.read_text(encoding="utf-8"))["sets"]
    names = [each.pop("dataset") for each in sets.values()]
    assert sets["clinic"] == sets["packed"], names
    assert "External validation on 2 sets" in page.read_text(encoding="utf-8")


def test_each_source_may_have_its_own_table(tmp_path):
    out = tmp_path / "sets.csv"
    text = Path("labels.csv").read_text(encoding="utf-8")
    (tmp_path / "nevi.csv").write_text(text.replace("melanoma", "nevus"), encoding="utf-8")
    shutil.copytree("flat", tmp_path / "second")
    sources = ("flat", tmp_path / "second", "--labels", "labels.csv", "--labels", tmp_path / "nevi.csv")
    result = evaluate(*sources, "--out", out)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [(row["set"], row["melanomas"], row["problem"]) for row in rows] == [("flat", "4", ""), ("second", "0", "")]
    assert rows[1]["sensitivity"] == ""


def test_one_source_may_be_written_as_a_table_too(tmp_path):
    result = evaluate("flat", "--labels", "labels.csv", "--out", tmp_path / "one.json")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("36 test images")
    assert json.loads((tmp_path / "one.json").read_text(encoding="utf-8"))["sets"]["flat"]["images"] == 36


def test_folders_of_one_table_are_sets_of_their_own(tmp_path):
    rows = ["image,diagnosis,image_type"]
    for number, path in enumerate(sorted(Path("flat").glob("*.jpg"))):
        kind = ("dermoscopy", "clinical")[number % 2]
        (tmp_path / kind).mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / kind / path.name)
        label = Path("labels.csv").read_text(encoding="utf-8").split(f"\n{path.stem},")[1].split("\n")[0]
        rows.append(f"{kind}/{path.name},{label},{kind}")
    table = tmp_path / "metadata.csv"
    table.write_text("\n".join(rows), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)  # the rows that name images of the other folder are expected
        result = evaluate(tmp_path / "dermoscopy", tmp_path / "clinical", "--labels", table)
    assert result.exit_code == 0, result.output
    counts = [line.split()[:2] for line in result.stdout.splitlines() if line.startswith(("dermoscopy ", "clinical "))][
        :2
    ]
    assert counts == [["dermoscopy", "18"], ["clinical", "18"]]


def test_sources_of_one_name_are_told_apart_by_their_paths():
    result = evaluate("clinic", "other/clinic")
    assert result.exit_code == 0, result.output
    assert "other/clinic" in result.stdout


def test_pooled_sources_are_one_set():
    result = evaluate("other/clinic", "packed.zip", "--pool")
    assert result.exit_code == 0, result.output
    assert "test images of" in result.stdout.splitlines()[0]
    assert "worst set" not in result.stdout


def test_a_source_that_cannot_be_evaluated_does_not_stop_the_others(tmp_path):
    (tmp_path / "empty").mkdir()
    result = evaluate("clinic", tmp_path / "empty")
    assert result.exit_code == 1
    assert "Not evaluated: empty: " in result.stdout
    assert any(line.startswith("clinic ") for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clinic", "nowhere"], "nowhere: no such folder or file"),
        (["clinic", "./clinic"], "given twice"),
        (
            ["clinic", "flat", "packed.zip", "--labels", "labels.csv", "--labels", "labels.csv"],
            "2 tables for 3 sources",
        ),
        (["clinic", "flat", "--pool", "--labels", "labels.csv", "--labels", "labels.csv"], "one for all of them"),
        (["clinic", "--squashed", "flat=4:3"], "flat is no source here"),
        (["clinic", "--squashed", "4:3", "--squashed", "1:1"], "all sources were given 4:3 too"),
        (["clinic", "--squashed", "clinic=4:3", "--squashed", "./clinic=1:1"], "clinic were given 4:3 too"),
    ],
)
def test_arguments_are_checked_before_any_work(arguments, message):
    result = evaluate(*arguments)
    assert isinstance(result.exception, (DatasetError, OptionError)), result.output
    assert message in str(result.exception)


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_one_path_for_two_files_is_refused_before_any_work(tmp_path, overwrite):
    page = tmp_path / "page.html"
    result = evaluate("nowhere", "--html", page, "--out", tmp_path / "x" / ".." / "page.html", *overwrite)
    assert isinstance(result.exception, OutputError)
    assert "stands for --html and --out; choose two paths" in str(result.exception)
    assert not page.exists()


def test_no_input_is_overwritten(tmp_path):
    result = evaluate("flat", "clinic", "--labels", "labels.csv", "--out", "labels.csv", "--overwrite")
    assert isinstance(result.exception, OutputError)
    assert "is an input" in str(result.exception)
    assert isinstance(evaluate("clinic", "flat", "--out", tmp_path / "sets.xlsx").exception, OutputError)


def test_predictive_values_that_are_not_defined_cost_nothing_else(tmp_path):
    out = tmp_path / "nevi.csv"
    for name in ("nevus", "dermatofibroma"):
        shutil.copytree(f"clinic/{name}", tmp_path / "benign" / name)
    result = evaluate(tmp_path / "benign", "--prevalence", 0.02, "--out", out)
    assert result.exit_code == 0, result.output
    assert "at a prevalence of 2.00%: predictive values need sensitivity and specificity" in result.stdout
    assert out.exists()


def test_a_prevalence_out_of_range_is_refused_before_any_work():
    result = evaluate("nowhere", "--prevalence", 2)
    assert isinstance(result.exception, OptionError)
    assert "--prevalence 2: expected a share over 0 and under 1" in str(result.exception)


@pytest.mark.parametrize("order", [("4:3", "flat=1:1"), ("flat=1:1", "4:3")])
def test_the_ratio_of_a_named_source_goes_before_that_of_all(order):
    assert _match_ratios([Path("flat"), Path("clinic")], order) == {Path("flat"): "1:1", Path("clinic"): "4:3"}
