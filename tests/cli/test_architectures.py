"""Options of architectures on the command line."""

import re
import subprocess
import sys

import pytest

from melanoma_detect.cli.architectures import check_architecture, check_architecture_options, parse_options
from melanoma_detect.cli.checks import OptionError
from melanoma_detect.errors import UnknownModelError
from melanoma_detect.models.registry import ModelEntry


def test_values_have_the_types_of_python():
    given = ["dropout=0.5", "filters=(16, 32)", "count=3", "batch_normalization=True", "flag=false", "until=None"]
    assert parse_options([*given, "weights=a=b"]) == {
        "dropout": 0.5,
        "filters": (16, 32),
        "count": 3,
        "batch_normalization": True,
        "flag": False,
        "until": None,
        "weights": "a=b",
    }
    assert parse_options(None) == {}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["dropout"], "--option dropout: expected NAME=VALUE"),
        (["drop-out=1"], "--option drop-out=1: expected NAME=VALUE"),
        (["dropout=1", "dropout=2"], "--option dropout=2: the option 'dropout' is given twice"),
    ],
)
def test_a_wrong_option_is_named(pairs, message):
    with pytest.raises(OptionError, match=message):
        parse_options(pairs)


def test_an_unknown_architecture_is_refused():
    check_architecture("cnn")
    with pytest.raises(UnknownModelError, match="did you mean 'cnn'"):
        check_architecture("cnnn")


@pytest.mark.parametrize(
    ("architecture", "options", "message"),
    [
        (
            "cnn",
            {"dropuot": 0.5},
            "--option dropuot: cnn has no such option; did you mean 'dropout'? expected filters, ",
        ),
        ("cnn", {"dropout": "much"}, "--option dropout=much: expected a number"),
        ("cnn", {"batch_normalization": 1}, "--option batch_normalization=1: expected true or false"),
        ("mobilenet_v2:0.35", {"width": 1}, "--option width: mobilenet_v2 has no such option; expected variant, "),
    ],
)
def test_a_wrong_option_of_an_architecture_is_named(architecture, options, message):
    with pytest.raises(OptionError, match=re.escape(message)):
        check_architecture_options(architecture, options)


def test_right_options_of_an_architecture_pass():
    check_architecture_options("cnn", {"dropout": 1, "filters": (4, 8), "batch_normalization": True})


def test_a_wrong_option_is_refused_without_keras():
    code = (
        "import sys; from melanoma_detect.cli import main\n"
        "sys.argv = ['melanoma-detect', 'check-model', 'cnn', '--option', 'dropuot=0.5']\n"
        "try: main()\n"
        "finally: print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout.strip()) == (2, "[]")


@pytest.mark.parametrize(
    "source",
    [
        "def build(*, input_shape, num_classes, **options): ...",
        "@decorated\ndef build(*, input_shape, num_classes): ...",
        "build = make_builder()",
        "def build(:",
    ],
)
def test_a_builder_whose_source_does_not_tell_its_options_is_left_to_build_model(tmp_path, monkeypatch, source):
    (tmp_path / "mynet.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    entry = ModelEntry("mynet", "mine", "1.0", "mynet:build")
    monkeypatch.setattr("melanoma_detect.models.registry.find_entry", lambda _: entry)
    check_architecture_options("mynet", {"anything": 1})
