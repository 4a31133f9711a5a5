"""The comparison of out-of-distribution scores, on drawn features."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

STEPS = Path(__file__).parents[2] / "scripts" / "default_detector"


@pytest.fixture
def comparison(monkeypatch):
    monkeypatch.syspath_prepend(str(STEPS))
    yield importlib.import_module("out_of_distribution")
    for name in ("out_of_distribution", "everyday"):
        sys.modules.pop(name, None)


@pytest.fixture
def features(tmp_path):
    """Write features in which everyday images lie off along one axis, and one hospital a little along another."""
    rng = np.random.default_rng(1)
    skin, everyday, drawn = (rng.normal(size=(count, 12)).astype(np.float32) + 3 for count in (400, 60, 60))
    skin[::4, 1] += 1
    everyday[:, 0] += 9
    drawn[:, 0] += 6
    np.savez(
        tmp_path / "features.npz",
        features=skin,
        sources=np.where(np.arange(400) % 4, "here", "elsewhere"),
        part=np.where(np.arange(400) < 120, "train", "validation"),
        everyday=everyday,
        everyday_names=[f"{index}.jpg" for index in range(60)],
        drawn=drawn,
    )
    return tmp_path / "features.npz"


@pytest.mark.parametrize("held", [(), ("--held",)])
def test_one_row_for_each_score(comparison, features, held, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["out_of_distribution.py", str(features), *held])
    comparison.main()
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0].removeprefix("| ") for row in rows] == list(comparison.SCORES)
    declined = dict(zip(comparison.SCORES, (float(row[1]) for row in rows), strict=True))
    assert declined["direction, everyday"] > 95
    assert all(len(row) == 1 + 2 + 2 + 2 for row in rows)


def test_held_images_are_no_examples(comparison, features):
    with np.load(features) as file:
        images = comparison.Images.of(dict(file))
    assert len(images.learnt) + len(images.held) == 60
    assert min(len(images.learnt), len(images.held)) > 15
    assert not {row.tobytes() for row in images.learnt} & {row.tobytes() for row in images.held}
    assert set(images.without("here").validation_sources) == {"elsewhere"}
    assert len(images.skin("elsewhere")) == 100
