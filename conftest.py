"""Fixtures of tests and docstrings: lesions, a dataset, a small detector; and the documentation's code as tests."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pages
import pytest

import melanoma_detect as md

# The pages that a newcomer reads first run in every test run, the others in the long one.
QUICK_PAGES = (pages.ROOT / "README.md", pages.TUTORIAL)


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


class PageFile(pytest.File):
    """A page of the documentation whose code is a test."""

    def collect(self):
        """Yield one test, if the page has code that is run."""
        if pages.find_blocks(self.path.read_text(encoding="utf-8"), self.path.name):
            item = PageItem.from_parent(self, name="code")
            if self.path not in QUICK_PAGES:
                item.add_marker(pytest.mark.slow)
            yield item


class PageItem(pytest.Item):
    """The code of a page, run as the documentation's build runs it, whose outputs are kept for that build."""

    def runtest(self):
        """Run the page."""
        pages.run_page(self.path)

    def repr_failure(self, excinfo, style=None):
        """Show the page, the line and the error, without the machinery between."""
        return str(excinfo.value) if excinfo.errisinstance(pages.PageError) else super().repr_failure(excinfo, style)

    def reportinfo(self):
        """Name the page."""
        return self.path, 0, str(self.path.relative_to(pages.ROOT))


def pytest_collect_file(file_path, parent):
    """Collect the README and the pages of the documentation."""
    if file_path == pages.ROOT / "README.md" or (file_path.suffix == ".md" and file_path.is_relative_to(pages.DOCS)):
        return PageFile.from_parent(parent, path=file_path)
    return None
