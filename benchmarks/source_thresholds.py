"""How a threshold should be set that must hold on each source: on all images together, on the worst source, or in between.

    python benchmarks/source_thresholds.py [--runs 1000]

Sources are simulated, since the truth about real ones is not known: their melanomas are few, so that chance decides how many of
them lie over a threshold. Scores are normal. Sources differ in how well melanomas are seen there, by a standard deviation that
is 0 in the first part. `shrunk` is the rule of `ValidationScores.operating_point`, with several strengths of its prior: a
strength of 0 obeys the worst source as counted, and an infinite one takes all images together. Printed are the specificity, the
sensitivity of the worst source in truth, and how often that is under 92 % where 95 % were asked for.
"""

import argparse
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from melanoma_detect.inference import source_sensitivity
from melanoma_detect.inference.operating_points import ValidationScores

LESIONS = (24, 30, 40, 47, 59, 90)  # melanomas of each source, as the default detector's validation shows
OTHERS = 250  # of each source
SEPARATION = 2.0  # standard deviations between melanomas and others: a ROC AUC of 0.92
SPREADS = (0.0, 0.15, 0.3)  # standard deviation of the separation among sources
STRENGTHS = {"worst source as counted": 0.0, "shrunk, 19": 19.0, "shrunk, 40": 40.0, "shrunk, 80": 80.0, "pooled": 1e9}
GOAL, LOW = 0.95, 0.92
_NORMAL = NormalDist()


def main() -> None:
    """Print a row for each spread and rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    print("| sources differ by | rule | specificity | worst source's sensitivity | share of runs with it under 92 % |")
    print("|---|---|---|---|---|")
    for spread in SPREADS:
        found = {name: [] for name in STRENGTHS}
        for run in range(runs):
            for name, figures in simulate(spread, np.random.default_rng([run, round(100 * spread)])):
                found[name].append(figures)
        for name, rows in found.items():
            specificity, worst = np.array(rows).T
            print(
                f"| {spread:g} | {name} | {specificity.mean():.3f} | {worst.mean():.3f} | {(worst < LOW).mean():.3f} |"
            )


def simulate(spread: float, rng: np.random.Generator) -> Iterator[tuple[str, tuple[float, float]]]:
    """Draw the scores of all sources; yield each rule with its true specificity and its true worst sensitivity."""
    separations = rng.normal(SEPARATION, spread, len(LESIONS))
    scores, positive, sources = [], [], []
    for source, (lesions, separation) in enumerate(zip(LESIONS, separations, strict=True)):
        scores += [rng.normal(separation, 1, lesions), rng.normal(0, 1, OTHERS)]
        positive += [True] * lesions + [False] * OTHERS
        sources += [str(source)] * (lesions + OTHERS)
    # As probabilities: a threshold is one. They keep the order.
    probabilities = 1 / (1 + np.exp(-np.concatenate(scores)))
    collected = ValidationScores.of(probabilities, positive, sources=sources)
    for name, strength in STRENGTHS.items():
        source_sensitivity.PRIOR_LESIONS = strength
        threshold = collected.operating_point(GOAL).threshold
        score = float(np.log(threshold / (1 - threshold)))
        worst = min(_NORMAL.cdf(float(separation) - score) for separation in separations)
        yield name, (_NORMAL.cdf(score), worst)


if __name__ == "__main__":
    main()
