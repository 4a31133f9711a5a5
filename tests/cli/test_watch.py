"""The command watch: its sentence, its exit status, JSON and HTML."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from melanoma_detect.cli import app


@pytest.fixture
def tables(detector, lesions, tmp_path):
    """Write a detector's file, and a table of scores of all images and one of melanomas only."""
    detector.save(tmp_path / "mine.detector")
    for source, name in ((lesions / "Test", "2026-11-01.csv"), (lesions / "Train" / "melanoma", "2026-11-02.csv")):
        result = CliRunner().invoke(app, ["score", str(source), "-d", "mine.detector", "--out", name])
        assert result.exit_code == 0, result.output
    return ["2026-11-01.csv", "2026-11-02.csv"]


def watch(*arguments):
    return CliRunner().invoke(app, ["watch", *arguments, "-d", "mine.detector"])


def test_a_stream_like_its_baseline_has_status_0(tables):
    header, *rows = Path(tables[0]).read_text(encoding="utf-8").splitlines()
    for name, half in (("before.csv", rows[::2]), ("after.csv", rows[1::2])):
        Path(name).write_text("\n".join([header, *half, ""]), encoding="utf-8")
    result = watch("after.csv", "--baseline", "before.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("No alarm: 18 images in 1 period")


def test_another_stream_has_status_4_and_a_page(tables):
    alone = ["--baseline", tables[0], "--html", "watch.html", "--json"]
    rooms = [shutil.copy(tables[1], f"{room}_{tables[1]}") for room in "abc"]
    result = watch(*rooms, *alone)
    assert result.exit_code == 4, result.output
    document = json.loads(result.stdout)
    assert document["alarm_period"] == "2026-11-02"
    assert document["written"] == ["watch.html"]
    with open("watch.html", encoding="utf-8") as page:  # noqa: PTH123
        text = page.read()
    assert "ALARM in 2026-11-02" in text
    assert "Sensitivity without labels" in text


def test_what_cannot_be_written_is_said_before_anything_is_read(tables):
    assert "expected a name that ends in" in str(watch(tables[0], "--html", "watch.pdf").exception)
