"""Which architecture learns more from the same images: lesion-grouped cross-validation, and the set's own Test.

Every architecture gets the same folds, seeds, balance, recipe and number of epochs. Each fold has a seed of its own, for its
validation part, its first weights and its order; its network is measured on the fold, and on the Test images, which no fold
trains on. Answers are kept in a folder, so that a run that was stopped goes on.

    python benchmarks/architectures.py FOLDER --out answers --models cnn lesion_net
"""

import argparse
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import melanoma_detect as md
from melanoma_detect.data.folds import folds
from melanoma_detect.errors import DataWarning
from melanoma_detect.evaluation.bootstrap import replicates
from melanoma_detect.evaluation.evaluation import Evaluation, measure

GOAL = 0.10


def main() -> None:
    """Train what is not trained yet, then print the figures."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="where answers are kept")
    parser.add_argument("--models", nargs="+", default=["cnn", "lesion_net"])
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--recipe", default="default")
    chosen = parser.parse_args()
    data = md.load_dataset(chosen.folder, conflicts="resolve", seed=1)
    for seed, fold in enumerate(folds(data, chosen.folds, seed=1), start=1):
        for model in chosen.models:
            train(model, fold, data, seed=seed, epochs=chosen.epochs, recipe=chosen.recipe, out=chosen.out)
    seeds = range(1, chosen.folds + 1)
    results = {model: gathered(model, seeds, chosen.out, data.classes) for model in chosen.models}
    for model, found in results.items():
        show(model, found)
    if {"cnn", "lesion_net"} <= set(results):
        ours, theirs = results["lesion_net"], results["cnn"]
        gain, low, high = difference(ours.pooled, theirs.pooled, ours.lesions)
        print(f"lesion_net_less_cnn_balanced_accuracy {gain:.3f} {GOAL:.2f}   # [{low:.3f}, {high:.3f}]")


def train(model: str, fold: md.Dataset, whole: md.Dataset, *, seed: int, epochs: int, recipe: str, out: Path) -> None:
    """Train one network on a fold and keep its answers."""
    if place(out, model, seed).exists():
        return
    network = md.build_model(model, num_classes=len(whole.classes), seed=seed)
    balanced = md.balance(fold, to="max", method="weights")
    detector = md.Detector.fit(network, balanced, epochs=epochs, recipe=recipe, seed=seed)
    keep(place(out, model, seed), detector, network, fold, whole)


def place(out: Path, model: str, seed: int) -> Path:
    """Return where the answers of one network are kept."""
    return out / f"{model.replace(':', '-')}-{seed}.json"


def keep(file: Path, detector: md.Detector, network: Any, fold: md.Dataset, whole: md.Dataset) -> None:
    """Measure a detector on a fold and on Test, and write its answers."""
    found = {name: detector.evaluate(data.test) for name, data in (("fold", fold), ("test", whole))}
    groups = {record.id: record.group for record in (*fold.test, *whole.test)}
    kept = {
        "parameters": network.count_params(),
        "epochs": len(detector.history),
        "best_epoch": detector.predictor.config.best_epoch,
        "seconds": float(detector.history["seconds"].sum()),
        **{
            name: {
                "ids": list(figures.ids),
                "groups": [groups[one] for one in figures.ids],
                "labels": figures.labels.tolist(),
                "probabilities": figures.probabilities.tolist(),
            }
            for name, figures in found.items()
        },
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(kept))
    partial.rename(file)


class Results(NamedTuple):
    """What one architecture came to: over all folds as one, the lesion of each of those images, and each seed on Test."""

    pooled: Evaluation
    lesions: list[str]
    tests: list[Evaluation]


def gathered(model: str, seeds: Sequence[int], out: Path, classes: tuple[str, ...]) -> Results:
    """Read the answers of one architecture's networks."""
    kept = [json.loads(place(out, model, seed).read_text()) for seed in seeds]
    pooled = {key: [one for run in kept for one in run["fold"][key]] for key in kept[0]["fold"]}
    return Results(_measured(pooled, classes), pooled["groups"], [_measured(run["test"], classes) for run in kept])


def _measured(answers: dict[str, list], classes: tuple[str, ...]) -> Evaluation:
    labels, probabilities = np.array(answers["labels"]), np.array(answers["probabilities"])
    return measure(probabilities, labels, answers["groups"], classes)


def difference(one: Evaluation, other: Evaluation, lesions: list[str]) -> tuple[float, float, float]:
    """Return how much better one is in balanced accuracy, with a 95 % interval over the same lesions."""

    def recall(found: Evaluation, weights: np.ndarray) -> np.ndarray:
        right = found.probabilities.argmax(axis=1) == found.labels
        each = [weights[:, own] @ right[own] / weights[:, own].sum(axis=1) for own in _by_class(found)]
        return np.mean(each, axis=0)

    def gain(weights: np.ndarray) -> np.ndarray:
        return recall(one, weights) - recall(other, weights)

    drawn = np.concatenate([gain(weights) for weights in replicates(lesions, seed=1)])
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(gain(np.ones((1, len(one.labels))))[0]), float(low), float(high)


def _by_class(found: Evaluation) -> list[np.ndarray]:
    return [np.flatnonzero(found.labels == at) for at in np.unique(found.labels)]


def show(model: str, found: Results) -> None:
    """Print the figures of one architecture."""
    pooled, tests = found.pooled, found.tests
    for name in ("balanced_accuracy", "melanoma_auc"):
        figure = pooled.figures[name]
        print(f"{model}_folds_{name} {figure.value:.3f} -   # {figure}, {len(pooled)} images")
        values = [test.figures[name].value for test in tests]
        intervals = "; ".join(str(test.figures[name]) for test in tests)
        print(f"{model}_test_{name} {np.mean(values):.3f} -   # each seed: {intervals}, {len(tests[0])} images")


if __name__ == "__main__":
    main()
