"""Leave one source out: a calibration on the other sources, measured on the one left out."""

import numpy as np
import pytest

from melanoma_detect.errors import DatasetError
from melanoma_detect.training.calibrate import CalibrationInputs, Labelled, calibrate
from melanoma_detect.training.leave_one_source_out import (
    FIGURES,
    CalibrationOptions,
    leave_one_source_out,
    measure_sources,
)

CLASSES = ("melanoma", "nevus", "basal cell carcinoma")


def drawn(shifts, *, melanomas=40, nevi=60, seed=0, distances=None):
    """Draw the outputs of a model for several sources; melanomas of a source have higher logits by its shift."""
    rng = np.random.default_rng(seed)
    count = melanomas + nevi
    logits = rng.normal(0, 1, (len(shifts) * count, 3))
    is_melanoma = np.tile(np.arange(count) < melanomas, len(shifts))
    sources = np.repeat(list(shifts), count)
    logits[:, 0] += np.where(is_melanoma, 2.5 + np.repeat(list(shifts.values()), count), -1)
    logits[:, 2] -= 4
    targets = np.stack([is_melanoma, ~is_melanoma, np.zeros_like(is_melanoma)], axis=1)
    groups = [f"lesion {index}" for index in range(len(logits))]
    outputs = CalibrationInputs(logits.astype(np.float32), np.zeros(0) if distances is None else distances)
    return outputs, Labelled(targets, groups, CLASSES, sources.tolist())


def test_each_source_is_measured_with_the_operating_point_of_the_others():
    inputs, labelled = drawn({"a": 0.0, "b": 0.0, "c": -1.5})
    rows = leave_one_source_out(inputs, labelled)
    assert [row.source for row in rows] == ["a", "b", "c"]
    assert all(set(row.figures) == set(FIGURES) for row in rows)
    others = np.array(labelled.sources) != "c"
    rest = labelled.select(others)
    fitted = calibrate({1: inputs.select(others)}, rest.targets, rest.groups, CLASSES, sources=rest.sources)[1]
    assert rows[2].operating_point == fitted.operating_point(0.95)
    scores = fitted.probabilities(inputs.logits, CLASSES)[:, 0][~others]
    is_melanoma = labelled.targets[~others][:, 0]
    figures = rows[2].figures
    assert figures["sensitivity"].value == (scores[is_melanoma] >= rows[2].operating_point.threshold).mean()
    assert figures["specificity"].value == (scores[~is_melanoma] < rows[2].operating_point.threshold).mean()
    assert figures["sensitivity"].value < 0.95 < rows[0].figures["sensitivity"].value
    assert str(rows[2]).startswith("c (100 images): sensitivity 0.")


def test_holding_on_every_source_reaches_more_melanomas_of_a_new_one():
    inputs, labelled = drawn({"a": 0.0, "b": 0.0, "c": -1.0, "d": -1.0})
    pooled, on_each = (
        {
            row.source: row.figures
            for row in leave_one_source_out(inputs, labelled, CalibrationOptions(on_every_source=on))
        }
        for on in (False, True)
    )
    assert on_each["d"]["sensitivity"].value > pooled["d"]["sensitivity"].value
    assert on_each["d"]["specificity"].value < pooled["d"]["specificity"].value
    assert on_each["d"]["ece"] == pooled["d"]["ece"]


def test_lesions_of_the_source_left_out_are_not_used_elsewhere():
    inputs, labelled = drawn({"a": 0.0, "b": 0.0, "c": 0.0})
    per_source = len(inputs.logits) // 3
    groups = [f"lesion {index % (2 * per_source)}" for index in range(len(inputs.logits))]  # c shows the lesions of a
    rows = leave_one_source_out(inputs, labelled._replace(groups=groups))
    assert [row.operating_point.positives for row in rows] == [40, 80, 40]


def test_a_referred_melanoma_is_not_cleared():
    inputs, labelled = drawn({"a": 0.0, "b": 0.0, "c": -2.0})
    by_name = {row.source: row.figures for row in leave_one_source_out(inputs, labelled)}
    assert by_name["c"]["false_negative_rate"].value + by_name["c"]["sensitivity"].value <= 1 + 1e-9
    inputs.logits[:, 2] += 12  # a carcinoma is the most probable diagnosis of every image
    referred = leave_one_source_out(inputs, labelled)
    assert all(row.figures["false_negative_rate"].value == row.figures["clearance_rate"].value == 0 for row in referred)


def test_the_detector_abstains_by_the_distances_of_the_others():
    rng = np.random.default_rng(1)
    distances = np.concatenate([rng.normal(1, 0.1, 200), rng.normal(3, 0.1, 100)])
    inputs, labelled = drawn({"a": 0.0, "b": 0.0, "far": 0.0}, distances=np.tile(distances, 4))  # of four views
    by_name = {row.source: row.figures for row in leave_one_source_out(inputs, labelled)}
    assert by_name["far"]["coverage"].value == 0
    assert by_name["a"]["coverage"].value == 1


def test_too_few_melanomas_leave_no_operating_point():
    inputs, labelled = drawn({"a": 0.0, "b": 0.0}, melanomas=10)
    rows = leave_one_source_out(inputs, labelled)
    assert [row.operating_point for row in rows] == [None, None]
    assert np.isnan(rows[0].figures["sensitivity"].value)
    assert rows[0].figures["melanoma_auc"].value > 0.9


def test_labels_that_cover_several_classes_count_where_they_say_something():
    inputs, labelled = drawn({"a": 0.0, "b": 0.0})
    targets = labelled.targets.copy()
    nevi = np.flatnonzero(targets[:, 1])
    targets[nevi[::2], 2] = True  # "nevus or basal cell carcinoma": no melanoma
    targets[nevi[1::8], 0] = True  # "melanoma or nevus": nothing is known
    rows = leave_one_source_out(inputs, labelled._replace(targets=targets))
    assert [row.figures["specificity"].lesions for row in rows] == [52, 53]
    assert [row.figures["sensitivity"].lesions for row in rows] == [40, 40]


def test_a_calibration_is_measured_on_its_own_sources():
    inputs, labelled = drawn({"a": 0.0, "b": -1.0})
    fitted = calibrate({1: inputs}, labelled.targets, labelled.groups, CLASSES, sources=labelled.sources)[1]
    rows = measure_sources(inputs, labelled, fitted)
    point = fitted.operating_point(0.95)
    found = {row.source: row.figures["sensitivity"].value for row in rows}
    assert found == {source.source: source.sensitivity for source in point.sources}
    assert point.worst_source == min(found, key=found.get)


def test_sources_of_the_same_lesions_alone_cannot_be_left_out():
    inputs, labelled = drawn({"a": 0.0, "b": 0.0})
    groups = [f"lesion {index % 100}" for index in range(200)]  # b shows the lesions of a
    with pytest.raises(DatasetError, match="nothing is left to calibrate on when a is left out"):
        leave_one_source_out(inputs, labelled._replace(groups=groups))


def test_sources_and_groups_may_be_arrays():
    inputs, labelled = drawn({"a": 0.0, "b": 0.0}, distances=np.linspace(0, 1, 200))
    arrays = labelled._replace(sources=np.array(labelled.sources), groups=np.array(labelled.groups))
    assert leave_one_source_out(inputs, arrays) == leave_one_source_out(inputs, labelled)


@pytest.mark.parametrize("sources", [None, ["a"] * 100])
def test_one_source_cannot_be_left_out(sources):
    inputs, labelled = drawn({"a": 0.0})
    with pytest.raises(DatasetError, match="no other source to calibrate on"):
        leave_one_source_out(inputs, labelled._replace(sources=sources))


@pytest.mark.parametrize("seed", [-1, 1.5, None, 2**32], ids=repr)
def test_the_seed_is_checked(seed):
    with pytest.raises(DatasetError, match="seed="):
        leave_one_source_out(*drawn({"a": 0, "b": 0}), seed=seed)
