"""The command predict: images, not folders."""

import shlex

from typer.testing import CliRunner

from melanoma_detect.cli import app
from melanoma_detect.cli.checks import OptionError


def test_a_folder_is_for_score(tmp_path, detector):
    folder = tmp_path / "my images"
    folder.mkdir()
    detector.save(tmp_path / "mine.detector")
    arguments = [str(folder), "--detector", str(tmp_path / "mine.detector"), "--sensitivity", "0.5"]
    result = CliRunner().invoke(app, ["predict", *arguments])
    assert isinstance(result.exception, OptionError)
    command = shlex.split(str(result.exception).partition("for every image in it run: ")[2])
    assert command == ["melanoma-detect", "score", *arguments, "--out", "scores.csv"]
