"""Interrupted commands: one line that says what was kept and which command goes on, and the status of the signal."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import melanoma_detect as md
from melanoma_detect.cli import app
from melanoma_detect.cli.interruption import Terminated, describe_interruption
from melanoma_detect.utils.interruption import Interruption, noting_interruption

COMMAND = Path(sys.executable).with_name("melanoma-detect")


def interrupt(arguments, folder, is_started, number):
    """Start a command, send it a signal as soon as its work has started, and return it when it has ended."""
    process = subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 120
    while not is_started() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # a terminal sends Ctrl-C to every process of the command
    else:
        process.send_signal(number)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_score_names_what_is_kept_and_the_same_command_resumes(lesions, detector, tmp_path, number):
    image = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    (tmp_path / "list.txt").write_text(f"{image}\n" * 30_000)  # more than are scored before the signal arrives
    detector.save(tmp_path / "mine.detector")
    shards = tmp_path / ".s.csv-partial"
    arguments = ["score", "list.txt", "--out", "s.csv", "-d", "mine.detector", "--shard-size", "64"]
    status, out, err = interrupt(arguments, tmp_path, lambda: any(shards.glob("[!.]*-*.csv")), number)
    assert (status, out) == (128 + number, "")
    last = err.splitlines()[-1]
    assert last.startswith("Interrupted: the predictions of ")
    assert "images are kept beside s.csv. Go on with: " in last
    assert shlex.split(last.partition("Go on with: ")[2]) == ["melanoma-detect", *arguments]
    assert "Traceback" not in err
    assert any(shards.glob("[!.]*-*.csv"))
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
def test_train_names_the_command_that_resumes(lesions, tmp_path):
    checkpoints = tmp_path / ".run.training"
    arguments = ["train", lesions, "--out", "run", "--epochs", "40", "--image-size", "32", "--sensitivity", "0.5"]
    status, _, err = interrupt(arguments, tmp_path, (checkpoints / "last.npz").exists, signal.SIGINT)
    assert status == 130
    command = shlex.split(err.splitlines()[-1].partition("Go on with: ")[2])
    assert command == ["melanoma-detect", *map(str, arguments), "--resume"]
    resumed = subprocess.run([COMMAND, *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert resumed.returncode == 0, resumed.stderr
    assert (tmp_path / "run" / "cnn.detector").is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ["audit", "{images}"],
        ["classes", "{images}"],
        ["evaluate", "{images}"],
        ["balance", "{images}", "--out", "{out}"],
        ["localize", "{images}", "--out", "{out}.detector"],
        ["export", "--data", "{images}", "--out", "{out}.onnx"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_other_commands_say_that_nothing_was_written(monkeypatch, lesions, tmp_path, arguments):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(md, "load_dataset", stop)
    filled = [argument.format(images=lesions, out=tmp_path / "out") for argument in arguments]
    monkeypatch.setattr(sys, "argv", ["melanoma-detect", *filled])
    result = CliRunner().invoke(app, filled)
    assert result.exit_code == 130
    command = shlex.join(["melanoma-detect", *filled])
    assert result.stderr.splitlines()[-1] == f"Interrupted: nothing was written. Start again with: {command}"
    assert list(tmp_path.iterdir()) == []


def test_sigterm_has_a_status_of_its_own(monkeypatch):
    def stop(*_, **__):
        raise Terminated

    monkeypatch.setattr(md, "list_models", stop)
    assert CliRunner().invoke(app, ["models"]).exit_code == 143


def test_what_the_library_has_kept_is_named():
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        noting_interruption(lambda: Interruption("2 of 9 epochs are kept in .x.training", path=Path(".x.training"))),
    ):
        raise KeyboardInterrupt
    error = caught.value
    resumed = describe_interruption(error, ["/bin/melanoma-detect", "train", "my set", "--out", "x"])
    assert resumed == (
        "2 of 9 epochs are kept in .x.training. Go on with: melanoma-detect train 'my set' --out x --resume"
    )
    again = describe_interruption(error, ["/x/melanoma_detect/__main__.py", "train", "a", "--resume"])
    assert again.endswith("-m melanoma_detect train a --resume")
    scored = describe_interruption(error, ["melanoma-detect", "score", "a", "--out", "s.csv"])
    assert scored.endswith("Go on with: melanoma-detect score a --out s.csv")


def test_without_anything_kept_the_same_command_starts_again():
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        noting_interruption(lambda: Interruption("no epoch was complete")),
    ):
        raise KeyboardInterrupt
    said = describe_interruption(caught.value, ["melanoma-detect", "train", "a"])
    assert said == "no epoch was complete. Start again with: melanoma-detect train a"
