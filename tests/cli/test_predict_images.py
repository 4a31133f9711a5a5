"""Command lines of predict that are run without Typer: Typer reads them the same, and the answers are the same."""

import gc
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from typer.testing import CliRunner
from validate_dicom import write_image

import melanoma_detect as md
from melanoma_detect import cli
from melanoma_detect.cli import app, predict, predict_images
from melanoma_detect.cli.predict_images import plain_predict

PLAIN = [
    ["predict", "photo.jpg"],
    ["predict", "a.jpg", "b.png", "my photo.jpg"],
    ["predict", "~/photo.jpg"],
    ["predict", "photo.jpg", "--json"],
    ["predict", "--json", "photo.jpg", "--json"],
    ["predict", "photo.jpg", "--detector", "mine.detector"],
    ["predict", "-d", "~/runs/cnn", "photo.jpg", "--json"],
    ["predict", "predict"],
    ["predict", "score", "nævus.jpg", "n\udce4vus.jpg"],
    ["predict", "photo.jpg", "-d", "photo.jpg"],
    ["predict", "a=b.jpg", ":", "--detector", "x"],
    ["predict", "."],
]
# What only Typer reads: the images and options that it finds, or None where it refuses or does something else.
OTHERS = [
    ["predict", "photo.jpg", "--sensitivity", "0.9"],
    ["predict", "--detector=mine.detector", "photo.jpg"],
    ["predict", "-dmine.detector", "photo.jpg"],
    ["predict", "photo.jpg", "--detector", "a", "-d", "b"],
    ["predict", "--", "-photo.jpg"],
    ["predict", "--", "photo.jpg"],
    ["predict", "photo.jpg", "--target", "malignant", "--views", "4", "--image-type", "clinical"],
    ["predict", "-d", "-x", "photo.jpg"],
    ["predict"],
    ["predict", "--json"],
    ["predict", "photo.jpg", "--detector"],
    ["predict", "-d", "photo.jpg"],
    ["predict", "photo.jpg", "--jso"],
    ["predict", "photo.jpg", "--no-such-option"],
    ["predict", "photo.jpg", "--dicom-sr", "reports"],
    ["predict", "photo.jpg", "--help"],
    ["predict", "-h"],
    ["predict", ""],
    ["predict", "photo.jpg", "-"],
    ["--version", "predict", "photo.jpg"],
    ["predicts", "photo.jpg"],
    ["card"],
    [],
]


@pytest.fixture(autouse=True)
def unchanged_process(monkeypatch):
    """`main` catches SIGTERM and shows warnings in its own way: not for the other tests of this process."""
    monkeypatch.setattr(cli, "catch_termination", lambda: None)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)


@pytest.fixture
def calls(monkeypatch):
    """What the work of predict is called with, in place of the work."""
    found = []

    def record(images, options, *, as_json=False, dicom_sr=None):
        set_options = {name: value for name, value in options.items() if value is not None}
        found.append((list(images), set_options, as_json, dicom_sr))
        return True

    for module in (cli, predict):
        monkeypatch.setattr(module, "print_predictions", record)
    return found


@pytest.mark.parametrize("arguments", PLAIN, ids=" ".join)
def test_typer_reads_a_plain_command_line_the_same(calls, monkeypatch, arguments):
    assert plain_predict(arguments) is not None
    monkeypatch.setattr(sys, "argv", ["melanoma-detect", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert CliRunner().invoke(app, arguments).exit_code == 0
    without, with_typer = calls
    assert without == with_typer


@pytest.mark.parametrize("arguments", OTHERS, ids=" ".join)
def test_everything_else_is_left_to_typer(arguments):
    assert plain_predict(arguments, {}) is None


def test_a_shell_that_asks_for_completions_is_answered_by_typer():
    assert plain_predict(["predict", "photo.jpg"], {"_MELANOMA_DETECT_COMPLETE": "complete_bash"}) is None


def test_windows_expands_patterns_in_typer(monkeypatch):
    monkeypatch.setattr(predict_images.os, "name", "nt")
    for argument in ("*.jpg", "photo?.jpg", "[ab].jpg", "~/photo.jpg", "$HOME/photo.jpg", "%USERPROFILE%"):
        assert plain_predict(["predict", argument], {}) is None


def test_the_answers_and_errors_are_the_same(lesions, detector, tmp_path, monkeypatch, capsys):
    detector.save(tmp_path / "mine.detector")
    (tmp_path / "bad.jpg").write_text("no image")
    image = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    several = [image, tmp_path / "bad.jpg", tmp_path, tmp_path / "nope.jpg"]
    for images in ([image], several, [*several, "--json"], [image, "--json"], [tmp_path / "nope.jpg"]):
        arguments = ["predict", *map(str, images), "-d", str(tmp_path / "mine.detector")]
        expected = CliRunner().invoke(app, arguments)
        monkeypatch.setattr(sys, "argv", ["melanoma-detect", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        assert (ended.value.code, printed.out, printed.err) == (
            expected.exit_code,
            expected.stdout,
            expected.stderr,
        )


def test_a_report_of_each_dicom_image_is_written(lesions, detector, tmp_path):
    detector.save(tmp_path / "mine.detector")
    pixels = md.draw_lesion("melanoma", seed=5, size=64).pixels
    write_image(tmp_path / "one.dcm", pixels)
    write_image(tmp_path / "two.dcm", np.stack([pixels, pixels[::-1]]))
    photograph = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    images = [f"{tmp_path}/one.dcm", f"{tmp_path}/two.dcm#2", str(photograph)]
    arguments = ["predict", *images, "-d", str(tmp_path / "mine.detector"), "--dicom-sr", str(tmp_path / "reports")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1, "a photograph has no patient"
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["one.sr.dcm", "two-2.sr.dcm"]
    assert f"Written: {tmp_path}/reports/two-2.sr.dcm" in done.stdout
    assert f"{photograph}: most likely" in done.stdout, "its prediction stands all the same"
    assert f"Error: {photograph}: no DICOM image, and a DICOM report copies" in done.stderr
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code != 0
    assert "one.sr.dcm: already exists" in str(again.exception)
    document = json.loads(CliRunner().invoke(app, [*arguments[:-1], str(tmp_path / "more"), "--json"]).stdout)
    assert [found.get("dicom_sr") for found in document["predictions"]] == [
        f"{tmp_path}/more/one.sr.dcm", f"{tmp_path}/more/two-2.sr.dcm", None,
    ]  # fmt: skip
    assert "no DICOM image" in document["predictions"][2]["error"]


def test_neither_typer_nor_rich_is_imported_for_an_answer(lesions, detector, tmp_path):
    detector.save(tmp_path / "mine.detector")
    image = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    arguments = ["melanoma-detect", "predict", str(image), "-d", str(tmp_path / "mine.detector")]
    code = (
        f"import sys; sys.argv = {arguments}\n"
        "from melanoma_detect.cli import main\n"
        "try: main()\n"
        "finally: print(*[name for name in ('typer', 'rich', 'pydantic', 'numpy.ma', 'ray') if name in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("collects", [True, False])
def test_garbage_is_looked_for_afterwards_as_before(monkeypatch, collects):
    states = []
    monkeypatch.setattr(predict_images, "load_detector", lambda *_, **__: states.append(gc.isenabled()))
    before = gc.isenabled()
    try:
        (gc.enable if collects else gc.disable)()
        predict_images._load_quickly()
        assert states == [False]
        assert gc.isenabled() is collects
    finally:
        (gc.enable if before else gc.disable)()
