"""Which images an epoch shows more often: those of the sources that a class has few of."""

from collections import Counter
from dataclasses import replace

from melanoma_detect.data.dataset import Dataset

_MOST = 4.0  # more often than this, and a handful of images is learnt by heart


def balance_sources(data: Dataset) -> Dataset:
    """Show the images of each source equally often within a class, so that the source tells less about the class.

    Only the training split changes, and each class keeps its size where no factor reaches four.

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
        (label, source): min(_MOST, totals[label] / sources[label] / count) for (label, source), count in counts.items()
    }
    return data.with_records(
        replace(record, weight=record.weight * factors[record.label, record.source])
        if record.split == "train"
        else record
        for record in data.records
    )
