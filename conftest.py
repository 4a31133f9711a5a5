"""Fixtures of tests, docstrings and documentation: synthetic lesions, a dataset, and a small detector trained on them."""

import os
import shutil
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
from sybil import Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.example import Example
from sybil.parsers.markdown import CodeBlockParser

import melanoma_detect as md

# A reader trains for an hour, a test for seconds: code blocks run with these numbers replaced.
QUICK = {"epochs=30": "epochs=1", "epochs=20": "epochs=1", "add=500": "add=3"}


@pytest.fixture(scope="session", autouse=True)
def cache_in_temporary_folder(tmp_path_factory):
    """Keep the caches of a test run out of the user's cache."""
    os.environ["MELANOMA_DETECT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def run_in_temporary_folder(tmp_path, monkeypatch):
    """Run every test in a new folder, so that relative paths are written there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def lesions(tmp_path_factory):
    """Write a folder of synthetic lesions: nine classes, Train and Test, metadata.csv."""
    return md.write_samples(tmp_path_factory.mktemp("lesions") / "isic9", train=20, test=4, size=64, imbalanced=True)


@pytest.fixture(scope="session")
def data(lesions):
    """Load the synthetic lesions as a dataset at 32×32."""
    return md.load_dataset(lesions, image_size=(32, 32))


@pytest.fixture(scope="session")
def detector(data):
    """Train a small detector on the synthetic lesions."""
    model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3))
    recipe = md.Recipe(learning_rate=2e-3, patience=30)
    # Validation has two melanomas, which support no higher sensitivity.
    return md.Detector.fit(model, data, epochs=30, recipe=recipe, sensitivity=0.6, progress=False)


@pytest.fixture(autouse=True)
def names_in_docstrings(request):
    """Provide the names that the examples in docstrings use."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    names = request.getfixturevalue("doctest_namespace")
    names |= {"md": md, "np": np, "Path": Path, "draw_lesion": md.draw_lesion}
    names["isic9"] = request.getfixturevalue("lesions")
    names["data"] = request.getfixturevalue("data")
    names["detector"] = request.getfixturevalue("detector")
    names["predictor"] = names["detector"].predictor


class _QuickEvaluator:
    """Runs a code block with the small numbers of `QUICK`."""

    def __call__(self, example: Example) -> str | None:
        """Replace the numbers, then run the block."""
        source = str(example.parsed)
        for long, short in QUICK.items():
            source = source.replace(long, short)
        example.parsed = type(example.parsed)(source, example.parsed.offset, example.parsed.line_offset)
        return PythonEvaluator()(example)


@pytest.fixture(scope="session")
def documentation_folder(tmp_path_factory, lesions):
    """Make the folder that the documentation's code blocks run in: with `isic9` and `photo.jpg`."""
    folder = tmp_path_factory.mktemp("documentation")
    shutil.copytree(lesions, folder / "isic9")
    shutil.copy(next((lesions / "Test" / "melanoma").glob("*.jpg")), folder / "photo.jpg")
    return folder


@pytest.fixture
def run_in_documentation_folder(documentation_folder, monkeypatch):
    """Run the code blocks of a page in the documentation's folder."""
    monkeypatch.chdir(documentation_folder)


pytest_collect_file = Sybil(
    parsers=[CodeBlockParser(language="python", evaluator=_QuickEvaluator())],
    patterns=["README.md", "docs/**/*.md", "docs/*.md"],
    fixtures=["run_in_documentation_folder"],
).pytest()
