"""The command line, as installed."""

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


def cli(*words, check=True):
    done = subprocess.run([COMMAND, *map(str, words)], capture_output=True, text=True, check=False)
    if check:
        assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def trained(lesions, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "cnn"
    command = ("train", lesions, "--model", "cnn", "--balance", 3, "--epochs", 2, "--image-size", 32, "--out", out)
    return out, cli(*command)


def test_version_and_help():
    assert cli("--version").stdout == f"melanoma-detect {md.__version__}\n"
    shown = cli("--help").stdout
    assert all(verb in shown for verb in ("demo", "train", "evaluate", "predict", "classes", "models"))
    assert "not a medical device" in " ".join(shown.split())


def test_no_words_show_the_help():
    assert "Usage" in cli(check=False).stdout


def test_python_m_is_the_same():
    done = subprocess.run(
        [sys.executable, "-m", "melanoma_detect", "--version"], capture_output=True, text=True, check=True
    )
    assert md.__version__ in done.stdout


def test_train_says_what_it_came_to(trained):
    out, done = trained
    assert "balanced accuracy" in done.stdout
    assert "a difference of" in done.stdout
    assert str(out / "confusion.png") in done.stdout
    assert "epoch 2/2" in done.stderr
    assert "Traceback" not in done.stderr
    assert "cuda" not in done.stderr.lower()


@pytest.mark.parametrize("file", ["", "cnn.detector"])
def test_evaluate_takes_the_folder_or_the_file(trained, lesions, file):
    out, done = trained
    shown = cli("evaluate", lesions, "--detector", out / file).stdout
    assert shown.strip() in done.stdout


def test_evaluate_measures_all_of_other_peoples_class_folders(trained, tree):
    root = tree({"melanoma": 4, "nevus": 5})
    assert cli("evaluate", root, "--detector", trained[0]).stdout.startswith("9 test images")


def test_predict_says_a_sentence_for_each(trained, lesions):
    photos = sorted((lesions / "Test" / "melanoma").glob("*.jpg"))[:2]
    done = cli("predict", *photos, "--detector", trained[0])
    lines = done.stdout.strip().splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(photo) for photo in photos]
    assert "not a medical device" in done.stderr


def test_predict_goes_on_after_a_bad_image_and_fails_in_the_end(trained, lesions, tmp_path):
    photo = next((lesions / "Test" / "nevus").glob("*.jpg"))
    (tmp_path / "bad.jpg").write_text("no image")
    done = cli("predict", tmp_path / "bad.jpg", photo, "--detector", trained[0], check=False)
    assert done.returncode == 1
    assert "bad.jpg: not an image" in done.stderr
    assert str(photo) in done.stdout


def test_explain_writes_a_image_and_says_what_it_shows(trained, lesions, tmp_path):
    photo = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    words = ("--detector", trained[0], "--out", tmp_path / "overlay.png", "--diagnosis", "melanoma")
    done = cli("explain", photo, *words, "--method", "occlusion")
    assert done.stdout.startswith(f"{photo}: what speaks for melanoma")
    assert "no proof" in done.stdout
    assert (tmp_path / "overlay.png").stat().st_size > 10_000


def test_export_says_how_well_it_stands_for_the_detector(trained, lesions, tmp_path):
    done = cli("export", "--detector", trained[0], "--format", "litert", "--out", tmp_path / "model.tflite")
    assert "as LiteRT in float32, at most" in done.stdout
    small = ("--precision", "int8", "--data", lesions, "--out", tmp_path / "small.onnx")
    assert "Balanced accuracy" in cli("export", "--detector", trained[0], *small).stdout
    refused = cli("export", "--detector", trained[0], "--format", "tflite", "--out", tmp_path / "x", check=False)
    assert "expected one of 'onnx', 'litert', 'saved_model'" in refused.stderr


def test_predict_in_another_way(trained, lesions):
    photo = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    half = cli("predict", photo, "--detector", trained[0], "--sensitivity", 0.5, "--views", 4).stdout
    assert "the threshold for 50% sensitivity" in half or "REFER" in half
    refused = cli("predict", photo, "--detector", trained[0], "--sensitivity", 0.99, check=False)
    assert (refused.returncode, "at least 99 melanomas" in refused.stderr) == (1, True)


def test_card_tells_what_the_detector_is(trained):
    assert cli("card", "--detector", trained[0]).stdout.startswith("# Model card: cnn")
    told = cli("card", "--detector", trained[0], "--sensitivity", 0.5, "--prevalence", 0.02).stdout
    assert "set for 50% sensitivity" in told
    assert "at a prevalence of 2.00%" in told
    assert "no operating point" in cli("card", "-d", trained[0], "--prevalence", 0.02, check=False).stderr


def test_predicting_imports_nothing_heavy(trained, lesions):
    photo = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    code = (
        "import sys; from melanoma_detect.cli import main\n"
        "sys.argv = ['melanoma-detect', 'predict', sys.argv[1], '--detector', sys.argv[2]]\n"
        "try: main()\n"
        "finally: print(sorted({'tensorflow', 'keras', 'pandas', 'rich', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(photo), str(trained[0])], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip().endswith("[]")


def test_score_writes_a_row_for_each_and_says_what_came_out(trained, lesions, tmp_path):
    (tmp_path / "bad.jpg").write_text("no image")
    out = tmp_path / "scores.csv"
    done = cli(
        "score", lesions / "Test", tmp_path / "bad.jpg", "--detector", trained[0], "--out", out, "--sort", "risk"
    )
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert len(rows) == 37
    assert done.stdout.startswith("37 images in")
    assert "1 unreadable" in done.stdout
    assert str(out) in done.stdout
    assert "37/37" in done.stderr
    assert "not a medical device" in done.stderr
    ranks = [("alert", "refer", "clear").index(row["decision"]) for row in rows]
    assert ranks == sorted(ranks)


def test_score_and_evaluate_at_another_point(trained, lesions, tmp_path):
    asked = ("--detector", trained[0], "--sensitivity", 0.5, "--views", 4)
    cli("score", lesions / "Test", "--out", tmp_path / "half.csv", *asked)
    with (tmp_path / "half.csv").open(encoding="utf-8", newline="") as table:
        assert {row["decision"] for row in csv.DictReader(table)} & {"alert", "clear"}
    assert "set for 50% sensitivity" in cli("evaluate", lesions, *asked).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere", "--out", "scores.csv"), "nowhere: no such file; expected images, a folder of them, a zip"),
        (("{lesions}", "--out", "scores.xlsx"), "scores.xlsx: expected a name that ends in .csv or .parquet"),
        (("{lesions}", "--out", "scores.csv", "--sort", "name"), "sort='name'; expected 'risk'"),
        (("{lesions}", "--out", "scores.csv", "--engine", "spark"), "engine='spark'; expected one of 'local', 'ray'"),
    ],
)
def test_slips_in_score_are_answered(trained, lesions, words, message):
    done = cli("score", *(word.format(lesions=lesions) for word in words), "--detector", trained[0], check=False)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_classes_counts(lesions):
    lines = cli("classes", lesions).stdout.splitlines()
    assert lines[0].split() == ["class", "train", "validation", "test", "total", "share", "of", "train"]
    total = len(list(lesions.rglob("*.jpg")))
    assert lines[-1].split()[-1] == str(total)


def test_models_lists_and_describes():
    listed = cli("models").stdout
    assert "Build the assignment's network" in listed
    assert "lesion_net" in listed


def test_models_tells_everything_about_one():
    told = cli("models", "lesion_net").stdout
    assert "698,247 parameters at 180×180 and 9 classes" in told
    assert "depth: int = 1" in told


def test_check_model_runs_the_kit():
    done = cli("check-model", "cnn", "--option", "dropout=0.5", "--image-size", 32)
    assert "passed  check_onnx" in done.stdout
    assert done.stdout.rstrip().endswith("cnn passes every check")


def test_check_model_says_what_failed():
    done = cli("check-model", "cnn", "--option", "filters=(4, 4, 4, 4, 4, 4, 4)", "--image-size", 64, check=False)
    assert "FAILED  check_structure" in done.stdout
    assert "expected at least 128×128 pixels" in done.stdout
    assert "of the checks failed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check-model", "cnnn"], "did you mean 'cnn'"),
        (["check-model", "cnn", "--option", "dropout"], "expected KEY=VALUE, such as dropout=0.5"),
        (["models", "nonsense"], "no installed package offers an architecture 'nonsense'"),
    ],
)
def test_slips_about_models_are_answered(arguments, message):
    assert message in cli(*arguments, check=False).stderr


def test_demo_on_a_folder(lesions, tmp_path):
    done = cli("demo", "--data", lesions, "--epochs", 1, "--out", tmp_path / "demo")
    assert "Three of the test images" in done.stdout
    assert (tmp_path / "demo" / "roc.png").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("classes", "nowhere"), "nowhere: no such folder"),
        (("predict", "photo.jpg", "--detector", "nowhere"), "nowhere: no such detector"),
        (("train", "{lesions}", "--out", "out", "--model", "cnnn"), "did you mean 'cnn'?"),
        (("train", "{lesions}", "--out", "out", "--balance", "lots"), "--balance lots"),
        (("train", "{lesions}", "--out", "out", "--image-size", "4"), "at least 8×8"),
        (("train", "{lesions}", "--out", "out", "--sensitivity", "95"), "sensitivity=95"),
        (("train", "{lesions}", "--out", "out", "--recipe", "magic"), "no recipe is called 'magic'"),
    ],
)
def test_errors_are_one_message(lesions, words, message):
    done = cli(*(word.format(lesions=lesions) for word in words), check=False)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("Error: ")
    assert not Path("out").exists()


def test_warnings_are_one_note(tree):
    root = tree({"melanoma": 6, "nevus": 6})
    shutil.copy(root / "melanoma" / "image_001.png", root / "nevus" / "twin.png")
    done = cli("classes", root)
    assert done.stderr.startswith("Note: ")
    assert done.stderr.count("labels that contradict each other") == 1


def test_audit_prints_writes_and_speaks_json(tree, tmp_path):
    root = tree({"Train/melanoma": 6, "Train/nevus": 6, "Test/melanoma": 2, "Test/nevus": 2})
    shutil.copy(root / "Train" / "melanoma" / "image_001.png", root / "Train" / "nevus" / "twin.png")
    done = cli("audit", root, "--html", tmp_path / "audit.html")
    assert re.search(r"1\s+two labels\s+1 image carries labels that", done.stdout)
    assert (tmp_path / "audit.html").stat().st_size > 5000
    found = json.loads(cli("audit", root, "--json").stdout)["findings"]
    assert found[0]["kind"] == "two labels"
    assert found[0]["cases"][0][0]["path"].endswith(".png")


def test_the_documentation_names_every_verb_and_option():
    import typer

    from melanoma_detect.cli import app

    page = (Path(__file__).parents[1] / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    group = typer.main.get_command(app)
    assert set(group.commands) == {
        "demo",
        "train",
        "evaluate",
        "predict",
        "score",
        "audit",
        "card",
        "explain",
        "export",
        "classes",
        "models",
        "check-model",
    }
    for name, command in group.commands.items():
        section = page.split(f"## `melanoma-detect {name}`")[1].split("\n## ")[0]
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        assert [option for option in options if option not in section] == []


def test_evaluate_writes_a_page(trained, lesions, tmp_path):
    page = tmp_path / "page" / "report.html"
    shown = cli("evaluate", lesions, "--detector", trained[0], "--html", page).stdout
    assert f"Written:\n  {page}" in shown
    assert "Melanoma ROC AUC on altered images" in shown
    assert "background only" in page.read_text(encoding="utf-8")


def test_evaluate_asks_without_lesions_and_at_a_prevalence(lesions, tmp_path, detector):
    detector.save(tmp_path / "mine.detector")
    words = ("--detector", tmp_path / "mine.detector", "--shortcuts", "--prevalence", 0.02, "--prevalence", 0.1)
    shown = cli("evaluate", lesions, *words).stdout
    assert "background only" in shown
    assert "at a prevalence of 2.00%" in shown
    assert "at a prevalence of 10.00%" in shown


def test_evaluate_shows_subgroups_where_a_table_knows_them(trained, tree):
    root = tree({"melanoma": 4, "nevus": 6})
    names = sorted(path.stem for path in root.rglob("*.png"))
    rows = [f"{name},{('female', 'male')[at % 2]}" for at, name in enumerate(names)]
    (root / "metadata.csv").write_text("\n".join(["image_id,sex", *rows]), encoding="utf-8")
    shown = cli("evaluate", root, "--detector", trained[0]).stdout
    assert "sex female: 5 images" in shown
    assert "too few to tell" in shown
