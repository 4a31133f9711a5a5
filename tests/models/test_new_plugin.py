"""A new plugin: its files; and installed by pip into its own environment, used, and uninstalled."""

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from melanoma_detect.errors import ModelError, OutputError
from melanoma_detect.models.new_plugin import write_plugin

NAME = "melanoma-detect-gated-net"

TRAIN = """
import json, sys
import melanoma_detect as md

data = md.load_dataset(md.write_samples("lesions", train=12, test=4, size=48, classes=["melanoma", "nevus"]))
model = md.build_model("gated_net", num_classes=2, input_shape=(48, 48, 3), width=8)
detector = md.Detector.fit(model, data, epochs=2, progress=False)
detector.save("mine.detector")
photo = str(data.test.paths[0])
print(json.dumps([photo, detector.predict(photo).melanoma, detector.predictor.config.architecture]))
"""
PREDICT = "import melanoma_detect as md, sys; print(md.Detector.load('mine.detector').predict(sys.argv[1]).melanoma)"
LIST = "import melanoma_detect as md; print([entry.name for entry in md.list_models()])"


class Environment:
    """A temporary environment with this environment's packages and those that pip adds to it."""

    def __init__(self, folder):
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        self.python = folder / "venv" / "bin" / "python"
        site = next((folder / "venv").glob("lib/python*/site-packages"))
        (site / "outer.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")

    def pip(self, *arguments):
        command = [sys.executable, "-m", "pip", "--python", self.python, "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)

    def run(self, *arguments):
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [self.python, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def output(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


def texts(plugin):
    files = [path for path in plugin.folder.rglob("*") if path.is_file()]
    return {path.relative_to(plugin.folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def test_files_agree_with_each_other():
    plugin = write_plugin("my-net", author="Ada  Lovelace")
    files = texts(plugin)
    project = tomllib.loads(files["pyproject.toml"])
    assert project["project"]["name"] == plugin.package == plugin.folder.name
    assert project["project"]["entry-points"]["melanoma_detect.models"] == {"my_net": f"{plugin.module}.network:build"}
    named = [project["project"]["readme"], *project["project"]["license-files"]]
    assert all(name in files for name in named)
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [f"src/{plugin.module}"]
    assert "Copyright (c) 20" in files["LICENSE"]
    assert files["LICENSE"].splitlines()[2].endswith("Ada Lovelace")
    assert project["project"]["authors"] == [{"name": "Ada Lovelace"}]
    assert all("Any" not in line for line in files[f"src/{plugin.module}/network.py"].splitlines())
    assert ".github/workflows/test.yml" in files
    assert "${{ matrix.python }}" in files[".github/workflows/test.yml"]
    python = {path: text for path, text in files.items() if path.endswith(".py")}
    assert set(python) == {
        *(f"src/{plugin.module}/{name}.py" for name in ("__init__", "network", "layers")),
        "tests/test_network.py",
    }
    for text in python.values():
        ast.parse(text)
    for path, text in files.items():
        assert "{{ " not in text.replace("${{ ", ""), path
        assert text.endswith("\n"), path


@pytest.mark.parametrize("name", ["my-net", "my_net", "melanoma-detect-my-net", "melanoma_detect_my_net"])
def test_names_of_one_plugin(name, tmp_path):
    plugin = write_plugin(name, tmp_path / "here")
    assert plugin[:3] == ("my_net", "melanoma-detect-my-net", "melanoma_detect_my_net")
    assert (tmp_path / "here" / "src" / "melanoma_detect_my_net" / "network.py").is_file()


@pytest.mark.parametrize(
    "name", ["", "My-Net", "my net", "1net", "-net", "net-", "my--net", "näv", "a/b", "../a", "x\ny", "n" * 61]
)
def test_unusable_name_raises(name, tmp_path):
    with pytest.raises(ModelError, match="cannot be the name of an architecture"):
        write_plugin(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["cnn", "lesion-net", "melanoma-detect-mobilenet_v2"])
def test_name_that_is_taken_raises(name):
    with pytest.raises(ModelError, match=r"offers an architecture .* already; choose another name"):
        write_plugin(name)


@pytest.mark.parametrize(
    ("author", "holder"), [('Zoë "Z" \\ O\'Hara', None), (None, "The authors of"), (" ", "The authors of")]
)
def test_author_is_in_licence_and_metadata(author, holder):
    files = texts(write_plugin("my-net", author=author))
    (named,) = tomllib.loads(files["pyproject.toml"])["project"]["authors"]
    assert named["name"] == (f"{holder} melanoma-detect-my-net" if holder else author)
    assert files["LICENSE"].splitlines()[2].endswith(f" {named['name']}")


@pytest.mark.parametrize("author", ["Jane\x7f", "Jane \ud800", "Jane\x00"])
def test_author_that_no_file_can_hold_raises(author, tmp_path):
    with pytest.raises(ModelError, match="characters that cannot be printed"):
        write_plugin("my-net", tmp_path / "out", author=author)
    assert not (tmp_path / "out").exists()


def test_package_says_what_the_index_shows():
    files = texts(write_plugin("my-net"))
    project = tomllib.loads(files["pyproject.toml"])
    assert {"keywords", "classifiers", "description"} <= set(project["project"])
    assert "# [project.urls]" in files["pyproject.toml"]
    for asked in ("What it is", "From which paper", "Pretrained weights", "under which licence"):
        assert asked in files["README.md"]


def test_names_of_modules_that_the_package_holds_can_be_used():
    assert write_plugin("layers").name == "layers"
    assert write_plugin("class").module == "melanoma_detect_class"


def test_nothing_is_overwritten(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    write_plugin("my-net", folder)  # an empty folder is as good as none
    (folder / "README.md").write_text("mine")
    with pytest.raises(OutputError, match="already exists and is not empty"):
        write_plugin("my-net", folder)
    assert (folder / "README.md").read_text() == "mine"
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="file: is a file; expected a folder to write, new or empty"):
        write_plugin("my-net", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_an_empty_folder_is_filled_and_stays_the_current_one(tmp_path, monkeypatch):
    folder = tmp_path / "my net"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_plugin("my-net", ".")
    written = sorted(path.name for path in Path().iterdir())  # what somebody who is in it sees
    assert written == [".github", ".gitignore", "LICENSE", "README.md", "pyproject.toml", "src", "tests"]


@pytest.mark.slow
def test_install_use_and_uninstall(tmp_path):
    environment = Environment(tmp_path)
    plugin = write_plugin("gated-net", tmp_path / NAME)
    assert plugin.package == NAME
    environment.pip("install", "--no-deps", "--no-build-isolation", plugin.folder)
    assert "gated_net" in environment.output("-c", LIST)
    photo, melanoma, architecture = json.loads(environment.output("-c", TRAIN))
    assert architecture["package"] == NAME
    assert architecture["options"] == {"width": 8}
    assert float(environment.output("-c", PREDICT, photo)) == pytest.approx(melanoma, abs=1e-6)
    own_tests = ("--rootdir", plugin.folder, plugin.folder / "tests")
    tests = environment.output("-m", "pytest", "-q", "-p", "no:cacheprovider", *own_tests)
    assert re.search(r"^\d+ passed", tests.splitlines()[-1])  # and no word of any that failed
    assert "warning" not in tests.splitlines()[-1]
    environment.pip("uninstall", "--yes", NAME)
    assert "gated_net" not in environment.output("-c", LIST)
    # ONNX Runtime does not need the package any more; Keras does, to build the layers.
    assert float(environment.output("-c", PREDICT, photo)) == pytest.approx(melanoma, abs=1e-6)
    by_keras = environment.run("-c", PREDICT.replace("'mine.detector'", "'mine.detector', engine='keras'"), photo)
    assert f"it was built by gated_net of {NAME} 0.1.0, which is not installed" in by_keras.stderr
