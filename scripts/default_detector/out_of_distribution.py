"""Compare out-of-distribution scores: how many everyday images they decline, and how evenly they accept skin of all sources.

    python scripts/default_detector/out_of_distribution.py FEATURES [--held]

FEATURES is a file of NumPy (`.npz`) with a network's outputs: `features` (n, d), `sources` (n,) and `part` (n,; "train" or
"validation") of skin images, `everyday` (m, d) with `everyday_names` (m,), and `drawn` (k, d), the features of drawn outliers
(`draw_outliers`). Scores are fitted on the skin of "train", and thresholds on that of "validation".

Everyday images of the learnt part are examples and judged by turns, half and half. With `--held`, those of the held part are
judged; that is for the last figures only, and for no choice.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from everyday import is_held
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from melanoma_detect.inference.out_of_distribution import FeatureSpace, OutlierDirection
from melanoma_detect.training.calibrate import fit_ood_threshold

Score = Callable[[NDArray[np.float32]], NDArray[np.float64]]
_NEIGHBOUR = 5  # whose distance is the score of nearest neighbours


def main() -> None:
    """Print one row for each score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features", type=Path)
    parser.add_argument("--held", action="store_true", help="judge the everyday images that no choice has seen")
    arguments = parser.parse_args()
    with np.load(arguments.features, allow_pickle=False) as file:
        images = Images.of(dict(file))
    print(header(images))
    for name, fit in SCORES.items():
        print(row(name, fit, images, held=arguments.held), flush=True)


@dataclass(frozen=True)
class Images:
    """The features of skin images for fitting and for thresholds, and those of what is no skin.

    Attributes:
        train: `(n, d)`.
        train_sources: `(n,)`.
        validation: `(m, d)`.
        validation_sources: `(m,)`.
        learnt: Everyday images that may be learnt from.
        held: Everyday images that no choice has seen.
        drawn: Drawn outliers.
    """

    train: NDArray[np.float32]
    train_sources: NDArray[np.str_]
    validation: NDArray[np.float32]
    validation_sources: NDArray[np.str_]
    learnt: NDArray[np.float32]
    held: NDArray[np.float32]
    drawn: NDArray[np.float32]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray]) -> "Images":
        """Take the arrays of a file apart."""
        train, validation = (arrays["part"] == part for part in ("train", "validation"))
        held = np.array([is_held(name) for name in arrays["everyday_names"].tolist()], bool)
        return cls(
            *(values[rows] for rows in (train, validation) for values in (arrays["features"], arrays["sources"])),
            arrays["everyday"][~held],
            arrays["everyday"][held],
            arrays["drawn"],
        )

    def without(self, source: str) -> "Images":
        """Return the images without the skin of a source."""
        train, validation = self.train_sources != source, self.validation_sources != source
        return Images(
            self.train[train],
            self.train_sources[train],
            self.validation[validation],
            self.validation_sources[validation],
            self.learnt,
            self.held,
            self.drawn,
        )

    def skin(self, source: str) -> NDArray[np.float32]:
        """Return all skin images of a source."""
        return np.concatenate(
            [self.train[self.train_sources == source], self.validation[self.validation_sources == source]]
        )

    @property
    def sources(self) -> list[str]:
        """Return the names of the sources."""
        return np.unique(self.validation_sources).tolist()


Fit = Callable[[Images, NDArray[np.float32]], Score]


def distance(images: Images, _everyday: NDArray[np.float32]) -> Score:
    """Fit the distance alone, which learns from skin only."""
    return FeatureSpace.fit(images.train).distance


def neighbours(images: Images, _everyday: NDArray[np.float32]) -> Score:
    """Take the cosine distance from the fifth nearest training image (Sun et al. 2022, arXiv:2204.06507)."""
    known = unit(images.train)
    return lambda features: 1 - np.sort(unit(features) @ known.T, axis=1)[:, -_NEIGHBOUR].astype(np.float64)


def logistic(images: Images, everyday: NDArray[np.float32]) -> Score:
    """Fit a logistic regression of everyday images against skin."""
    features = unit(np.concatenate([images.train, everyday]))
    scale = features.std()
    labels = np.arange(len(features)) >= len(images.train)
    model = LogisticRegression(C=0.01, class_weight="balanced", max_iter=300).fit(features / scale, labels)
    return lambda unseen: model.decision_function(unit(unseen) / scale)


def direction(images: Images, everyday: NDArray[np.float32]) -> Score:
    """Fit the direction alone, from everyday images."""
    return OutlierDirection.fit(images.train, everyday).position


def with_drawn(images: Images, _everyday: NDArray[np.float32]) -> Score:
    """Fit the distance and the direction from drawn outliers, as `Detector.fit` does."""
    return FeatureSpace.fit(images.train, images.drawn).distance


def with_both(images: Images, everyday: NDArray[np.float32]) -> Score:
    """Fit the distance and the direction from everyday images and drawn outliers, as the default detector does."""
    return FeatureSpace.fit(images.train, np.concatenate([images.drawn, everyday])).distance


SCORES: dict[str, Fit] = {
    "distance": distance,
    "nearest neighbours": neighbours,
    "logistic, everyday": logistic,
    "direction, everyday": direction,
    "distance + direction, drawn": with_drawn,
    "distance + direction, drawn and everyday": with_both,
}


def header(images: Images) -> str:
    """Return the table's head."""
    sources = " | ".join(images.sources)
    return (
        "| score | everyday declined at 5 % of skin | at the threshold of every source | "
        f"abstained of {sources} | left out: {sources} |\n" + "|---" * (3 + 2 * len(images.sources)) + "|"
    )


def row(name: str, fit: Fit, images: Images, *, held: bool) -> str:
    """Return a score's row: shares in percent."""
    halves = np.arange(len(images.learnt)) % 2
    judged = [images.held] if held else [images.learnt[halves == half] for half in (0, 1)]
    examples = [images.learnt] if held else [images.learnt[halves != half] for half in (0, 1)]
    declined: list[NDArray[np.bool_]] = []
    evenly: list[NDArray[np.bool_]] = []
    for known, unseen in zip(examples, judged, strict=True):
        score = fit(images, known)
        distances, skin = score(unseen), score(images.validation)
        declined.append(distances > np.quantile(skin, 0.95))
        evenly.append(distances > fit_ood_threshold(skin, len(skin), images.validation_sources.tolist()))
    threshold = np.quantile(skin, 0.95)
    by_source = [(skin[images.validation_sources == source] > threshold).mean() for source in images.sources]
    shares = [np.concatenate(declined).mean(), np.concatenate(evenly).mean(), *by_source]
    shares += [abstained_left_out(fit, images, source) for source in images.sources]
    return f"| {name} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |"


def abstained_left_out(fit: Fit, images: Images, source: str) -> float:
    """Return the share of a source's skin that is abstained from where neither score nor threshold has seen the source."""
    others = images.without(source)
    score = fit(others, others.learnt)
    skin = score(others.validation)
    threshold = fit_ood_threshold(skin, len(skin), others.validation_sources.tolist())
    return float((score(images.skin(source)) > threshold).mean())


def unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale features to length 1."""
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)


if __name__ == "__main__":
    main()
