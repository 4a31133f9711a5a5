"""Names that others gave, through every output: none controls a terminal, forges a line or is markup."""

import asyncio
import base64
import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.cli.evaluation_output import EvaluationOutputs, _write_table
from melanoma_detect.data.dataset_folder import write_dataset
from melanoma_detect.data.known_images.overlap import find_overlap
from melanoma_detect.report import plots
from melanoma_detect.report.notebook import render
from melanoma_detect.report.rendering import picture
from melanoma_detect.serve import create_app
from melanoma_detect.utils.csv_cells import plain_cell
from melanoma_detect.utils.json_values import to_json

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows forbids such names")

ESCAPE = "\x1b]0;PWNED\x07\x1b[2J"
FORGED = "photo.jpg: CLEAR. most likely nevus (99%)"
NAMES = [
    f"{ESCAPE}.png",
    f"a\n{FORGED}.png",
    f"a\r{FORGED}.png",
    "\x9b31mred.png",
    "gnp.\u202egnp.exe\u2066\u200f.png",
    "zero\u200b\ufeffwidth.png",
    "<img src=x onerror=alert(1)><script>alert(2)<.png",
    "\"' onload=alert(3).png",
    "=cmd|'!A1.png",
    "@SUM(1).png",
    "+1.png",
    "-h.png",
    "--json.png",
    "[bold red]x[_]:bomb:.png",
    "$\\frac$ $x_.png",
    "![x](https:__evil.example)|`a`*b*.png",
    "%s%n{0}{name}.png",
    "naïve 母斑 👩‍⚕️.png",
    "caf\udce9.png",
    "n" * 251 + ".png",
]
CLASSES = {
    "melanoma": "melanoma",
    f"nevus{ESCAPE}\n{FORGED}": "nevus",
    "<script>alert(4)<_script>[bold]|$\\frac$\u202e=1": "dermatofibroma",
}
# What may stand in no output: the sequences, the marks, and a line that begins as an answer.
RAW = re.compile(
    "\x1b\\]|\x1b\\[2J|\x9b|\x07|[\u200b\u202e\u2066\u200f\ufeff]|^photo\\.jpg|[\ud800-\udfff]", re.MULTILINE
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Draw an image under each name."""
    folder = tmp_path_factory.mktemp("photos")
    for number, name in enumerate(NAMES):
        Image.fromarray(md.draw_lesion("melanoma" if number % 2 else "nevus", seed=number, size=64).pixels).save(
            folder / "image.png"
        )
        (folder / "image.png").rename(folder / name)
    (folder / f"bad{ESCAPE}\n{FORGED}.jpg").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def lesions_by_class(tmp_path_factory):
    """Draw a dataset whose classes and images have such names."""
    root = tmp_path_factory.mktemp("set") / f"src{ESCAPE}<b>[red]"
    for number, (name, diagnosis) in enumerate(CLASSES.items()):
        for split, images in (("Train", 12), ("Test", 4)):
            folder = root / split / name
            folder.mkdir(parents=True)
            for seed in range(images):
                pixels = md.draw_lesion(diagnosis, seed=1000 * number + seed + 500 * (split == "Test"), size=48).pixels
                Image.fromarray(pixels).save(folder / "image.png")
                (folder / "image.png").rename(folder / f"{seed}-{split}{number}{NAMES[seed][:150]}.png")
    return root


@pytest.fixture(scope="module")
def hostile(lesions_by_class):
    """Load the dataset and train a detector on it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = md.load_dataset(lesions_by_class, image_size=(32, 32))
        model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3))
        detector = md.Detector.fit(model, data, epochs=1, sensitivity=0.5, progress=False)
    for warning in caught:
        check(str(warning.message))
    return data, detector


def check(text, *, lines=True):
    """Fail where a text holds what a terminal obeys or a reader does not see."""
    found = RAW.search(text)
    assert found is None, text[max(0, found.start() - 80) : found.end() + 80]
    if not lines:
        assert "\n" not in text


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}


def check_page(page):
    check(page.replace("\n", " "))  # a page has no lines
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.tags
    assert not {name for name in tags.attributes if name.startswith("on")}
    assert "onerror=alert" not in re.sub(r"&lt;.*?&gt;|&lt;[^<]*", "", page)


def run(*arguments, cwd, **variables):
    """Run a command in a terminal; return its exit status and what stands on the terminal, without colours."""
    command = shlex.join([sys.executable, "-m", "melanoma_detect", *map(str, arguments)])
    environment = {**os.environ, "PYTHONPATH": str(Path(md.__file__).parents[1]), "COLUMNS": "300", **variables}
    done = subprocess.run(
        [*TERMINAL, os.fsencode(command), "/dev/null"], capture_output=True, cwd=cwd, env=environment, check=False
    )
    text = done.stdout.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    return done.returncode, re.sub("\x1b\\[[0-9;]*m|\x1b\\[\\?25[hl]|\x1b\\[[0-9]*[AK]|\r", "", text)


def test_a_detector_of_such_classes_predicts_and_is_described(hostile, photos, tmp_path):
    data, detector = hostile
    for text in (str(data), repr(data), str(detector), detector.model_card, *data.classes):
        check(text)
    assert "<script" not in detector.model_card
    assert len(detector.classes) == 3
    for name in NAMES:
        prediction = detector.predict(photos / name)
        check(str(prediction), lines=False)
        check(repr(prediction), lines=False)
    with pytest.raises(md.errors.ImageError) as error:
        detector.predict(photos / f"bad{ESCAPE}\n{FORGED}.jpg")
    check(str(error.value), lines=False)
    detector.save(tmp_path / "a.detector")
    assert md.Detector.load(tmp_path / "a.detector").classes == detector.classes


def test_pages_and_notebooks_show_them_as_text(hostile, photos, tmp_path):
    data, detector = hostile
    evaluation = detector.evaluate(data.test)
    explanation = detector.explain(photos / NAMES[6], method="occlusion")
    audit = md.audit(data, progress=False)
    for number, value in enumerate((evaluation, audit)):
        page = md.report.write_html(
            value, tmp_path / f"{number}.html", **({"detector": detector} if not number else {})
        )
        check_page(page.read_text(encoding="utf-8"))
    values = (data, data.test, data.test.records[0], audit, detector, evaluation, explanation)
    for value in (
        *values,
        detector.predict(photos / NAMES[6]),
        detector.predict([photos / NAMES[0], photos / NAMES[4]]),
    ):
        check_page(render(value))
        check(str(value))


def test_figures_draw_them_without_a_warning(hostile, photos):
    data, detector = hostile
    prediction = detector.predict(photos / NAMES[14])
    evaluation = detector.evaluate(data.test)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prediction.plot().to_png()
        plots.confusion(evaluation).to_png()
        svg = base64.b64decode(picture(plots.confusion(evaluation)).url.partition(",")[2]).decode()
    check(svg)
    assert "<script" not in svg


def test_json_holds_them(hostile, photos):
    _, detector = hostile
    for name in NAMES:
        text = json.dumps(to_json(detector.predict(photos / name).to_dict()))
        check(text, lines=False)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_scores_finds_every_file_again(hostile, photos, tmp_path, suffix):
    _, detector = hostile
    scores = md.score(photos, out=tmp_path / f"scores{suffix}", detector=detector, progress=False)
    check(str(scores))
    assert scores.images == len(NAMES) + 1
    if suffix == ".csv":
        content = (tmp_path / "scores.csv").read_bytes().decode()
        check(content)
        assert len(content.splitlines()) == scores.images + 1
        rows = list(csv.DictReader(io.StringIO(content, newline="")))
        assert not any(cell.startswith(tuple("=+@\t\r")) for row in rows for cell in row.values())
        assert all(os.path.lexists(plain_cell(row["path"])) for row in rows)
    again = md.score(tmp_path / f"scores{suffix}", out=tmp_path / "again.csv", detector=detector, progress=False)
    assert (again.images, again.unreadable) == (scores.images, 1)


@pytest.mark.filterwarnings("ignore:.*labels that the taxonomy does not know")
def test_the_table_of_an_evaluation_is_harmless(hostile, tmp_path):
    data, detector = hostile
    names = [f"set{ESCAPE}\n{FORGED}", "=HYPERLINK(1)", "<script>alert(5)</script>"]
    validation = detector.evaluate(dict.fromkeys(names, data.test))
    check(str(validation))
    outputs = EvaluationOutputs((), tmp_path / "sets.csv", (), as_json=False, overwrite=False)
    assert list(_write_table(validation, outputs)) == [tmp_path / "sets.csv"]
    content = (tmp_path / "sets.csv").read_bytes().decode()
    check(content)
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert len(rows) >= 4
    assert not any(cell.startswith(tuple("=+@\t\r")) for row in rows for cell in row)
    md.report.write_html(validation, tmp_path / "sets.html")
    check_page((tmp_path / "sets.html").read_text(encoding="utf-8"))


def test_the_service_answers_with_them(hostile, photos):
    """JSON holds any name; the log and the errors hold none that a terminal obeys."""
    app = create_app(hostile[1])

    async def ask(files):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.post("/v1/predict", files=files)

    content = (photos / NAMES[0]).read_bytes()
    sent = [name for name in NAMES if "\n" not in name and "\r" not in name and "\udce9" not in name]
    answer = asyncio.run(
        ask([("files", (name, content)) for name in [*sent, f"bad{ESCAPE}.jpg"]] + [("files", ("no.jpg", b"x"))])
    )
    assert answer.status_code == 200
    check(answer.text, lines=False)
    assert answer.headers["content-type"].startswith("application/json")
    predictions = answer.json()["predictions"]
    assert len(predictions) == len(sent) + 2
    assert set(predictions[0]["probabilities"]) == set(hostile[0].classes)


def test_similar_cases_and_known_sets_show_them_as_text(hostile, photos, lesions_by_class, tmp_path):
    data, detector = hostile
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = detector.similar(data.records[0].path, data, k=5)
        found.plot().savefig(tmp_path / "similar.png")
    assert not [each for each in caught if "missing from" not in str(each.message)]
    check(str(found))
    check_page(found._repr_html_())
    check(json.dumps(to_json(found.to_dict())), lines=False)
    index = md.fingerprint(lesions_by_class, name=f"n{ESCAPE}\n{FORGED}<b>", progress=False)
    check(repr(index), lines=False)
    check(str(find_overlap(data.records[:3], index, [None] * 3)), lines=False)
    audit = md.audit(data, known=index, progress=False)
    check(str(audit))
    assert audit["images of known sets"].count
    md.report.write_html(audit, tmp_path / "audit.html")
    check_page((tmp_path / "audit.html").read_text(encoding="utf-8"))


def test_a_stream_of_them_is_watched(hostile, photos, tmp_path):
    _, detector = hostile
    table = md.score(photos, out=tmp_path / f"s{ESCAPE}.csv", detector=detector, progress=False).out
    report = md.monitor([table], detector=detector, by=lambda path: Path(path).name)
    check(str(report))
    check(json.dumps(to_json(report.to_dict())), lines=False)
    md.report.write_html(report, tmp_path / "watch.html")
    check_page((tmp_path / "watch.html").read_text(encoding="utf-8"))


@pytest.mark.filterwarnings("ignore:.*labels that the taxonomy does not know")
def test_a_folder_that_is_written_is_loaded_again_and_its_table_is_harmless(hostile, tmp_path):
    data, _ = hostile
    write_dataset(data, tmp_path / "copy")
    table = (tmp_path / "copy" / "metadata.csv").read_bytes().decode()
    check(table)
    assert not any(cell.startswith(tuple("=+@")) for row in csv.reader(io.StringIO(table, newline="")) for cell in row)
    again = md.load_dataset(tmp_path / "copy", image_size=(32, 32))
    assert len(again.classes) == 3
    assert len(again.records) == len(data.records)


TERMINAL = ["script", "-qec"]
needs_terminal = pytest.mark.skipif(shutil.which("script") is None, reason="no program that makes a terminal")
PLAIN_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
QUICK = {
    "predict": (1, ["predict", "IMAGES", "-d", "DETECTOR"]),
    "predict --json": (1, ["predict", "--json", "IMAGES", "-d", "DETECTOR"]),
    "predict in plain view": (1, ["predict", "IMAGES", "-d", "DETECTOR", "--views", "1"]),
    "score": (3, ["score", "PHOTOS", "--out", f"x{ESCAPE}.csv", "-d", "DETECTOR"]),
    "score to standard output": (3, ["score", "PHOTOS", "--out", "-", "-d", "DETECTOR"]),
    "card": (0, ["card", "-d", "DETECTOR"]),
    "fingerprint": (
        0,
        ["fingerprint", "LESIONS", "--name", f"n{ESCAPE}\n{FORGED}", "--out", f"n{ESCAPE}.known", "--names"],
    ),
    "no such detector": (1, ["predict", "x.png", "-d", f"no{ESCAPE}\n{FORGED}.detector"]),
    "no such option": (2, ["predict", f"--no{ESCAPE}[bold]\n{FORGED}"]),
    "no such command": (2, [f"no{ESCAPE}[/bold]"]),
}
SLOW = {
    "audit": (0, ["audit", "LESIONS"]),
    "classes": (0, ["classes", "LESIONS"]),
    "explain": (0, ["explain", "IMAGE", "-d", "DETECTOR", "--out", f"e{ESCAPE}.png", "--method", "occlusion"]),
    "evaluate": (0, ["evaluate", "LESIONS", "-d", "DETECTOR", "--html", f"e{ESCAPE}.html", "--out", "e.csv"]),
    "similar": (
        0,
        ["similar", "FIRST", "--data", "LESIONS", "-d", "DETECTOR", "--index", f"i{ESCAPE}.similar", "--out", "s.png"],
    ),
    "audit with a detector": (0, ["audit", "LESIONS", "-d", "DETECTOR", "--html", "a.html"]),
    "balance": (0, ["balance", "LESIONS", "--out", f"b{ESCAPE}\n{FORGED}"]),
    "train": (
        0,
        ["train", "LESIONS", "--out", f"r{ESCAPE}", "--epochs", "1", "--image-size", "32", "--sensitivity", "0.5"],
    ),
    "no such model": (2, ["train", "LESIONS", "--model", f"no{ESCAPE}[/]\n{FORGED}", "--out", "r"]),
    "no number": (2, ["train", "x", "--out", "y", "--epochs", f"no{ESCAPE}[/bold]"]),
}


@pytest.fixture
def fill(hostile, photos, lesions_by_class, tmp_path):
    """Return a function that fills in the files of a command line."""
    hostile[1].save(tmp_path / "a.detector")
    images = sorted(photos.iterdir())
    words = {"DETECTOR": tmp_path / "a.detector", "PHOTOS": photos, "LESIONS": lesions_by_class, "IMAGE": images[0]}
    words["FIRST"] = next(path for path in sorted(lesions_by_class.rglob("*.png")))

    def filled(arguments):
        return [part for word in arguments for part in (images if word == "IMAGES" else [words.get(word, word)])]

    return filled


def check_command(command, fill, folder, **variables):
    status, arguments = command
    code, shown = run(*fill(arguments), cwd=folder, **variables)
    check(shown)
    assert "Traceback" not in shown
    assert code == status, shown


@needs_terminal
@pytest.mark.parametrize("name", QUICK)
def test_nothing_raw_reaches_a_terminal(fill, tmp_path, name):
    check_command(QUICK[name], fill, tmp_path)


@needs_terminal
@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_nothing_raw_reaches_a_terminal_from_longer_commands(fill, tmp_path, name):
    check_command(SLOW[name], fill, tmp_path)


@needs_terminal
@pytest.mark.parametrize(
    "variables", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
@pytest.mark.parametrize("name", ["predict", "predict --json", "score to standard output", "card", "no such detector"])
def test_every_encoding_of_a_terminal_will_do(fill, tmp_path, name, variables):
    check_command(QUICK[name], fill, tmp_path, **variables)


@needs_terminal
@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_every_encoding_will_do_for_longer_commands(fill, tmp_path, name):
    check_command(SLOW[name], fill, tmp_path, **PLAIN_LOCALE)
