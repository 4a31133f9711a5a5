"""Figures of a network's answers by source, by which every choice is made. NumPy, pandas and scikit-learn only."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from packed import Pack
from sklearn.metrics import roc_auc_score

MELANOMA = "melanoma"
_ENOUGH = 10  # melanomas and others: a source with fewer does not decide


def measure_sources(
    probabilities: NDArray[np.floating], pack: Pack, rows: NDArray[np.int64]
) -> dict[str, dict[str, float | None]]:
    """Return for each source the melanoma AUC, the balanced accuracy over its single diagnoses, and the number of melanomas."""
    targets, sources, melanoma = pack.targets[rows], pack.sources[rows], pack.classes.index(MELANOMA)
    fine = targets.sum(axis=1) == 1
    figures: dict[str, dict[str, float | None]] = {}
    for source in np.unique(sources):
        own = sources == source
        positive, negative = (own & fine & targets[:, melanoma]), (own & ~targets[:, melanoma])
        hits = probabilities.argmax(axis=1) == targets.argmax(axis=1)
        labels = targets.argmax(axis=1)
        recalls = [hits[own & fine & (labels == label)].mean() for label in np.unique(labels[own & fine])]
        figures[str(source)] = {
            "melanomas": int(positive.sum()),
            "others": int(negative.sum()),
            "auc": _auc(probabilities[:, melanoma], positive, negative),
            "balanced_accuracy": round(float(np.mean(recalls)), 4) if recalls else None,
        }
    return figures


def worst_source(figures: Mapping[str, Mapping[str, float | None]]) -> str:
    """Return the source with the lowest AUC among those with enough melanomas; empty where no source has enough."""
    deciding = _deciding(figures)
    return min(deciding, key=lambda source: deciding[source]) if deciding else ""


def score(figures: Mapping[str, Mapping[str, float | None]]) -> float:
    """Return the figure by which networks are chosen: half of it is the worst source's AUC."""
    aucs = list(_deciding(figures).values())
    accuracies = [own["balanced_accuracy"] for own in figures.values() if own["balanced_accuracy"] is not None]
    if not aucs:
        return float(np.mean(accuracies))
    return float(0.5 * min(aucs) + 0.25 * np.mean(aucs) + 0.25 * np.mean(accuracies))


def _deciding(figures: Mapping[str, Mapping[str, float | None]]) -> dict[str, float]:
    return {
        source: own["auc"]
        for source, own in figures.items()
        if own["auc"] is not None and min(own["melanomas"], own["others"]) >= _ENOUGH
    }


def _auc(scores: NDArray[np.floating], positive: NDArray[np.bool_], negative: NDArray[np.bool_]) -> float | None:
    if not positive.any() or not negative.any():
        return None
    used = positive | negative
    return round(float(roc_auc_score(positive[used], scores[used])), 4)
