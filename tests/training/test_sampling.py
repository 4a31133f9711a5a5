"""Sources shown equally often."""

from collections import Counter
from dataclasses import replace

import pytest

from melanoma_detect.training.sampling import balance_sources


def test_each_source_of_a_class_counts_the_same(data):
    train = [r for r in data.train if r.label == "nevus"]
    few = {r.id for r in train[: len(train) // 4]}
    mixed = data.with_records(replace(r, source="elsewhere") if r.id in few else r for r in data.records)
    sums = Counter()
    for record in balance_sources(mixed).train:
        sums[record.label, record.source == "elsewhere"] += record.weight
    assert sums["nevus", True] == pytest.approx(sums["nevus", False])
    assert sums["nevus", True] + sums["nevus", False] == pytest.approx(len(train))
    assert sums["melanoma", False] == pytest.approx(sum(r.label == "melanoma" for r in data.train))


def test_a_handful_is_not_learnt_by_heart(data):
    one = next(r.id for r in data.train if r.label == "nevus")
    mixed = data.with_records(replace(r, source="elsewhere") if r.id == one else r for r in data.records)
    assert max(r.weight for r in balance_sources(mixed).train) <= 4
    assert balance_sources(mixed).validation.records == mixed.validation.records
