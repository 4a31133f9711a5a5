"""Sketches: sums of parts are those of the whole, and numbers come back as samples."""

from collections import Counter

import numpy as np
import pytest

from melanoma_detect.monitoring.grids import GRIDS, PROJECTIONS
from melanoma_detect.monitoring.samples import Statistic
from melanoma_detect.monitoring.sketch import Cell, Moments, Sketch, detector_digest, merge_sketches


def make_cell(values):
    cell = Cell(images=len(values))
    cell.add_values(Statistic("melanoma"), values)
    return cell


def test_mean_and_covariance_of_merged_parts_are_those_of_all_images():
    features = np.random.default_rng(1).normal(3, 2, (40, PROJECTIONS))
    total = Moments()
    for part in (features[:7], features[7:]):
        moments = Moments()
        moments.add(part)
        total.merge(moments)
    assert total.count == 40
    assert total.mean == pytest.approx(features.mean(axis=0))
    assert total.covariance == pytest.approx(np.cov(features.T), abs=1e-9)
    assert not Moments().covariance.any()


def test_merged_sketches_hold_each_image_once():
    one = Sketch("0" * 64, (1,), {("2026-11-01", "A"): make_cell([0.1, 0.2])})
    two = Sketch("0" * 64, (2,), {("2026-11-01", "A"): make_cell([0.1]), ("2026-11-01", "B"): make_cell([0.9])})
    merged = merge_sketches([one, two])
    assert (merged.images, merged.marks, len(merged.cells)) == (4, (1, 2), 2)
    assert merged.cells["2026-11-01", "A"].histograms[Statistic("melanoma")].total() == 3
    assert one.images == 2
    with pytest.raises(ValueError, match="different detectors"):
        merge_sketches([one, Sketch("1" * 64)])


def test_samples_are_the_numbers_in_their_bins():
    values = [0.1, 0.1, 0.7]
    cell = make_cell(values)
    cell.add_reason("too dark")
    sketch = Sketch("0" * 64, cells={("2026-11-02", ""): cell, ("2026-11-01", "A"): make_cell([0.5])})
    first, second = sketch.samples(by_camera=True)
    assert (first.period, first.source, second.source) == ("2026-11-01", "A", "unknown camera")
    assert second.values[Statistic("melanoma")].tolist() == GRIDS["melanoma"].round_values(values).tolist()
    assert sorted(second.values[Statistic("abstained")]) == [0, 0, 1]


def test_rare_reasons_are_counted_together():
    cell = Cell()
    for number in range(40):
        cell.add_reason(f"reason {chr(65 + number)}")
    assert len(cell.reasons) == 17
    assert cell.reasons["others"] == 24
    cell.merge(cell)
    assert cell.abstained == cell.reasons.total() == 80


def test_the_digest_is_of_the_model_and_not_of_its_settings(detector, two_types):
    predictor = detector.predictor
    assert detector_digest(predictor) == detector_digest(predictor.at(target="malignant"))
    assert detector_digest(predictor) != detector_digest(two_types().predictor)
    assert len(detector_digest(predictor)) == 64


def test_of_very_many_numbers_a_random_part_is_tested():
    cells = {(f"2026-11-{day:02}", ""): Cell(images=4_000_000, unreadable=1000, abstained=40_000) for day in (1, 2)}
    for cell in cells.values():
        cell.histograms[Statistic("melanoma")] = Counter({10: 3_000_000, 500: 999_000})
    samples = Sketch("0" * 64, cells=cells).samples()
    assert [(sample.images, sample.abstained) for sample in samples] == [(4_000_000, 40_000)] * 2
    for sample in samples:
        values = sample.values[Statistic("melanoma")]
        assert abs(len(values) - 500_000) < 5000
        assert abs((values > values.min()).mean() - 0.25) < 0.005
        assert abs(sample.values[Statistic("abstained")].mean() - 0.01) < 0.001


def test_the_random_part_of_small_cells_is_that_of_all_of_them():
    """The same draw in each cell would make their errors add up."""
    cells = {("2026-01-01", "large"): Cell(images=6_000_000)}
    cells["2026-01-01", "large"].histograms[Statistic("melanoma")] = Counter({10: 6_000_000})
    for number in range(4000):
        cell = cells["2026-02-01", f"camera {number}"] = Cell(images=10, abstained=3)
        cell.histograms[Statistic("melanoma")] = Counter({10: 7, 500: 3})
    small = [sample for sample in Sketch("0" * 64, cells=cells).samples(by_camera=True) if sample.source != "large"]
    assert sum(sample.abstained for sample in small) == 12_000
    for name in (Statistic("melanoma"), Statistic("abstained")):
        values = np.concatenate([sample.values[name] for sample in small])
        assert 5000 < len(values) < 8400
        assert abs((values > values.min()).mean() - 0.3) < 0.03
