"""Make the default detector again, from the images to the file that ships.

    python scripts/train_default.py ISIC9 HAM10000 --weights mobilenet_v1_1.0_to_conv_pw_12.weights.h5 --work FOLDER

Every step leaves its result in the working folder, and what is there is not done again: called once more, a run that was
killed goes on from its last epoch. Five folds of about half an hour and a distillation of about one, on one core each; with two
cores, two folds are trained at a time. Training needs PyTorch (extra `torch`), here or in another environment
(`--torch-python`).
Seeds are in the steps; what they ran on is recorded beside the weights and in the detector's card. On another processor the
rounding of bfloat16 leads elsewhere: expect the same figures within their intervals, not the same bytes.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

STEPS = Path(__file__).parent / "default_detector"
SHIPPED = Path(__file__).parents[1] / "src" / "melanoma_detect" / "shipped" / "default.detector"
FOLDS = 5


def main() -> None:
    """Pack, train five folds, distil, put together, measure on what was held out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs=2, metavar="SOURCE", help="the nine-class set, then HAM10000")
    parser.add_argument("--weights", type=Path, required=True, help="ImageNet's, for MobileNet V1 up to conv_pw_12")
    parser.add_argument("--work", type=Path, required=True, help="where every step leaves its result")
    parser.add_argument(
        "--torch-python", default=sys.executable, help="a Python that has PyTorch, Keras and scikit-learn"
    )
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--at-once", type=int, default=os.cpu_count(), help="folds that are trained at a time")
    chosen = parser.parse_args()
    work, sources = chosen.work, [str(source) for source in chosen.sources]
    if not (work / "classes.txt").exists():
        step(sys.executable, "packing.py", *sources, "--out", work)

    def fold(number: int) -> None:
        if not (work / f"fold-{number}.npz").exists():
            told = ("--weights", chosen.weights, "--fold", number, "--threads", 1)
            step(chosen.torch_python, "training.py", work, *told)

    def distilled() -> None:
        if not (work / "distilled.npz").exists():
            step(chosen.torch_python, "distilling.py", work, "--threads", 1)

    with ThreadPoolExecutor(chosen.at_once) as pool:
        list(pool.map(fold, range(FOLDS - 1)))
        # The last fold teaches nobody, and is trained beside the network that the others teach.
        for done in [pool.submit(fold, FOLDS - 1), pool.submit(distilled)]:
            done.result()
    if not chosen.out.exists():
        step(sys.executable, "assembling.py", work, *sources, "--out", chosen.out)
        step(sys.executable, "measuring.py", work, *sources, "--detector", chosen.out, "--write")


def step(python: str, name: str, *arguments: object) -> None:
    """Run one of the scripts; PyTorch trains, whatever backend Keras is set to."""
    environment = os.environ | ({"KERAS_BACKEND": "torch"} if name in ("training.py", "distilling.py") else {})
    print(f"== {name} {' '.join(map(str, arguments))}", flush=True)
    done = subprocess.run([python, str(STEPS / name), *map(str, arguments)], env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed; what was done so far is kept: call this again")


if __name__ == "__main__":
    main()
