"""The tests of a stream: false alarms at most as often as promised, and the source that changed."""

import numpy as np
import pytest

from melanoma_detect.monitoring.samples import Samples, Statistic
from melanoma_detect.monitoring.stream_tests import GROUPS, divide_alpha, run_tests

MELANOMA = Statistic("melanoma")


def alarms(blocks, reference, alpha=0.05, seed=0):
    periods = list(dict.fromkeys(block.period for block in blocks))
    return [test for test in run_tests(blocks, periods, reference, alpha=alpha, seed=seed) if test.alarm is not None]


@pytest.fixture
def draw_reference(draw_scores):
    """Return a function that draws a reference: false alarms are promised for a small one too."""
    return lambda seed, size=400: {MELANOMA: draw_scores(np.random.default_rng(10_000 + seed), size)[0]}


def test_false_alarms_are_as_rare_as_promised(stream, draw_reference):
    kept = {"prevalence": [0.1] * 25}
    raised = sum(
        bool(alarms(stream(25, 20, seed=seed, **kept), draw_reference(seed), 0.2, seed)) for seed in range(150)
    )
    assert raised / 150 <= 0.2 + 2 * np.sqrt(0.2 * 0.8 / 150)


def test_false_alarms_with_several_sources_are_as_rare(stream, draw_reference):
    raised = 0
    for seed in range(60):
        blocks = []
        for number in range(4):
            blocks += stream(10, 20, seed=1000 * number + seed, source=f"camera {number}", prevalence=[0.1] * 10)
        raised += bool(alarms(blocks, draw_reference(seed), 0.2, seed))
    assert raised / 60 <= 0.2 + 2 * np.sqrt(0.2 * 0.8 / 60)


@pytest.mark.parametrize(("shift", "direction"), [(1.0, "higher"), (-1.0, "lower")])
def test_a_change_is_found_soon_with_its_direction(stream, draw_reference, shift, direction):
    [test] = alarms(stream(30, shift=[0.0] * 20 + [shift] * 10), draw_reference(0, 2000))
    assert 20 <= test.alarm <= 22
    assert test.direction == direction
    assert test.strength >= 1


def test_the_source_that_changed_is_named(stream, draw_reference):
    blocks = stream(12, 60, seed=1, source="old", shift=[0.0] * 12)
    blocks += stream(12, 20, seed=2, source="new", shift=[0.0] * 4 + [1.5] * 8)
    assert "new" in {test.source for test in alarms(blocks, draw_reference(0, 2000))}
    assert "old" not in {test.source for test in alarms(blocks, draw_reference(0, 2000))}


def test_a_sorted_table_raises_no_alarm(draw_scores, draw_reference):
    scores = np.sort(draw_scores(np.random.default_rng(4), 3000)[0])
    assert not alarms([Samples("all", images=3000, values={MELANOMA: scores})], draw_reference(0, 2000))


def test_a_period_without_images_changes_nothing(stream, draw_reference):
    blocks = stream(3, shift=[0.0] * 3)
    blocks[1].values = {}
    [test] = run_tests(blocks, ["week 1", "week 2", "week 3"], draw_reference(0), alpha=0.05)
    assert test.images == (100, 0, 100)
    assert test.evidence[1] == pytest.approx(test.evidence[0])
    assert test.to_dict()["statistic"] == "melanoma"


def test_the_parts_of_all_tests_sum_to_alpha():
    statistics = [Statistic(name, kind) for name in ("melanoma", "malignant") for kind in ("dermoscopy", "clinical")]
    alone = divide_alpha(statistics)
    assert set(alone.values()) == {0.25}
    statistics += [
        Statistic(name) for names, _ in GROUPS for name in sorted(names) if name not in ("melanoma", "malignant")
    ]
    weights = divide_alpha(statistics)
    assert sum(weights.values()) == pytest.approx(1)
    assert weights[Statistic("red")] == pytest.approx(1 / 16)
    assert weights[Statistic("feature 3")] == pytest.approx(1 / 64)
    periods = ["one", "two"]
    values = {statistic: np.linspace(0, 1, 20) for statistic in statistics}
    blocks = [Samples(period, source, values=values) for period in periods for source in ("A", "B")]
    tests = run_tests(blocks, periods, values, alpha=0.05)
    assert sum(1 / test.level for test in tests) == pytest.approx(0.025 + 0.025 * (1 / 2 + 1 / 6))
