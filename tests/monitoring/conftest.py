"""Streams of scores: drawn from two kinds of lesions, in memory and as tables."""

import numpy as np
import pytest

from melanoma_detect.inference.operating_points import ValidationScores
from melanoma_detect.monitoring.reference import LabelledScores, Reference
from melanoma_detect.monitoring.samples import Samples, Statistic
from melanoma_detect.scoring.table import columns, write_csv

MELANOMA = Statistic("melanoma")


def _draw_scores(rng, count, prevalence=0.1, shift=0.0):
    """Return scores of melanomas and others, `(count,)`, and which are melanomas; a shift moves all on the log-odds scale."""
    positive = rng.uniform(size=count) < prevalence
    logits = np.where(positive, rng.normal(0.5, 1.5, count), rng.normal(-4, 1.5, count)) + shift
    return 1 / (1 + np.exp(-logits)), positive


@pytest.fixture
def draw_scores():
    """Return a function that draws scores: `draw_scores(rng, count, prevalence=0.1, shift=0.0)`."""
    return _draw_scores


@pytest.fixture
def draw_validation():
    """Return a function that draws validation, `draw_validation(seed)`: nearly 200 melanomas, 1,800 other lesions."""

    def draw(seed):
        scores, positive = _draw_scores(np.random.default_rng(1000 + seed), 2000)
        stored = ValidationScores.of(scores, positive)
        labelled = LabelledScores(
            np.array(stored.positive), np.array(stored.negative), 200, 1800, stored.operating_point(0.95)
        )
        return Reference("validation", {MELANOMA: scores}, {"": labelled})

    return draw


@pytest.fixture
def reference(draw_validation):
    """Return one such validation."""
    return draw_validation(0)


@pytest.fixture
def stream():
    """Return a function that draws a stream, `stream(weeks, **changes)`: each change has a value for each week."""

    def draw(weeks, images=100, seed=0, source="", **changes):
        rng = np.random.default_rng(seed)
        blocks = []
        for week in range(weeks):
            scores, _ = _draw_scores(rng, images, **{name: values[week] for name, values in changes.items()})
            blocks.append(Samples(f"week {week + 1}", source, images, values={MELANOMA: scores}))
        return blocks

    return draw


@pytest.fixture
def write_table(tmp_path):
    """Return a function that writes a table as `score` does: `write_table("a.csv", scores, ...)`; its path is returned."""

    def write(name, scores, *, folder="clinic", image_type="", decision="clear", unreadable=0):
        names = columns(["nevus", "melanoma"])
        fixed = {"decision": decision, "alert": "false", "abstained": "false", "image_type": image_type}
        rows = [
            {**fixed, "path": f"{folder}/{number}.jpg", "melanoma": repr(float(score)), "malignant": repr(float(score))}
            for number, score in enumerate(scores)
        ]
        broken = {"path": f"{folder}/bad.jpg", "decision": "refer", "abstained": "true", "reason": "unreadable"}
        rows += [broken] * unreadable
        path = tmp_path / name
        write_csv(path, names, [[row.get(column, "") for column in names] for row in rows])
        return path

    return write
