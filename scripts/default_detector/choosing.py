"""What each way to calibrate is worth, out of fold: fitted on four folds' answers, measured on the fifth's.

    python scripts/default_detector/choosing.py FOLDER ISIC9 HAM10000

FOLDER is where assembling.py left the folds' answers. `even` only divides by a temperature, and all diagnoses stay equally
common; `population` brings every diagnosis back to how common it is (bias-corrected temperature scaling); `melanoma` does so
for melanoma alone, and is what ships.
"""

import argparse
from pathlib import Path

import numpy as np
from assembling import SIDE, Remembering, answers_of, model_of
from measuring import parts_of, sevens

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.training.calibrate import answered, fit_bias, fit_temperature

TOLD = ("accuracy", "balanced_accuracy", "melanoma_auc", "specificity_at_95", "ece")


def main() -> None:
    """Print every figure of every way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sources", type=Path, nargs=2, metavar="SOURCE")
    chosen = parser.parse_args()
    pack = parts_of(chosen.folder, chosen.sources)
    files = sorted(chosen.folder.glob("fold-?.npz"))
    rows = [np.flatnonzero((pack.part == "pool") & (pack.fold == at)) for at in range(len(files))]
    answers = []
    for file, inside in zip(files, rows, strict=True):
        runtime = Remembering(model_of(file, pack.classes), answers_of(file))
        answers.append(answered(runtime, pack.pixels(inside, SIDE), None))
    order = np.concatenate(rows)
    seven = sevens(pack.classes)
    truth = (seven.probabilities(pack.targets[order].astype(float)) > 0).argmax(axis=1)
    for views in (1, 4, 8):
        logits = [found[views].logits for found in answers]
        for way in ("even", "population", "melanoma"):
            probabilities = []
            for at, own in enumerate(logits):
                others = [one for one in range(len(files)) if one != at]
                said = np.concatenate([logits[one] for one in others])
                targets = np.concatenate([pack.targets[rows[one]] for one in others])
                probabilities.append(calibrated(way, said, targets, own, pack.classes))
            found = measure(
                seven.probabilities(np.concatenate(probabilities)),
                truth,
                pack.groups[order].tolist(),
                seven.classes,
            )
            for name in TOLD:
                print(f"{way}_{views}_{name} {found.figures[name].value:.4f} -")


def calibrated(
    way: str, said: np.ndarray, targets: np.ndarray, own: np.ndarray, classes: tuple[str, ...]
) -> np.ndarray:
    """Fit one way on some answers and apply it to others."""
    if way == "even":
        return softmax(own / fit_temperature(said, targets))
    temperature, bias = fit_bias(said, targets)
    if way == "population":
        return softmax(own / temperature + np.array(bias))
    return Calibration(temperature=temperature, bias=bias).probabilities(own, classes)


if __name__ == "__main__":
    main()
