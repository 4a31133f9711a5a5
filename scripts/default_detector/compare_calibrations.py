"""Compare calibration methods out of fold: fitted on the outputs of four folds, measured on the fifth.

    python scripts/default_detector/compare_calibrations.py FOLDER ISIC9 HAM10000

FOLDER is where assemble.py cached the folds' outputs. `even` only divides by a temperature, and all diagnoses stay equally
frequent. `population` restores the frequency of every diagnosis (bias-corrected temperature scaling). `melanoma` restores that
of melanoma alone, and is what ships.
"""

import argparse
from pathlib import Path

import numpy as np
from assemble import SIDE, CachedRuntime, cache_path, load_model
from evaluate import load_pack, merge_akiec

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.training.calibrate import collect_calibration_inputs, fit_bias, fit_temperature

METRICS = ("accuracy", "balanced_accuracy", "melanoma_auc", "specificity_at_95", "ece")


def main() -> None:
    """Print the metrics of every method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sources", type=Path, nargs=2, metavar="SOURCE")
    arguments = parser.parse_args()
    pack = load_pack(arguments.folder, arguments.sources)
    files = sorted(arguments.folder.glob("fold-?.npz"))
    rows = [np.flatnonzero((pack.part == "pool") & (pack.fold == fold)) for fold in range(len(files))]
    outputs = []
    for file, left_out in zip(files, rows, strict=True):
        runtime = CachedRuntime(load_model(file, pack.classes), cache_path(file))
        outputs.append(collect_calibration_inputs(runtime, pack.pixels(left_out, SIDE), None))
    order = np.concatenate(rows)
    merged = merge_akiec(pack.classes)
    truth = (merged.probabilities(pack.targets[order].astype(float)) > 0).argmax(axis=1)
    for views in (1, 4, 8):
        logits = [inputs[views].logits for inputs in outputs]
        for method in ("even", "population", "melanoma"):
            probabilities = []
            for fold, fold_logits in enumerate(logits):
                others = [other for other in range(len(files)) if other != fold]
                fit_logits = np.concatenate([logits[other] for other in others])
                fit_targets = np.concatenate([pack.targets[rows[other]] for other in others])
                probabilities.append(calibrate(method, fit_logits, fit_targets, fold_logits, pack.classes))
            evaluation = measure(
                merged.probabilities(np.concatenate(probabilities)),
                truth,
                pack.groups[order].tolist(),
                merged.classes,
            )
            for name in METRICS:
                print(f"{method}_{views}_{name} {evaluation.figures[name].value:.4f} -")


def calibrate(
    method: str, fit_logits: np.ndarray, fit_targets: np.ndarray, logits: np.ndarray, classes: tuple[str, ...]
) -> np.ndarray:
    """Fit a calibration on some logits and return the calibrated probabilities of others."""
    if method == "even":
        return softmax(logits / fit_temperature(fit_logits, fit_targets))
    temperature, bias = fit_bias(fit_logits, fit_targets)
    if method == "population":
        return softmax(logits / temperature + np.array(bias))
    return Calibration(temperature=temperature, bias=bias).probabilities(logits, classes)


if __name__ == "__main__":
    main()
