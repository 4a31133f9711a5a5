"""The installed command `melanoma-detect`."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import melanoma_detect as md

COMMAND = Path(sys.executable).with_name("melanoma-detect")


def cli(*arguments, check=True):
    process = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)
    if check:
        assert process.returncode == 0, process.stderr
    return process


@pytest.fixture(scope="module")
def trained(lesions, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "cnn"
    command = ("train", lesions, "--model", "cnn", "--balance", 3, "--epochs", 2, "--image-size", 32, "--out", out)
    return out, cli(*command)


def test_version_and_help():
    assert cli("--version").stdout == f"melanoma-detect {md.__version__}\n"
    shown = cli("--help").stdout
    assert all(command in shown for command in ("demo", "train", "evaluate", "predict", "classes", "models"))
    assert "not a medical device" in " ".join(shown.split())


def test_help_is_shown_without_arguments():
    assert "Usage" in cli(check=False).stdout


def test_python_m_runs_the_same_command():
    process = subprocess.run(
        [sys.executable, "-m", "melanoma_detect", "--version"], capture_output=True, text=True, check=True
    )
    assert md.__version__ in process.stdout


def test_train_prints_metrics_and_files(trained):
    out, process = trained
    assert "balanced accuracy" in process.stdout
    assert "a difference of" in process.stdout
    assert str(out / "confusion.png") in process.stdout
    assert "epoch 2/2" in process.stderr
    assert "Traceback" not in process.stderr
    assert "cuda" not in process.stderr.lower()


@pytest.mark.parametrize("file", ["", "cnn.detector"])
def test_evaluate_takes_a_run_folder_or_a_detector_file(trained, lesions, file):
    out, process = trained
    shown = cli("evaluate", lesions, "--detector", out / file).stdout
    assert shown.strip() in process.stdout


def test_evaluate_uses_all_images_of_class_folders(trained, tree):
    root = tree({"melanoma": 4, "nevus": 5})
    assert cli("evaluate", root, "--detector", trained[0]).stdout.startswith("9 test images")


def test_predict_prints_a_line_per_image(trained, lesions):
    images = sorted((lesions / "Test" / "melanoma").glob("*.jpg"))[:2]
    process = cli("predict", *images, "--detector", trained[0])
    lines = process.stdout.strip().splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(image) for image in images]
    assert "not a medical device" in process.stderr


def test_predict_continues_after_an_unreadable_image_and_exits_with_1(trained, lesions, tmp_path):
    image = next((lesions / "Test" / "nevus").glob("*.jpg"))
    (tmp_path / "bad.jpg").write_text("no image")
    process = cli("predict", tmp_path / "bad.jpg", image, "--detector", trained[0], check=False)
    assert process.returncode == 1
    assert "bad.jpg: not an image" in process.stderr
    assert str(image) in process.stdout


def test_explain_writes_an_image_and_prints_its_caption(trained, lesions, tmp_path):
    image = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    arguments = ("--detector", trained[0], "--out", tmp_path / "overlay.png", "--diagnosis", "melanoma")
    process = cli("explain", image, *arguments, "--method", "occlusion")
    assert f"{image}: evidence for melanoma" in process.stdout
    assert "proves neither why" in process.stdout
    assert (tmp_path / "overlay.png").stat().st_size > 10_000


@pytest.mark.slow
def test_export_prints_the_agreement_with_the_detector(trained, lesions, tmp_path):
    process = cli("export", "--detector", trained[0], "--format", "litert", "--out", tmp_path / "model.tflite")
    assert "as LiteRT in float32. On 18 images its probabilities" in process.stdout
    small = ("--precision", "int8", "--data", lesions, "--out", tmp_path / "small.onnx")
    assert "Balanced accuracy" in cli("export", "--detector", trained[0], *small).stdout
    refused = cli("export", "--detector", trained[0], "--format", "tflite", "--out", tmp_path / "x", check=False)
    assert "--format tflite: did you mean 'litert'? expected onnx, litert, saved_model or page" in refused.stderr


def test_predict_with_another_sensitivity_views_and_type_of_image(trained, lesions):
    image = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    half = cli("predict", image, "--detector", trained[0], "--sensitivity", 0.5, "--views", 4).stdout
    assert "the threshold for 50% sensitivity" in half or "REFER" in half
    refused = cli("predict", image, "--detector", trained[0], "--sensitivity", 0.99, check=False)
    assert (refused.returncode, "at least 99 and one other" in refused.stderr) == (1, True)
    clinical = cli("predict", image, "--detector", trained[0], "--image-type", "clinical", check=False)
    assert (clinical.returncode, "not calibrated on clinical photographs" in clinical.stderr) == (1, True)


def test_card_prints_the_model_card_or_predictive_values(trained):
    assert cli("card", "--detector", trained[0]).stdout.startswith("# Model card: cnn")
    shown = cli("card", "--detector", trained[0], "--sensitivity", 0.5, "--prevalence", 0.02).stdout
    assert "set for 50% sensitivity" in shown
    assert "at a prevalence of 2.00%" in shown
    assert "no operating point" in cli("card", "-d", trained[0], "--prevalence", 0.02, check=False).stderr


def test_predict_imports_nothing_heavy(trained, lesions):
    image = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    code = (
        "import sys; from melanoma_detect.cli import main\n"
        "sys.argv = ['melanoma-detect', 'predict', sys.argv[1], '--detector', sys.argv[2]]\n"
        "try: main()\n"
        "finally: print(sorted({'tensorflow', 'keras', 'pandas', 'rich', 'scipy'} & set(sys.modules)))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, str(image), str(trained[0])], capture_output=True, text=True, check=False
    )
    assert process.stdout.strip().endswith("[]")


def test_score_writes_a_table_and_prints_a_summary(trained, lesions, tmp_path):
    (tmp_path / "bad.jpg").write_text("no image")
    out = tmp_path / "scores.csv"
    sources = (lesions / "Test", tmp_path / "bad.jpg")
    process = cli("score", *sources, "--detector", trained[0], "--out", out, "--sort", "risk", check=False)
    assert process.returncode == 3
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert len(rows) == 37
    assert process.stdout.startswith("37 images in")
    assert "1 unreadable" in process.stdout
    assert str(out) in process.stdout
    assert "scoring" not in process.stderr  # a progress bar is for terminals
    assert "not a medical device" in process.stderr
    ranks = [("alert", "refer", "clear").index(row["decision"]) for row in rows]
    assert ranks == sorted(ranks)


def test_score_and_evaluate_at_another_operating_point(trained, lesions, tmp_path):
    options = ("--detector", trained[0], "--sensitivity", 0.5, "--views", 4)
    cli("score", lesions / "Test", "--out", tmp_path / "half.csv", *options)
    with (tmp_path / "half.csv").open(encoding="utf-8", newline="") as table:
        assert {row["decision"] for row in csv.DictReader(table)} & {"alert", "clear"}
    assert "set for 50% sensitivity" in cli("evaluate", lesions, *options).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "--out", "scores.csv"), "nowhere: no such file; expected images, a folder of them, a zip"),
        (("{lesions}", "--out", "scores.xlsx"), "scores.xlsx: expected a name that ends in .csv or .parquet"),
        (("{lesions}", "--out", "scores.csv", "--sort", "name"), "--sort name: expected risk"),
        (("{lesions}", "--out", "scores.csv", "--engine", "spark"), "--engine spark: expected local or ray"),
    ],
)
def test_wrong_arguments_of_score_are_errors(trained, lesions, arguments, message):
    process = cli(
        "score", *(argument.format(lesions=lesions) for argument in arguments), "--detector", trained[0], check=False
    )
    assert process.returncode == (2 if message.startswith("--") else 1)  # wrong usage, or what cannot be done
    assert message in process.stderr
    assert process.stderr.startswith("Error: ")
    assert "Traceback" not in process.stderr


def test_classes_prints_counts(lesions):
    lines = cli("classes", lesions).stdout.splitlines()
    assert lines[0].split() == ["class", "train", "validation", "test", "total", "share", "of", "train"]
    total = len(list(lesions.rglob("*.jpg")))
    assert lines[-1].split()[-1] == str(total)


def test_models_lists_all():
    listed = cli("models").stdout
    assert "The assignment's network" in listed
    assert "lesion_net" in listed


def test_models_describes_one():
    shown = cli("models", "lesion_net").stdout
    assert "698,247 parameters at 180×180 and 9 classes" in shown
    assert "depth: int = 1" in shown


def test_check_model_runs_the_conformance_kit():
    process = cli("check-model", "cnn", "--option", "dropout=0.5", "--image-size", 32)
    assert "passed  check_onnx" in process.stdout
    assert process.stdout.rstrip().endswith("cnn passes every check")


def test_check_model_prints_what_failed():
    process = cli("check-model", "cnn", "--option", "filters=(4, 4, 4, 4, 4, 4, 4)", "--image-size", 64, check=False)
    assert "FAILED  check_structure" in process.stdout
    assert "expected at least 128×128 pixels" in process.stdout
    assert "not run check_onnx  (check_structure failed)" in process.stdout
    assert "1 of 17 checks failed; 14 not run, since they would only repeat that" in process.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check-model", "cnnn"], "did you mean 'cnn'"),
        (["check-model", "cnn", "--option", "dropout"], "expected NAME=VALUE, such as dropout=0.5"),
        (["models", "nonsense"], "no installed package offers an architecture 'nonsense'"),
    ],
)
def test_wrong_model_arguments_are_errors(arguments, message):
    assert message in cli(*arguments, check=False).stderr


@pytest.mark.slow
def test_demo_on_a_folder(lesions, tmp_path):
    process = cli("demo", "--data", lesions, "--epochs", 1, "--out", tmp_path / "demo")
    assert "Three of the test images" in process.stdout
    assert (tmp_path / "demo" / "roc.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("classes", "nowhere"), "nowhere: no such folder"),
        (("predict", "image.jpg", "--detector", "nowhere"), "nowhere: no such detector"),
        (("train", "{lesions}", "--out", "out", "--model", "cnnn"), "did you mean 'cnn'?"),
        (("train", "{lesions}", "--out", "out", "--balance", "lots"), "--balance lots"),
        (
            ("train", "{lesions}", "--out", "out", "--image-size", "4"),
            "--image-size 4: expected a whole number of at least 8",
        ),
        (("train", "{lesions}", "--out", "out", "--sensitivity", "95"), "--sensitivity 95: expected a share"),
        (
            ("train", "{lesions}", "--out", "out", "--recipe", "magic"),
            "--recipe magic: expected assignment, default or strong",
        ),
    ],
)
def test_an_error_is_one_message(lesions, arguments, message):
    process = cli(*(argument.format(lesions=lesions) for argument in arguments), check=False)
    assert process.returncode == (
        2 if "--" in message or "did you mean" in message else 1
    )  # wrong usage, or failed work
    assert message in process.stderr
    assert "Traceback" not in process.stderr
    assert process.stderr.startswith("Error: ")
    assert not Path("out").exists()


def test_a_warning_is_one_note(tree):
    root = tree({"melanoma": 6, "nevus": 6})
    shutil.copy(root / "melanoma" / "image_001.png", root / "nevus" / "twin.png")
    process = cli("classes", root)
    assert process.stderr.startswith("Note: ")
    assert process.stderr.count("labels that contradict each other") == 1


def test_audit_prints_findings_writes_html_and_prints_json(tree, tmp_path):
    root = tree({"Train/melanoma": 6, "Train/nevus": 6, "Test/melanoma": 2, "Test/nevus": 2})
    shutil.copy(root / "Train" / "melanoma" / "image_001.png", root / "Train" / "nevus" / "twin.png")
    process = cli("audit", root, "--html", tmp_path / "audit.html")
    assert re.search(r"1\s+two labels\s+1 image carries labels that", process.stdout)
    assert (tmp_path / "audit.html").stat().st_size > 5000
    found = json.loads(cli("audit", root, "--json").stdout)["findings"]
    assert found[0]["kind"] == "two labels"
    assert found[0]["cases"][0][0]["path"].endswith(".png")


def test_the_reference_page_has_every_command_and_option():
    import typer

    from melanoma_detect.cli import app

    page = (Path(__file__).parents[1] / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    group = typer.main.get_command(app)
    context = typer.Context(group)
    assert set(group.list_commands(context)) == {
        "demo",
        "train",
        "evaluate",
        "predict",
        "score",
        "watch",
        "fingerprint",
        "lab",
        "audit",
        "card",
        "explain",
        "export",
        "localize",
        "classes",
        "models",
        "check-model",
        "balance",
        "new-plugin",
        "serve",
        "similar",
    }
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        section = page.split(f"## `melanoma-detect {name}`")[1].split("\n## ")[0]
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        assert [option for option in options if option not in section] == []


def test_evaluate_writes_an_html_report(trained, lesions, tmp_path):
    page = tmp_path / "page" / "report.html"
    shown = cli("evaluate", lesions, "--detector", trained[0], "--html", page).stdout
    assert f"Written:\n  {page}" in shown
    assert "Melanoma ROC AUC on altered images" in shown
    assert "background only" in page.read_text(encoding="utf-8")


def test_evaluate_tests_for_shortcuts_and_prints_predictive_values(lesions, tmp_path, detector):
    detector.save(tmp_path / "mine.detector")
    arguments = ("--detector", tmp_path / "mine.detector", "--shortcuts", "--prevalence", 0.02, "--prevalence", 0.1)
    shown = cli("evaluate", lesions, *arguments).stdout
    assert "background only" in shown
    assert "at a prevalence of 2.00%" in shown
    assert "at a prevalence of 10.00%" in shown


def test_evaluate_prints_the_subgroups_of_a_metadata_table(trained, tree):
    root = tree({"melanoma": 4, "nevus": 6})
    names = sorted(path.stem for path in root.rglob("*.png"))
    rows = [f"{name},{('female', 'male')[at % 2]}" for at, name in enumerate(names)]
    (root / "metadata.csv").write_text("\n".join(["image_id,sex", *rows]), encoding="utf-8")
    shown = cli("evaluate", root, "--detector", trained[0]).stdout
    assert "sex female: 5 images" in shown
    assert "too few lesions" in shown
