import json

from typer.testing import CliRunner

from melanoma_detect.cli import app


def run(*arguments):
    return CliRunner().invoke(app, ["lab", *map(str, arguments)])


def test_drawn_lesions():
    given = ("--mistake", "drop_unsure", "--mistake", "keep_duplicates", "--seeds", "2", "--lesions", "10")
    result = run(*given, "--learner", "nearest")
    assert result.exit_code == 0, result.output
    assert "The price of classic mistakes: 2 trials, nearest, drawn lesions" in result.output
    assert "leave out what is" in result.output
    assert "Truth: what its models do on untouched lesions." in result.output
    found = json.loads(run(*given, "--json").stdout)
    assert [one["mistake"] for one in found["results"]] == ["drop_unsure", "keep_duplicates"]


def test_a_folder(lesions):
    result = run(lesions, "--mistake", "keep-duplicates", "--seeds", "2", "--learner", "nearest")
    assert result.exit_code == 0, result.output
    assert "a dataset's images" in result.output


def test_unknown_mistake_is_an_error_before_images_are_read():
    result = run("nowhere", "--mistake", "split")
    assert result.exit_code == 1
    assert "mistake='split'" in str(result.exception)
    assert run("--seeds", "1").exit_code == 1
