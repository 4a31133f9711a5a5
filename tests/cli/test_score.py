"""The command score with `--out -`: the table on standard output, and nothing else there."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from melanoma_detect.cli import app

COMMAND = Path(sys.executable).with_name("melanoma-detect")


@pytest.fixture(scope="module")
def saved(detector, tmp_path_factory):
    path = tmp_path_factory.mktemp("score") / "mine.detector"
    detector.save(path)
    return path


def test_the_table_goes_to_standard_output(lesions, saved, tmp_path):
    arguments = ["score", str(lesions / "Test"), "-d", str(saved)]
    for sort in ([], ["--sort", "risk"]):
        streamed = CliRunner().invoke(app, [*arguments, *sort, "--out", "-"])
        assert streamed.exit_code == 0, streamed.output
        out = tmp_path / f"scores{len(sort)}.csv"
        assert CliRunner().invoke(app, [*arguments, *sort, "--out", str(out)]).exit_code == 0
        assert streamed.stdout_bytes == out.read_bytes()
        assert "36 images in" in streamed.stderr


def test_an_unreadable_image_is_a_row(saved, tmp_path):
    (tmp_path / "bad.jpg").write_text("no image")
    streamed = CliRunner().invoke(app, ["score", str(tmp_path), "-d", str(saved), "--out", "-"])
    [row] = csv.DictReader(io.StringIO(streamed.stdout))
    assert (row["decision"], row["reason"]) == ("refer", "unreadable")
    assert streamed.exit_code == 3
    assert f"Error: 1 image could not be read and is referred to a person: {tmp_path / 'bad.jpg'}: " in streamed.stderr


def test_errors_name_the_image_as_the_table_does(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "bad.jpg").write_text("no image")
    arguments = ["score", "photos", "-d", str(saved), "--out", "new/scores.csv", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 3
    document = json.loads(result.stdout)
    assert document["errors"][0].startswith("photos/bad.jpg: ")
    assert "not a medical device" in document["disclaimer"]
    [row] = csv.DictReader(io.StringIO((tmp_path / "new" / "scores.csv").read_text(encoding="utf-8")))
    assert row["error"].startswith("photos/bad.jpg: ")
    assert result.stderr.startswith("Note: new: no such folder; it will be made for scores.csv")


def test_a_sketch_is_written_besides_and_watched(lesions, saved, tmp_path):
    arguments = ["score", str(lesions / "Test"), "-d", str(saved), "--sketch"]
    sketch, table = tmp_path / "new" / "a.sketch", tmp_path / "a.csv"
    result = CliRunner().invoke(app, [*arguments, str(sketch), "--out", str(table)])
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"Written:\n  {table}\n  {sketch}\n\n")
    watched = CliRunner().invoke(app, ["watch", str(sketch), "-d", str(saved), "--by", "camera", "--json"])
    assert watched.exit_code in (0, 4), watched.output
    assert json.loads(watched.stdout)["images"] == [36]
    streamed = CliRunner().invoke(app, [*arguments, "b.sketch", "--out", "-"])
    assert "--sketch: is written when a table is complete" in str(streamed.exception)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other pipes")
def test_a_closed_pipe_ends_it_without_a_word(lesions, saved, tmp_path):
    image = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    (tmp_path / "list.txt").write_text(f"{image}\n" * 30_000)
    arguments = [COMMAND, "score", tmp_path / "list.txt", "-d", saved, "--out", "-"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"path,diagnosis,")
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=60)) == (b"", 141)
