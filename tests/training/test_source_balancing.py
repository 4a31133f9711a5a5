"""Weights that balance the sources within a class."""

from collections import Counter
from dataclasses import replace

import pytest

from melanoma_detect.training.source_balancing import balance_sources


def test_sources_of_a_class_get_equal_weight(data):
    train = [r for r in data.train if r.label == "nevus"]
    minority = {r.id for r in train[: len(train) // 4]}
    mixed = data.with_records(replace(r, source="elsewhere") if r.id in minority else r for r in data.records)
    sums = Counter()
    for record in balance_sources(mixed).train:
        sums[record.label, record.source == "elsewhere"] += record.weight
    assert sums["nevus", True] == pytest.approx(sums["nevus", False])
    assert sums["nevus", True] + sums["nevus", False] == pytest.approx(len(train))
    assert sums["melanoma", False] == pytest.approx(sum(r.label == "melanoma" for r in data.train))


def test_weights_are_limited_and_other_splits_unchanged(data):
    only = next(r.id for r in data.train if r.label == "nevus")
    mixed = data.with_records(replace(r, source="elsewhere") if r.id == only else r for r in data.records)
    assert max(r.weight for r in balance_sources(mixed).train) <= 4
    assert balance_sources(mixed).validation.records == mixed.validation.records
