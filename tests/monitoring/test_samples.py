"""Numbers of several files as one."""

import numpy as np

from melanoma_detect.monitoring.samples import Samples, Statistic, merge_samples


def test_merging_keeps_every_value():
    parts = [
        Samples("a", images=1, alerts=1, values={Statistic("melanoma"): np.array([0.5])}),
        Samples("a", images=2, values={Statistic("melanoma", "clinical"): np.array([0.1, 0.2])}),
    ]
    merged = merge_samples(parts)
    assert (merged.images, merged.alerts) == (3, 1)
    assert sum(map(len, merged.values.values())) == 3
