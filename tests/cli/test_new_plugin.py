"""The command `new-plugin`."""

import re

from typer.testing import CliRunner

from melanoma_detect.cli import app


def run(*arguments):
    return CliRunner().invoke(app, ["new-plugin", *map(str, arguments)])


def test_says_what_to_do_next(tmp_path):
    done = run("my-net", "--out", tmp_path / "my net", "--author", "Ada Lovelace")
    assert done.exit_code == 0, done.output
    assert f"pip install --editable '{tmp_path / 'my net'}[test]'" in done.output
    assert "melanoma-detect check-model my_net" in done.output
    assert "src/melanoma_detect_my_net/network.py" in done.output
    assert "Ada Lovelace" in (tmp_path / "my net" / "LICENSE").read_text()


def test_help_says_what_the_package_is_called():
    shown = " ".join(re.sub(r"[^\w.,;'-]+", " ", run("--help").output).split())
    assert "its package is melanoma-detect-NAME, which may be given too" in shown
    assert "for the licence and the package's metadata" in shown


def test_default_folder_is_the_package(tmp_path):
    assert run("my-net").exit_code == 0
    assert (tmp_path / "melanoma-detect-my-net" / "pyproject.toml").is_file()
