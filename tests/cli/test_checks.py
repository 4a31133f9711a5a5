"""Wrong values of options are refused while the command line is read: no folder is read and no library imported before."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from melanoma_detect.cli import app
from melanoma_detect.cli.checks import given_path
from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.training.recipes import PRECISIONS, RECIPES

TRAIN = ("train", "nowhere", "--out", "x")
SCORE = ("score", "nowhere", "--out", "x.csv")
WRONG = [
    (("demo", "--epochs", "0"), "--epochs 0: expected a whole number of at least 1"),
    (("demo", "--seed", "-1"), "--seed -1: expected a whole number of at least 0, under 4294967296"),
    ((*TRAIN, "--epochs", "0"), "--epochs 0: expected a whole number of at least 1"),
    ((*TRAIN, "--batch-size", "0"), "--batch-size 0: expected a whole number of at least 1"),
    ((*TRAIN, "--image-size", "0"), "--image-size 0: expected a whole number of at least 8"),
    ((*TRAIN, "--seed", "4294967296"), "--seed 4294967296: expected"),
    ((*TRAIN, "--sensitivity", "95"), "--sensitivity 95: expected a share over 0 and under 1, such as 0.95"),
    ((*TRAIN, "--sensitivity", "nan"), "--sensitivity nan: expected a share"),
    (
        (*TRAIN, "--recipe", "defualt"),
        "--recipe defualt: did you mean 'default'? expected assignment, default or strong",
    ),
    ((*TRAIN, "--precision", "half"), "--precision half: expected float32, mixed_bfloat16 or auto"),
    ((*TRAIN, "--conflicts", "all"), "--conflicts all: expected drop, resolve, keep or error"),
    ((*TRAIN, "--rare", "all"), "--rare all: expected train, exclude or error"),
    ((*TRAIN, "--devices", "two"), "--devices two: expected a whole number of at least 1, or 'auto'"),
    ((*TRAIN, "--devices", "0"), "--devices 0: expected a whole number of at least 1, or 'auto'"),
    ((*TRAIN, "--balance", "lots"), "--balance lots: expected a whole number of copies"),
    ((*TRAIN, "--option", "dropout"), "--option dropout: expected NAME=VALUE"),
    ((*TRAIN, "--weights", "gone.h5"), "--weights gone.h5: no such file"),
    ((*TRAIN, "--weights", "a", "--option", "weights=b"), "--weights a: --option weights=b is given too"),
    ((*SCORE, "--batch-size", "0"), "--batch-size 0: expected a whole number of at least 1"),
    ((*SCORE, "--workers", "0"), "--workers 0: expected a whole number of at least 1"),
    ((*SCORE, "--shard-size", "-3"), "--shard-size -3: expected a whole number of at least 1"),
    ((*SCORE, "--sort", "rsk"), "--sort rsk: did you mean 'risk'? expected risk"),
    ((*SCORE, "--engine", "spark"), "--engine spark: expected local or ray"),
    (("score", "nowhere", "--out", "-", "--json"), "--out -: the table goes to standard output, and so does --json"),
    (("predict", "a.jpg", "--views", "3"), "--views 3: expected 1, 4 or 8"),
    (("predict", "a.jpg", "--target", "melanom"), "--target melanom: did you mean 'melanoma'?"),
    (("predict", "a.jpg", "--image-type", "slide"), "--image-type slide: expected dermoscopy, clinical or auto"),
    (("predict", "a.jpg", "--sensitivity", "1"), "--sensitivity 1: expected a share over 0 and under 1"),
    (("card", "--prevalence", "2"), "--prevalence 2: expected a share over 0 and under 1, such as 0.02"),
    (("evaluate", "nowhere", "--prevalence", "0.1", "--prevalence", "0"), "--prevalence 0: expected a share"),
    (
        ("explain", "a.jpg", "--out", "x.png", "--method", "lime"),
        "--method lime: expected auto, cam, grad-cam or occlusion",
    ),
    (
        ("export", "--out", "x", "--format", "tflite"),
        "--format tflite: did you mean 'litert'? expected onnx, litert",
    ),
    (
        ("export", "--out", "x", "--precision", "int4"),
        "--precision int4: did you mean 'int8'? expected float32 or int8",
    ),
    (("export", "--out", "x", "--precision", "int8"), "--precision int8: needs images"),
    (
        ("export", "--out", "x", "--precision", "int8", "--format", "litert"),
        "--precision int8: is written as ONNX only",
    ),
    (("balance", "nowhere", "--out", "x", "--add", "0"), "--add 0: expected a whole number of at least 1"),
    (("balance", "nowhere", "--out", "x", "--to", "most"), "--to most: expected a whole number of images"),
    (("balance", "nowhere", "--out", "x", "--to", "9", "--add", "9"), "--to 9: goes in place of --add"),
    (("check-model", "cnn", "--image-size", "2"), "--image-size 2: expected a whole number of at least 8"),
    (("classes", "nowhere", "--seed", "-1"), "--seed -1: expected a whole number"),
    (("audit",), "SOURCE is missing"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_a_wrong_value_names_its_option(arguments, message):
    result = CliRunner().invoke(app, list(arguments))
    assert isinstance(result.exception, MelanomaDetectError)
    assert message in str(result.exception), result.output
    assert result.stdout == ""


def test_nothing_is_imported_before_a_wrong_value_is_refused():
    code = (
        "import sys; from melanoma_detect.cli import main\n"
        "sys.argv = ['melanoma-detect', 'train', 'nowhere', '--out', 'x', '--epochs', '0']\n"
        "try: main()\n"
        "finally: print(sorted({'tensorflow', 'keras', 'pandas', 'onnxruntime', 'scipy'} & set(sys.modules)))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert process.stdout.strip() == "[]"
    assert process.stderr == "Error: --epochs 0: expected a whole number of at least 1\n"


def test_the_choices_are_those_of_the_library():
    from melanoma_detect.cli import train

    hints = {name: hint for name, hint in train.train.__annotations__.items() if hasattr(hint, "__metadata__")}
    options = {name: hint.__metadata__[0] for name, hint in hints.items()}
    assert options["recipe"].metavar == " | ".join(RECIPES)
    assert sorted(options["precision"].metavar.split(" | ")) == sorted(PRECISIONS)


def test_choices_are_completed_in_the_shell():
    variables = {
        "_MELANOMA_DETECT_COMPLETE": "complete_bash",
        "COMP_WORDS": "melanoma-detect train --recipe ",
        "COMP_CWORD": "3",
    }
    completed = CliRunner().invoke(app, [], prog_name="melanoma-detect", env=variables)
    assert completed.stdout.split() == ["assignment", "default", "strong"]


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\0"])
def test_an_empty_path_is_no_folder(text):
    with pytest.raises(typer.BadParameter, match="names no file or folder; the current folder is"):
        given_path(text)
