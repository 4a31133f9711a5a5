"""`--resume` where nothing was interrupted: a note, or an error for a slip in the name."""

import pytest

from melanoma_detect.cli.checks import OptionError
from melanoma_detect.cli.resuming import check_resumable


def test_a_slip_in_the_name_is_an_error(tmp_path):
    (tmp_path / ".melanoma-cnn.training").mkdir()
    with pytest.raises(OptionError, match="did you mean 'melanoma-cnn'"):
        check_resumable(tmp_path / "melanoma-cn")


def test_nothing_to_resume_is_said(tmp_path, capsys):
    (tmp_path / ".other.training").mkdir()
    check_resumable(tmp_path / "melanoma-cnn")
    assert "training starts from the beginning" in capsys.readouterr().err


def test_an_interrupted_training_is_resumed_without_a_word(tmp_path, capsys):
    (tmp_path / ".run.training").mkdir()
    check_resumable(tmp_path / "run")
    assert capsys.readouterr().err == ""
