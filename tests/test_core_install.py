"""The small install: what it does, and that everything else answers with one sentence that names what to install.

Most tests here run twice: in a folder that holds links to the packages which melanoma-detect-core requires, and nothing else;
and (slow) in a fresh environment into which pip has installed the wheel of melanoma-detect-core alone.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import melanoma_detect as md
from melanoma_detect.cli.lazy_commands import MODULES

ROOT = Path(__file__).parents[1]
MAX_SIZE = 260  # MB of site-packages without pip
WHOLE = "run: pip install melanoma-detect\n"

# What each public name does here: None where it works, else what the sentence holds.
NAMES = dict.fromkeys(
    [
        *("Augmentation", "Detector", "Explanation", "OperatingPoint", "Prediction", "Recipe", "Scores", "draw_lesion"),
        *(
            "Monitoring",
            "Exported",
            "KnownImages",
            "SimilarCases",
            "SimilarIndex",
            "errors",
            "fingerprint",
            "lab",
            "list_models",
            "models",
            "monitor",
            "report",
            "score",
            "similar_index",
            "taxonomy",
            "write_samples",
        ),
    ]
) | dict.fromkeys(
    [
        *("Audit", "Dataset", "Evaluation", "ExternalValidation", "ModelInfo", "audit", "balance", "build_model"),
        *("folds", "load_dataset", "model_info"),
    ],
    WHOLE,
)

# Expressions of a detector `d`, a prediction `p` and an explanation `e`.
METHODS = {
    "d.at(sensitivity=0.9).operating_point.sensitivity": None,
    "d.predict(['photo.png', 'photo.png'])": None,
    "d.predictor.config": None,
    "d.model_card": None,
    "d.save('saved.detector')": None,
    "e.save('saved.png')": None,
    "md.Detector.load('small.detector').explain('photo.png', method='occlusion').save('map.png')": None,
    "md.Detector.load('small.detector').similar('photo.png', 'cases.similar', k=2).save('cases.png')": None,
    "md.Detector.load('small.detector').similar('photo.png', 'cases.similar', k=2)._repr_html_()": None,
    "md.Detector.load('small.detector').similar('photo.png', 'cases.similar', k=2).plot()": WHOLE,
    "e.overlay()": None,
    "md.score('lesions', detector=d, out='python.csv')": None,
    "md.list_models()": None,
    "d._repr_html_()": None,
    "p._repr_html_()": None,
    "e._repr_html_()": None,
    "md.list_models()._repr_html_()": None,
    "md.Detector.fit(None, None, epochs=1)": WHOLE,
    "d.evaluate(None)": WHOLE,
    "d.localize(None)": WHOLE,
    "d.explain('photo.png', method='grad-cam')": WHOLE,
    "d.export('onnx', 'exported.onnx')": WHOLE,
    "d.export('litert', 'exported.tflite')": WHOLE,
    "d.export('page', 'python.html')": None,
    "p.plot()": WHOLE,
    "e.plot()": WHOLE,
    "md.report.write_html": WHOLE,
    "md.report.plots": WHOLE,
    "md.lab.run_all()": WHOLE,
    "__import__('melanoma_detect.models.registry').models.registry.find_builder('cnn')": WHOLE,
    "__import__('melanoma_detect.testing')": WHOLE,
    "__import__('melanoma_detect.pipeline')": WHOLE,
    "md.score('lesions', detector=d, out='python.parquet')": "run: pip install 'melanoma-detect-core[parquet]'\n",
    "md.score('lesions', detector=d, out='ray.csv', engine='ray')": "run: pip install 'melanoma-detect-core[ray]'\n",
    "d.predict(b'\\0\\0\\0\\x18ftypheic' + bytes(200))": "run: pip install 'melanoma-detect-core[heic]'\n",
    "d.predict(bytes(128) + b'DICM' + bytes(200))": "run: pip install 'melanoma-detect-core[dicom]'\n",
}

# Command lines, with what standard error holds where the exit status is 1; None for exit status 0.
COMMANDS = {
    "predict photo.png": None,
    "predict photo.png --json": None,
    "card": None,
    "explain photo.png --out sheet.png": None,
    "explain photo.png --detector small.detector --method occlusion --out occlusion.png": None,
    "score lesions/Train --out scores.csv": None,
    "models": None,
    "new-plugin my-net": None,
    "export --format page --out page.html": None,
    "fingerprint lesions --name ours": None,
    "score lesions/Test --out baseline.csv": None,
    "watch scores.csv --baseline baseline.csv": None,
    "explain photo.png --method grad-cam --out grad-cam.png": WHOLE,
    "similar photo.png --detector small.detector --index cases.similar": None,
    "similar photo.png --data lesions": WHOLE,
    "audit lesions": WHOLE,
    "balance lesions --out balanced": WHOLE,
    "check-model cnn": WHOLE,
    "classes lesions": WHOLE,
    "demo --out demo": WHOLE,
    "evaluate lesions": WHOLE,
    "lab": WHOLE,
    "export --format onnx --out model.onnx": WHOLE,
    "export --format litert --out model.tflite": WHOLE,
    "export --format saved_model --out model": WHOLE,
    "localize lesions --out local.detector": WHOLE,
    "models cnn": WHOLE,
    "train lesions --out run": WHOLE,
    "score lesions --out scores.parquet": "run: pip install 'melanoma-detect-core[parquet]'\n",
    "score list.parquet --out listed.csv": "run: pip install 'melanoma-detect-core[parquet]'\n",
    "score list.xlsx --out listed.csv": "run: pip install 'melanoma-detect-core[excel]', or save the sheet as CSV\n",
    "score lesions --out cluster.csv --engine ray": "run: pip install 'melanoma-detect-core[ray]'\n",
    "score s3://bucket/folder --out addresses.csv": "run: pip install 'melanoma-detect-core[ray]', or give a path\n",
    "predict photo.heic": "run: pip install 'melanoma-detect-core[heic]'\n",
    "predict photo.dcm": "run: pip install 'melanoma-detect-core[dicom]'\n",
    "serve --port 0": "run: pip install 'melanoma-detect-core[serve]'\n",
}

# Runs expressions or command lines in one process; prints [kind of the error, its message] or null for each as JSON.
RUNNER = """
import contextlib, io, json, shlex, sys, warnings
import melanoma_detect as md

def evaluate(expression):
    try:
        eval(expression, names)
    except Exception as error:
        return [", ".join(sorted(kind.__name__ for kind in type(error).__mro__)), str(error) + "\\n"]

def run_command(line):
    from melanoma_detect.cli import main
    sys.argv = ["melanoma-detect", *shlex.split(line)]
    status, errors = 0, io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            main()
        except SystemExit as exit:
            status = exit.code
    if status:
        is_error = status == 1 and errors.getvalue().startswith("Error: ")
        first = errors.getvalue().partition("\\n")[0] + "\\n"  # after an error of predict stands what it is no device for
        return ["MelanomaDetectError" if is_error else f"status {status}", first if is_error else errors.getvalue()]

given, kind = json.load(sys.stdin), sys.argv[1]
warnings.simplefilter("ignore")
if kind == "methods":
    d = md.Detector.load()
    names = {"md": md, "d": d, "p": d.predict("photo.png"), "e": d.explain("photo.png")}
else:
    names = {"md": md}
print(json.dumps({each: (run_command if kind == "commands" else evaluate)(each) for each in given}))
"""


class SmallInstall:
    """Runs Python in the small install, in a folder with a few files to work on."""

    def __init__(self, command, variables, folder):
        self.command = command
        self.variables = variables
        self.folder = folder
        # Quicker than the default detector, where an explanation asks it often.
        shutil.copy(ROOT / "tests" / "inference" / "data" / "schema_4.detector", folder / "small.detector")
        self._write_files()

    def python(self, *args, **options):
        """Run Python and return what it wrote to standard output."""
        environment = (
            os.environ | self.variables | {"COLUMNS": "400", "MELANOMA_DETECT_CACHE": str(self.folder / "cache")}
        )
        run = subprocess.run(
            [*self.command, *args],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            **options,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def answers(self, kind, given):
        """Return what each of the given names, expressions or command lines answers."""
        return json.loads(self.python("-c", RUNNER, kind, input=json.dumps(list(given))).splitlines()[-1])

    def _write_files(self):
        Image.fromarray(md.draw_lesion("melanoma", seed=1, size=128).pixels).save(self.folder / "photo.png")
        md.write_samples(self.folder / "lesions", train=2, test=1, size=32)
        dataset = md.load_dataset(self.folder / "lesions", validation=0, progress=False)
        small = md.Detector.load(self.folder / "small.detector")
        md.similar_index(dataset, small, out=self.folder / "cases.similar", progress=False)
        (self.folder / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(200))
        (self.folder / "photo.dcm").write_bytes(bytes(128) + b"DICM" + bytes(200))
        (self.folder / "list.xlsx").write_bytes(b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml")
        (self.folder / "list.parquet").write_bytes(b"PAR1" + bytes(100))


def requirements(package, found=None):
    """Return the installed distributions that a list of requirements leads to, by their names."""
    found = {} if found is None else found
    for text in package:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        found[name] = distribution(name)
        requirements(found[name].requires or [], found)
    return found


def link_packages(folder, distributions):
    """Link the files of distributions into a folder, which then serves as their site-packages."""
    for each in distributions:
        top = {
            Path(file).parts[0] for file in each.files if not Path(file).is_absolute() and Path(file).parts[0] != ".."
        }
        for name in top - {"__pycache__"}:
            target = Path(each.locate_file(name))
            if not (folder / name).exists():
                (folder / name).symlink_to(target, target_is_directory=target.is_dir())


def entry_points_only(folder):
    """Write the metadata of melanoma-detect-core as its wheel has them: its name, its version and its architectures."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (group, points), *_ = project["entry-points"].items()
    info = folder / f"melanoma_detect_core-{md.__version__}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {md.__version__}\n")
    lines = [f"{name} = {target}" for name, target in points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """Make the small install of links to what is installed here."""
    folder = tmp_path_factory.mktemp("linked")
    core = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    packages = folder / "packages"
    packages.mkdir()
    link_packages(packages, requirements(core).values())
    entry_points_only(packages)
    source = Path(md.__file__).parents[1]
    # Without `site`, Python sees its own library and these two folders.
    return SmallInstall([sys.executable, "-S"], {"PYTHONPATH": f"{packages}{os.pathsep}{source}"}, folder)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the wheel of melanoma-detect-core into a fresh environment, as `pip install` does."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT], check=True, capture_output=True
    )
    (wheel,) = folder.glob("melanoma_detect_core-*.whl")
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", folder / "environment"], check=True, capture_output=True
    )
    python = Path(sysconfig.get_path("scripts", "venv", vars={"base": str(folder / "environment")}), "python")
    start = time.monotonic()
    subprocess.run([*pip, "--python", python, "install", "--quiet", wheel], check=True, capture_output=True)
    print(f"\nmelanoma-detect-core was installed in {time.monotonic() - start:.1f} s")  # noqa: T201
    packages = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder / "environment")}))
    small = SmallInstall([python], {"PYTHONPATH": ""}, folder)
    # Now, before a test adds an extra, in whatever order they run.
    small.size = sum(file.stat().st_size for file in packages.rglob("*") if file.is_file()) / 1e6
    return small


@pytest.fixture(params=["linked", pytest.param("installed", marks=pytest.mark.slow)])
def small(request):
    """Return the small install, in each of the two ways."""
    return request.getfixturevalue(request.param)


def is_right(answer, expected):
    """Return whether an answer is None, or one sentence of this library's own error that ends as expected."""
    if expected is None or answer is None:
        return answer is expected
    kinds, message = answer
    one_sentence = message.count("\n") == 1 and "which is not installed; " in message
    return "MelanomaDetectError" in kinds and one_sentence and message.endswith(expected)


def test_the_tables_hold_every_public_name_and_every_command():
    assert set(NAMES) == set(md.__all__)
    assert {line.split()[0] for line in COMMANDS} == set(MODULES)


def test_every_public_name_loads_or_says_what_it_needs(small):
    answers = small.answers("names", [f"md.{name}" for name in NAMES])
    wrong = {name: answers[f"md.{name}"] for name in NAMES if not is_right(answers[f"md.{name}"], NAMES[name])}
    assert wrong == {}


def test_every_method_works_or_says_what_it_needs(small):
    answers = small.answers("methods", METHODS)
    assert {each: answer for each, answer in answers.items() if not is_right(answer, METHODS[each])} == {}


def test_every_command_works_or_says_what_it_needs(small):
    answers = small.answers("commands", COMMANDS)
    assert {line: answers[line] for line in COMMANDS if not is_right(answers[line], COMMANDS[line])} == {}


def test_a_class_whose_view_needs_more_shows_its_text_in_a_notebook(small):
    code = "from melanoma_detect.utils.notebook import notebook_view; print(notebook_view(object()))"
    assert "no view for object" in small.python("-c", code)


def test_the_scores_are_there(small):
    small.answers("commands", ["score lesions --out counted.csv"])
    with (small.folder / "counted.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 27
    assert all(not row["error"] and 0 <= float(row["melanoma"]) <= 1 for row in rows)


def test_the_built_in_architectures_are_listed(small):
    listed = json.loads(small.python("-m", "melanoma_detect", "models", "--json"))
    assert "cnn" in json.dumps(listed)
    assert "melanoma-detect-core" not in json.dumps(listed)


@pytest.mark.slow
def test_with_the_extra_parquet_the_table_is_written(installed):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", *installed.command]
    (wheel,) = installed.folder.glob("melanoma_detect_core-*.whl")
    subprocess.run([*pip, "install", "--quiet", f"{wheel}[parquet]"], check=True, capture_output=True)
    installed.python("-m", "melanoma_detect", "score", "lesions", "--out", "with-pyarrow.parquet")
    code = "import pyarrow.parquet as pq; print(pq.read_table('with-pyarrow.parquet').num_rows)"
    assert installed.python("-c", code).strip() == "27"


@pytest.mark.slow
def test_the_installation_is_small(installed):
    print(f"\nmelanoma-detect-core takes {installed.size:.0f} MB")  # noqa: T201
    assert 100 < installed.size <= MAX_SIZE
