"""How well an audit finds wrong labels and images of no skin lesion: both are planted, and ranked.

Of each dataset the images are taken that the detector has not seen, by its training fingerprint, in classes of 20 lesions or
more; `--seen` takes all. In five trials each, 2, 5 and 10 % of the labels are exchanged for another class at random. Printed
are the mean average precision of the audit's ranking and of others, and the estimated share of wrong labels with how often its
interval holds the planted share:

- `detector_loss`: the negative logarithm of the probability that the detector gives the label, its classes as the label means
  them;
- `fold_loss`: that of a logistic regression on the features, as scikit-learn has it by default, in folds by lesion;
- `adjusted_detector_loss`: the detector's, its probabilities adjusted to the frequencies of the labels;
- `our_fold_loss`: that of the audit's own regression;
- `cleanlab`: Northcutt et al. 2021 (doi 10.1613/jair.1.12125), on the same regression, where that package is installed; it
  is no part of this one. `cleanlab_given_ours` is given the audit's probabilities instead.

Then 1 % of everyday images are planted in each dataset, of those that the default detector has not learnt from.

    python benchmarks/label_errors.py --data DATA --everyday FOLDER... [--cache FOLDER] [--seen]

DATA holds `milk10k`, `ham10000_224` and `isic9`. Prints one line a figure: name, value, goal; the goal of the audit's average
precision is that of the detector's loss.
"""

import argparse
import hashlib
import importlib.util
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

import melanoma_detect as md
from melanoma_detect import taxonomy
from melanoma_detect.data.folds import make_folds
from melanoma_detect.data_audit.detector_checks import stranger_threshold
from melanoma_detect.data_audit.label_judges import JudgedLabels, judge_labels
from melanoma_detect.data_audit.out_of_fold import FOLDS, centre
from melanoma_detect.images.formats import SUFFIXES
from melanoma_detect.inference.image_outputs import ImageOutputs, run_on_images
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.predictor import Predictor

SETS = {
    "milk10k_dermoscopy": ("milk10k", "dermoscopy"),
    "milk10k_clinical": ("milk10k", "clinical"),
    "ham10000": ("ham10000_224", ""),
    "isic9": ("isic9", ""),
    "isic9_with_conflicts": ("isic9", ""),
}
RATES = (0.02, 0.05, 0.1)
TRIALS = 5
FEWEST = 20  # lesions of a class
STRANGERS = 0.01


class Images(NamedTuple):
    """A dataset's images: `(n, ...)` each."""

    features: NDArray[np.float32]
    answers: NDArray[np.float64]
    labels: NDArray[np.str_]
    groups: NDArray[np.str_]
    seen: NDArray[np.bool_]

    def take(self, chosen: NDArray[np.bool_]) -> "Images":
        """Return some of the images."""
        return Images(*(part[chosen] for part in self))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--everyday", type=Path, nargs="+", default=[])
    parser.add_argument("--cache", type=Path, help="folder to keep the model's outputs in")
    parser.add_argument("--seen", action="store_true", help="take the images too that the detector was trained on")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    model = md.Detector.load().predictor
    strangers = run_everyday(model, arguments.everyday)
    for name in arguments.sets:
        if name == "isic9_with_conflicts":
            judge_real_errors(model, arguments.data, arguments.cache)
            continue
        images = judged(read(model, arguments.data, name, arguments.cache), seen=arguments.seen)
        classes = len(np.unique(images.labels))
        if classes < 2:
            print(f"{name}_classes {classes} 2")
            continue
        suffix = "_seen" if arguments.seen else ""
        print(f"{name}{suffix}_images {len(images.labels)} stated", flush=True)
        plant_errors(f"{name}{suffix}", images, model.classes)
        if len(strangers):
            plant_strangers(f"{name}{suffix}", images, strangers, model)


def read(model: Predictor, data: Path, name: str, cache: Path | None) -> Images:
    """Return the outputs of a dataset, images under two labels left out."""
    file = cache / f"{name}.npz" if cache else None
    if file and file.is_file():
        return Images(*(np.load(file)[part] for part in Images._fields))
    folder, kind = SETS[name]
    conflicts = "keep" if name == "isic9_with_conflicts" else "drop"
    records = md.load_dataset(
        data / folder, validation=0, test=0, known=None, conflicts=conflicts, progress=False
    ).records
    records = [record for record in records if not kind or record.metadata.get("image_type") == kind]
    outputs = run_on_images(model, [record.image for record in records])
    images = Images(
        outputs.features,
        outputs.probabilities,
        np.array([record.label for record in records]),
        np.array([record.group for record in records]),
        model.files.fingerprint().contains(records),
    )
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, **images._asdict())
    return images


def judged(images: Images, *, seen: bool) -> Images:
    """Return the images that the detector has not seen, in classes of enough lesions."""
    images = images if seen else images.take(~images.seen)
    lesions = {label: len(set(images.groups[images.labels == label])) for label in set(images.labels.tolist())}
    return images.take(np.array([lesions[label] >= FEWEST for label in images.labels.tolist()], np.bool_))


def plant_errors(name: str, images: Images, classes: tuple[str, ...]) -> None:
    """Plant wrong labels, and print how well they are found and counted."""
    names, truth = np.unique(images.labels, return_inverse=True)
    outputs, groups = ImageOutputs(images.features, images.answers, ()), images.groups.tolist()
    told = told_of(images, names, classes)
    untouched = judge_labels(outputs, names[truth].tolist(), groups, classes).estimate()
    shares = {name: count / len(truth) for name, count in untouched.items()}
    print(f"{name}_estimate_as_they_are {shares['value']:.3f}_[{shares['low']:.3f},{shares['high']:.3f}] stated")
    for rate in RATES:
        found: dict[str, list[float]] = {}
        covered, doubtful, right = [], [], []
        for trial in range(TRIALS):
            labels, wrong = plant(truth, rate, trial)
            result = judge_labels(outputs, names[labels].tolist(), groups, classes)
            for method, value in compare(images, labels, wrong, result, told).items():
                found.setdefault(method, []).append(value)
            estimate = result.estimate()
            covered.append(estimate["low"] <= wrong.sum() <= estimate["high"])
            doubtful.append(int(result.doubtful.sum()))
            right.append(int(wrong[result.doubtful].sum()))
        percent = f"{name}_{rate:.0%}".replace("%", "pct")
        means = {method: float(np.mean(values)) for method, values in found.items()}
        print(f"{percent}_audit_ap {means['audit']:.3f} {means['detector_loss']:.3f}")
        print(f"{percent}_estimate {means.pop('estimate'):.3f} {rate}")
        for method, value in means.items():
            if method != "audit" and np.isfinite(value):
                print(f"{percent}_{method}{'' if method.endswith('estimate') else '_ap'} {value:.3f} stated")
        print(f"{percent}_intervals_that_hold {np.mean(covered):.2f} 0.95")
        print(f"{percent}_doubtful_that_are_wrong {sum(right)}/{sum(doubtful)} stated", flush=True)


def told_of(images: Images, names: NDArray[np.str_], classes: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the detector's own probability of each label."""
    meant = [[taxonomy.meaning(one) <= taxonomy.meaning(label) for one in classes] for label in names.tolist()]
    return images.answers @ np.array(meant).T


def compare(
    images: Images,
    labels: NDArray[np.intp],
    wrong: NDArray[np.bool_],
    result: JudgedLabels,
    told: NDArray[np.float64],
) -> dict[str, float]:
    """Return the average precision of each method, and the estimates."""
    plain = predict_plainly(images.features, labels, images.groups)
    ours = result.opinions[0]
    scores = {
        "audit": result.chances,
        "detector_loss": loss(told, labels),
        "adjusted_detector_loss": loss(result.opinions[-1], labels),
        "our_fold_loss": loss(ours, labels),
        "fold_loss": loss(plain, labels),
        **cleanlab_scores(labels, plain, ours),
    }
    values = {method: float(average_precision_score(wrong, score)) for method, score in scores.items()}
    return values | {
        "estimate": result.estimate()["value"] / len(labels),
        "cleanlab_estimate": cleanlab_estimate(labels, plain),
        "cleanlab_given_ours_estimate": cleanlab_estimate(labels, ours),
    }


def judge_real_errors(model: Predictor, data: Path, cache: Path | None) -> None:
    """Print how well real errors of the nine-class set are found: one diagnosis filed under another throughout.

    Of 155 images it has a copy under the right label and one under a wrong one, as the truth of ISIC 2019 says. Here the right
    copies of one of the two kinds are left out.
    """
    images = read(model, data, "isic9_with_conflicts", cache)
    labels_of: dict[str, set[str]] = {}
    for group, label in zip(images.groups.tolist(), images.labels.tolist(), strict=True):
        labels_of.setdefault(group, set()).add(label)
    both = [labels_of[group] for group in images.groups.tolist()]
    single = np.array([len(own) == 1 for own in both])
    for right, wrong in (("actinic keratosis", "nevus"), ("melanoma", "seborrheic keratosis")):
        errors = (images.labels == wrong) & np.array([own == {right, wrong} for own in both])
        large = [
            label for label in np.unique(images.labels) if (images.labels[single | errors] == label).sum() >= FEWEST
        ]
        chosen = (single | errors) & np.isin(images.labels, large)
        taken, errors = images.take(chosen), errors[chosen]
        names, labels = np.unique(taken.labels, return_inverse=True)
        outputs = ImageOutputs(taken.features, taken.answers, ())
        result = judge_labels(outputs, taken.labels.tolist(), taken.groups.tolist(), model.classes)
        name = f"isic9_{right}_as_{wrong}".replace(" ", "_")
        print(f"{name}_errors {errors.sum()}/{len(errors)},_seen_{taken.seen[errors].sum()} stated")
        estimate = result.estimate()
        print(f"{name}_interval_that_holds {estimate['low']},{estimate['high']} {errors.sum()}")
        figures = compare(taken, labels, errors, result, told_of(taken, names, model.classes))
        print(f"{name}_audit_ap {figures.pop('audit'):.3f} {figures['detector_loss']:.3f}")
        for method, value in figures.items():
            if np.isfinite(value):
                print(f"{name}_{method}{'' if method.endswith('estimate') else '_ap'} {value:.3f} stated")
        print(
            f"{name}_doubtful_that_are_wrong {errors[result.doubtful].sum()}/{result.doubtful.sum()} stated", flush=True
        )


def plant(truth: NDArray[np.intp], rate: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Exchange a share of the labels, and say which."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(truth))[: round(rate * len(truth))]
    labels, wrong = truth.copy(), np.zeros(len(truth), np.bool_)
    count = int(truth.max()) + 1
    labels[chosen] = (labels[chosen] + rng.integers(1, count, len(chosen))) % count
    wrong[chosen] = True
    return labels, wrong


def predict_plainly(
    features: NDArray[np.float32], labels: NDArray[np.intp], groups: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Return out-of-fold probabilities of a logistic regression with scikit-learn's defaults."""
    centred = centre(features)
    scaled = centred / (centred.std(axis=0) + 1e-9)
    probabilities = np.full((len(labels), int(labels.max()) + 1), 1e-6)
    for fold in make_folds(labels.astype(str), groups, FOLDS, seed=1):
        rest = np.delete(np.arange(len(labels)), fold)
        fitted = LogisticRegression().fit(scaled[rest], labels[rest])
        probabilities[np.ix_(fold, fitted.classes_)] = fitted.predict_proba(scaled[fold])
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def loss(probabilities: NDArray[np.float64], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the negative logarithm of the probability of each label."""
    return -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12))


def cleanlab_scores(
    labels: NDArray[np.intp], probabilities: NDArray[np.float64], ours: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return how doubtful cleanlab finds each label; nothing where it is not installed."""
    if importlib.util.find_spec("cleanlab") is None:
        return {}
    from cleanlab.rank import get_label_quality_scores  # noqa: PLC0415 - for comparison, if it is there

    plain = get_label_quality_scores(labels, probabilities)
    adjusted = get_label_quality_scores(labels, probabilities, method="normalized_margin", adjust_pred_probs=True)
    given_ours = get_label_quality_scores(labels, ours, method="normalized_margin")
    return {"cleanlab": -plain, "cleanlab_adjusted": -adjusted, "cleanlab_given_ours": -given_ours}


def cleanlab_estimate(labels: NDArray[np.intp], probabilities: NDArray[np.float64]) -> float:
    """Return the share of labels that cleanlab takes for wrong."""
    if importlib.util.find_spec("cleanlab") is None:
        return float("nan")
    from cleanlab.count import num_label_issues  # noqa: PLC0415 - for comparison, if it is there

    return num_label_issues(labels, probabilities) / len(labels)


def run_everyday(model: Predictor, folders: Sequence[Path]) -> NDArray[np.float32]:
    """Return the features of everyday images; of the first folder all, of further ones the half that was not learnt from.

    The default detector has learnt from the other half by the hash of its names, as `scripts/default_detector/everyday.py` has
    it.
    """
    files = [
        file
        for number, folder in enumerate(folders)
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in SUFFIXES
        and (not number or int(hashlib.sha256(file.name.encode()).hexdigest(), 16) % 2)
    ]
    return run_on_images(model, files).features


def plant_strangers(name: str, images: Images, strangers: NDArray[np.float32], model: Predictor) -> None:
    """Plant everyday images, and print how well they are found."""
    space, count = model.files.feature_space, max(1, round(STRANGERS * len(images.labels)))
    found: dict[str, list[float]] = {"audit": [], "detector_distance": [], "own_distance": []}
    over = []
    for trial in range(TRIALS):
        chosen = np.random.default_rng(trial).permutation(len(strangers))[:count]
        features = np.concatenate([images.features, strangers[chosen]])
        planted = np.arange(len(features)) >= len(images.features)
        distance, own = space.distance(features), FeatureSpace.fit(features).distance(features)
        for method, score in (("audit", distance * own), ("detector_distance", distance), ("own_distance", own)):
            found[method].append(float(average_precision_score(planted, score)))
        threshold = stranger_threshold(model)
        over.append((int(planted[distance > threshold].sum()), int((distance > threshold).sum())))
    means = {method: float(np.mean(values)) for method, values in found.items()}
    print(f"{name}_strangers_audit_ap {means['audit']:.3f} {means['own_distance']:.3f}")
    print(f"{name}_strangers_detector_distance_ap {means['detector_distance']:.3f} stated")
    hits, all_over = np.sum(over, axis=0)
    print(f"{name}_strangers_over_the_threshold {hits}/{count * TRIALS} stated")
    print(f"{name}_strangers_false_alarms {all_over - hits}/{len(images.labels) * TRIALS} stated", flush=True)


if __name__ == "__main__":
    main()
