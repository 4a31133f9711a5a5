"""Comparison of architectures by lesion-grouped cross-validation, and on the dataset's own Test.

Every architecture gets the same folds, seeds, balance, recipe and number of epochs. Each fold has its own seed for the
validation split, the initial weights and the order of the images. Its network is evaluated on the fold and on the Test images,
which no fold trains on. Predictions are saved in a folder, so that an interrupted run can resume.

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
from melanoma_detect.data.splits import folds
from melanoma_detect.errors import DataWarning
from melanoma_detect.evaluation.bootstrap import draw_replicates
from melanoma_detect.evaluation.evaluation import Evaluation, measure

GOAL = 0.10


def main() -> None:
    """Train what is not trained yet, then print the metrics."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for the predictions")
    parser.add_argument("--models", nargs="+", default=["cnn", "lesion_net"])
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--recipe", default="default")
    arguments = parser.parse_args()
    data = md.load_dataset(arguments.folder, conflicts="resolve", seed=1)
    for seed, fold in enumerate(folds(data, arguments.folds, seed=1), start=1):
        for model in arguments.models:
            train(model, fold, data, seed=seed, epochs=arguments.epochs, recipe=arguments.recipe, out=arguments.out)
    seeds = range(1, arguments.folds + 1)
    results = {model: load(model, seeds, arguments.out, data.classes) for model in arguments.models}
    for model, model_results in results.items():
        show(model, model_results)
    if {"cnn", "lesion_net"} <= set(results):
        lesion_net, cnn = results["lesion_net"], results["cnn"]
        gain, low, high = difference(lesion_net.pooled, cnn.pooled, lesion_net.lesions)
        print(f"lesion_net_less_cnn_balanced_accuracy {gain:.3f} {GOAL:.2f}   # [{low:.3f}, {high:.3f}]")


def train(model: str, fold: md.Dataset, dataset: md.Dataset, *, seed: int, epochs: int, recipe: str, out: Path) -> None:
    """Train one network on a fold and save its predictions."""
    if prediction_file(out, model, seed).exists():
        return
    network = md.build_model(model, num_classes=len(dataset.classes), seed=seed)
    balanced = md.balance(fold, to="max", method="weights")
    detector = md.Detector.fit(network, balanced, epochs=epochs, recipe=recipe, seed=seed)
    save(prediction_file(out, model, seed), detector, network, fold, dataset)


def prediction_file(out: Path, model: str, seed: int) -> Path:
    """Return the file of one network's predictions."""
    return out / f"{model.replace(':', '-')}-{seed}.json"


def save(file: Path, detector: md.Detector, network: Any, fold: md.Dataset, dataset: md.Dataset) -> None:
    """Evaluate a detector on a fold and on Test, and save its predictions."""
    evaluations = {name: detector.evaluate(data.test) for name, data in (("fold", fold), ("test", dataset))}
    groups = {record.id: record.group for record in (*fold.test, *dataset.test)}
    content = {
        "parameters": network.count_params(),
        "epochs": len(detector.history),
        "best_epoch": detector.predictor.config.best_epoch,
        "seconds": float(detector.history["seconds"].sum()),
        **{
            name: {
                "ids": list(evaluation.ids),
                "groups": [groups[image] for image in evaluation.ids],
                "labels": evaluation.labels.tolist(),
                "probabilities": evaluation.probabilities.tolist(),
            }
            for name, evaluation in evaluations.items()
        },
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(content))
    partial.rename(file)


class Results(NamedTuple):
    """The results of one architecture: all folds pooled, the lesion of each of their images, and each seed on Test."""

    pooled: Evaluation
    lesions: list[str]
    tests: list[Evaluation]


def load(model: str, seeds: Sequence[int], out: Path, classes: tuple[str, ...]) -> Results:
    """Load the predictions of one architecture's networks."""
    runs = [json.loads(prediction_file(out, model, seed).read_text()) for seed in seeds]
    pooled = {key: [value for run in runs for value in run["fold"][key]] for key in runs[0]["fold"]}
    return Results(_evaluate(pooled, classes), pooled["groups"], [_evaluate(run["test"], classes) for run in runs])


def _evaluate(predictions: dict[str, list], classes: tuple[str, ...]) -> Evaluation:
    labels, probabilities = np.array(predictions["labels"]), np.array(predictions["probabilities"])
    return measure(probabilities, labels, predictions["groups"], classes)


def difference(first: Evaluation, second: Evaluation, lesions: list[str]) -> tuple[float, float, float]:
    """Return the difference in balanced accuracy of two evaluations of the same lesions, with its 95 % interval."""

    def mean_recall(evaluation: Evaluation, weights: np.ndarray) -> np.ndarray:
        correct = evaluation.probabilities.argmax(axis=1) == evaluation.labels
        recalls = [
            weights[:, rows] @ correct[rows] / weights[:, rows].sum(axis=1) for rows in _rows_by_class(evaluation)
        ]
        return np.mean(recalls, axis=0)

    def gain(weights: np.ndarray) -> np.ndarray:
        return mean_recall(first, weights) - mean_recall(second, weights)

    drawn = np.concatenate([gain(weights) for weights in draw_replicates(lesions, seed=1)])
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(gain(np.ones((1, len(first.labels))))[0]), float(low), float(high)


def _rows_by_class(evaluation: Evaluation) -> list[np.ndarray]:
    return [np.flatnonzero(evaluation.labels == label) for label in np.unique(evaluation.labels)]


def show(model: str, results: Results) -> None:
    """Print the metrics of one architecture."""
    pooled, tests = results.pooled, results.tests
    for name in ("balanced_accuracy", "melanoma_auc"):
        figure = pooled.figures[name]
        print(f"{model}_folds_{name} {figure.value:.3f} -   # {figure}, {len(pooled)} images")
        values = [test.figures[name].value for test in tests]
        intervals = "; ".join(str(test.figures[name]) for test in tests)
        print(f"{model}_test_{name} {np.mean(values):.3f} -   # each seed: {intervals}, {len(tests[0])} images")


if __name__ == "__main__":
    main()
