"""What tests, docstrings and documentation share: procedural lesions, a dataset, and a small detector trained on them."""

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

# What a reader runs for an hour, a test runs for seconds: the code is the same but for these numbers.
QUICK = {"epochs=30": "epochs=1", "epochs=20": "epochs=1", "add=500": "add=3"}


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Keep every cache of a test run in its own folder, and never in the user's."""
    os.environ["MELANOMA_DETECT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Run every test in a folder of its own: what it writes, it writes there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def lesions(tmp_path_factory):
    """A folder of procedural lesions: nine classes, Train and Test, metadata.csv."""
    return md.write_samples(tmp_path_factory.mktemp("lesions") / "isic9", train=20, test=4, size=64, imbalanced=True)


@pytest.fixture(scope="session")
def data(lesions):
    """The procedural lesions as a dataset, at 32×32."""
    return md.load_dataset(lesions, image_size=(32, 32))


@pytest.fixture(scope="session")
def detector(data):
    """A detector trained for a few epochs on the procedural lesions."""
    model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3))
    recipe = md.Recipe(learning_rate=2e-3, patience=30)
    # The two melanomas in validation support no more than this.
    return md.Detector.fit(model, data, epochs=30, recipe=recipe, sensitivity=0.6, progress=False)


@pytest.fixture(autouse=True)
def names_in_docstrings(request):
    """Give the examples in docstrings what they speak of."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    names = request.getfixturevalue("doctest_namespace")
    names |= {"md": md, "np": np, "Path": Path, "draw_lesion": md.draw_lesion}
    names["isic9"] = request.getfixturevalue("lesions")
    names["data"] = request.getfixturevalue("data")
    names["detector"] = request.getfixturevalue("detector")
    names["predictor"] = names["detector"].predictor


class _Quick:
    """Runs a code block with small numbers in place of the reader's."""

    def __call__(self, example: Example) -> str | None:
        """Shrink, then run."""
        source = str(example.parsed)
        for long, short in QUICK.items():
            source = source.replace(long, short)
        example.parsed = type(example.parsed)(source, example.parsed.offset, example.parsed.line_offset)
        return PythonEvaluator()(example)


@pytest.fixture(scope="session")
def reader(tmp_path_factory, lesions):
    """A folder as a reader of the documentation has it: `isic9` and a photo."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(lesions, folder / "isic9")
    shutil.copy(next((lesions / "Test" / "melanoma").glob("*.jpg")), folder / "photo.jpg")
    return folder


@pytest.fixture
def reading(reader, monkeypatch):
    """Run a page's code where its reader would."""
    monkeypatch.chdir(reader)


pytest_collect_file = Sybil(
    parsers=[CodeBlockParser(language="python", evaluator=_Quick())],
    patterns=["README.md", "docs/**/*.md", "docs/*.md"],
    fixtures=["reading"],
).pytest()
