"""Compare calibrations by leaving one source out: fitted on all other sources, measured on the one left out.

    python scripts/default_detector/compare_calibrations.py FOLDER [--sensitivity 0.95] [--type dermoscopy]

FOLDER holds the outputs of networks for images that they were not trained on: one .npz file for each network and number of
views, with the arrays `logits` (n, classes), `targets` (n, classes: what each label covers), `groups`, `sources`, `types`
("dermoscopy" or "clinical") and `part` (n,), `classes`, and `distances` (n,) where there is a feature space. Rows of the part
"validation" are used.

The network has learnt from other images of every source. So this is a change of hospital for the calibration alone; that for
the network too is measured by training without a source. A source with two kinds of image counts as two.

- `pooled` sets the threshold, and the distance from which the detector abstains, on all images together; `each` sets them to
  hold on each source, and is what ships.
- `even` fits a temperature alone; `melanoma` also restores the frequency of melanoma, and is what ships.
- `images`, `square root` and `sources`: a source's weight in that fit grows with its size, with the root of it, or not at all.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np

from melanoma_detect.training.calibrate import CalibrationInputs, Labelled
from melanoma_detect.training.leave_one_source_out import CalibrationOptions, SourceFigures, leave_one_source_out

COLUMNS = {
    "sensitivity": "sensitivity",
    "melanomas cleared": "false_negative_rate",
    "specificity": "specificity",
    "others cleared": "clearance_rate",
    "not abstained from": "coverage",
    "ECE": "ece",
    "AUC": "melanoma_auc",
}
BIASES = {"even": False, "melanoma": True}
RULES = {"pooled": False, "each": True}
WEIGHTS = {"images": 1.0, "square root": 0.5, "sources": 0.0}
SHIPPED = ("each", "melanoma", "images")


def main() -> None:
    """Print a table of all calibrations, and one of all sources for the pooled rule and for the one that ships."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sensitivity", type=float, default=0.95)
    parser.add_argument("--type", choices=("dermoscopy", "clinical"), help="default: both kinds of image together")
    arguments = parser.parse_args()
    files = sorted(arguments.folder.glob("*.npz"))
    if not files:
        raise SystemExit(f"{arguments.folder}: no .npz file; expected the outputs of at least one network")
    for file in files:
        inputs, labelled = load_outputs(file, arguments.type)
        results = compare(inputs, labelled, arguments.sensitivity)
        print(f"\n# {file.stem}, {arguments.type or 'all images'}\n\n{summary(results)}")
        for shown in (("pooled", *SHIPPED[1:]), SHIPPED):
            print(f"\n{', '.join(shown)}\n\n{table(results[shown])}")


def load_outputs(file: Path, image_type: str | None) -> tuple[CalibrationInputs, Labelled]:
    """Load a network's outputs for the validation images, and what is known of them."""
    with np.load(file) as arrays:
        chosen = arrays["part"] == "validation"
        if image_type:
            chosen &= arrays["types"] == image_type
        sources, types = arrays["sources"][chosen], arrays["types"][chosen]
        several = {name for name in np.unique(sources).tolist() if len(set(types[sources == name].tolist())) > 1}
        names = [f"{name} {kind}" if name in several else name for name, kind in zip(sources, types, strict=True)]
        distances = arrays["distances"][chosen] if "distances" in arrays else np.empty(0)
        labelled = Labelled(
            arrays["targets"][chosen],
            arrays["groups"][chosen].astype(str).tolist(),
            tuple(arrays["classes"].tolist()),
            [str(name) for name in names],
        )
        return CalibrationInputs(arrays["logits"][chosen], distances), labelled


def compare(
    inputs: CalibrationInputs, labelled: Labelled, sensitivity: float
) -> dict[tuple[str, str, str], tuple[SourceFigures, ...]]:
    """Leave each source out with every calibration."""
    results = {}
    for rule, bias, weight in product(RULES, BIASES, WEIGHTS):
        options = CalibrationOptions(
            sensitivity, bias=BIASES[bias], on_every_source=RULES[rule], weight_power=WEIGHTS[weight]
        )
        results[rule, bias, weight] = leave_one_source_out(inputs, labelled, options)
    return results


def summary(results: dict[tuple[str, str, str], tuple[SourceFigures, ...]]) -> str:
    """Return the mean over sources and the worst source of each calibration, as Markdown."""
    lines = [
        "| calibration | sensitivity: mean, worst | melanomas cleared: mean, worst | specificity, mean | ECE: mean, worst |",
        "|---|---|---|---|---|",
    ]
    for names, rows in results.items():
        sensitivity, cleared, specificity, ece = (
            judged(rows, name) for name in ("sensitivity", "false_negative_rate", "specificity", "ece")
        )
        lines.append(
            f"| {', '.join(names)} | {mean(sensitivity)}, {min(sensitivity, default=np.nan):.3f} | {mean(cleared)}, "
            f"{max(cleared, default=np.nan):.3f} | {mean(specificity)} | {mean(ece)}, {max(ece, default=np.nan):.3f} |"
        )
    return "\n".join(lines)


def judged(rows: tuple[SourceFigures, ...], name: str, fewest: int = 19) -> list[float]:
    """Return a figure on each source with enough lesions: fewer than 19 melanomas say little about 95 % sensitivity."""
    figures = (row.figures[name] for row in rows)
    return [figure.value for figure in figures if figure.lesions >= fewest and np.isfinite(figure.value)]


def mean(values: list[float]) -> str:
    """Return the mean of some values with three digits; nan for none."""
    return f"{np.mean(values):.3f}" if values else "nan"


def table(rows: tuple[SourceFigures, ...]) -> str:
    """Return every figure of each source that was left out, with its interval, as Markdown."""
    lines = [
        f"| source left out | images | melanomas | threshold | {' | '.join(COLUMNS)} |",
        f"|{'---|' * (4 + len(COLUMNS))}",
    ]
    for row in rows:
        figures = [row.figures[name] for name in COLUMNS.values()]
        threshold = f"{row.operating_point.threshold:.4f}" if row.operating_point else "–"
        melanomas = row.figures["sensitivity"].lesions
        lines.append(f"| {row.source} | {row.images} | {melanomas} | {threshold} | {' | '.join(map(str, figures))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
