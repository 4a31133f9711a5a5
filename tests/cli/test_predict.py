"""The command predict: images, not folders."""

import json
import shlex

from typer.testing import CliRunner

from melanoma_detect.cli import app


def test_a_folder_is_for_score(tmp_path, detector):
    folder = tmp_path / "my images"
    folder.mkdir()
    detector.save(tmp_path / "mine.detector")
    arguments = [str(folder), "--detector", str(tmp_path / "mine.detector"), "--sensitivity", "0.5"]
    result = CliRunner().invoke(app, ["predict", *arguments])
    assert result.exit_code == 1
    [line] = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    command = shlex.split(line.partition("for every image in it run: ")[2])
    assert command == ["melanoma-detect", "score", *arguments, "--out", "scores.csv"]


def test_a_folder_or_a_missing_file_is_an_error_of_its_own(tmp_path, lesions, detector):
    detector.save(tmp_path / "mine.detector")
    image = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    given = [str(tmp_path), str(image), str(tmp_path / "nope.jpg")]
    result = CliRunner().invoke(app, ["predict", *given, "-d", str(tmp_path / "mine.detector"), "--json"])
    assert result.exit_code == 1
    folder, prediction, missing = json.loads(result.stdout)["predictions"]
    assert "is a folder" in folder["error"]
    assert prediction["source"] == str(image)
    assert "no such file" in missing["error"]


def test_without_any_image_there_is_a_document_all_the_same(tmp_path):
    result = CliRunner().invoke(app, ["predict", str(tmp_path), str(tmp_path / "nope.jpg"), "--json"])
    assert result.exit_code == 1
    assert [record["source"] for record in json.loads(result.stdout)["predictions"]] == [
        str(tmp_path),
        str(tmp_path / "nope.jpg"),
    ]


def test_predictive_values_come_without_the_card():
    result = CliRunner().invoke(app, ["card", "--prevalence", "0.02", "--json"])
    document = json.loads(result.stdout)
    assert document.keys() == {"detector", "operating_point", "predictive_values", "disclaimer"}
    assert len(result.stdout) < 4000
    assert "not a medical device" in CliRunner().invoke(app, ["card", "--prevalence", "0.02"]).stderr
