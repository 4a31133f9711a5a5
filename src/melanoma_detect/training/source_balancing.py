"""Source balancing: weights with which an epoch shows the images of each source equally often within a class."""

from collections import Counter
from dataclasses import replace

from melanoma_detect.data.dataset import Dataset

_MAX_FACTOR = 4.0  # shown more often than this, a handful of images would be learnt by heart


def balance_sources(data: Dataset) -> Dataset:
    """Weight the training images so that each source is shown equally often within a class.

    A model then cannot infer the class from the source. Only the training split changes. Each class keeps its total weight,
    unless the factor of a source reaches its limit of four.

    Args:
        data: A dataset, of one source or of several.

    Returns:
        A dataset whose training records have other weights.

    Examples:
        >>> balance_sources(data).train[0].weight
        1.0
    """
    counts = Counter((record.label, record.source) for record in data.train.records)
    totals = Counter(record.label for record in data.train.records)
    sources = Counter(label for label, _ in counts)
    factors = {
        (label, source): min(_MAX_FACTOR, totals[label] / sources[label] / count)
        for (label, source), count in counts.items()
    }
    return data.with_records(
        replace(record, weight=record.weight * factors[record.label, record.source])
        if record.split == "train"
        else record
        for record in data.records
    )
