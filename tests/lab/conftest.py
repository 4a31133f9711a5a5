"""Fixtures: the whole lab on drawn lesions, run once."""

import pytest

from melanoma_detect import lab


@pytest.fixture(scope="session")
def table():
    """Run the mistakes that take no second each, with the quickest learner, on fewer lesions than by default."""
    names = [mistake.name for mistake in lab.list_mistakes() if mistake.name != "select_on_test"]
    return lab.run_all(mistakes=names, seeds=5, learner="nearest", lesions=12, progress=False)
