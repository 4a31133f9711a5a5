"""Train the default detector again, from the images to the file that ships.

    python scripts/train_default.py ISIC9 HAM10000 --weights mobilenet_v1_1.0_to_conv_pw_12.weights.h5 --work FOLDER

Every step writes its result into the working folder, and a result that exists is not computed again: started again, a run that
was killed resumes at its last epoch. Five folds take about half an hour each and the distillation about an hour, on one core
each; with two cores, two folds are trained at a time. Training needs PyTorch (extra `torch`), in this environment or in another
(`--torch-python`). The steps hold the seeds; versions and processor are recorded beside the weights and in the detector's file.
On another processor bfloat16 rounds differently: expect the same metrics within their intervals, not the same bytes.
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
    """Pack the images, train five folds, distil, assemble, and evaluate on the held-out lesions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs=2, metavar="SOURCE", help="the nine-class set, then HAM10000")
    parser.add_argument("--weights", type=Path, required=True, help="ImageNet weights of MobileNet V1 up to conv_pw_12")
    parser.add_argument("--work", type=Path, required=True, help="the working folder")
    parser.add_argument(
        "--torch-python", default=sys.executable, help="a Python that has PyTorch, Keras and scikit-learn"
    )
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument(
        "--at-once", type=int, default=os.cpu_count(), help="the number of folds to train at the same time"
    )
    arguments = parser.parse_args()
    work, sources = arguments.work, [str(source) for source in arguments.sources]
    if not (work / "classes.txt").exists():
        step(sys.executable, "pack.py", *sources, "--out", work)

    def train_fold(number: int) -> None:
        if not (work / f"fold-{number}.npz").exists():
            options = ("--weights", arguments.weights, "--fold", number, "--threads", 1)
            step(arguments.torch_python, "train.py", work, *options)

    def distill() -> None:
        if not (work / "distilled.npz").exists():
            step(arguments.torch_python, "distill.py", work, "--threads", 1)

    with ThreadPoolExecutor(arguments.at_once) as pool:
        list(pool.map(train_fold, range(FOLDS - 1)))
        # The last fold is not a teacher, and can be trained at the same time as the distilled network.
        for future in [pool.submit(train_fold, FOLDS - 1), pool.submit(distill)]:
            future.result()
    if not arguments.out.exists():
        step(sys.executable, "assemble.py", work, *sources, "--out", arguments.out)
        step(sys.executable, "evaluate.py", work, *sources, "--detector", arguments.out, "--write")


def step(python: str, name: str, *options: object) -> None:
    """Run one of the scripts; those that use PyTorch also run Keras on it."""
    environment = os.environ | ({"KERAS_BACKEND": "torch"} if name in ("train.py", "distill.py") else {})
    print(f"== {name} {' '.join(map(str, options))}", flush=True)
    completed = subprocess.run([python, str(STEPS / name), *map(str, options)], env=environment, check=False)
    if completed.returncode:
        raise SystemExit(f"{name} failed; run this script again to resume")


if __name__ == "__main__":
    main()
