"""Train the default detector again, from the images to the file that ships.

    python scripts/train_default.py DATA/isic9 DATA/ham10000_224 ... --weights DATA/weights --work FOLDER

On a GPU (CUDA) three EfficientNet-Lite2 teachers of different seeds, image sizes and source balancing are trained, and two
students (EfficientNet-Lite0) learn from them; a whole training takes minutes. Without a GPU one student is trained from the
labels, and a second one goes on from it, which takes some hours on two cores; start it in the background. The first line says
which it is. The students' weights are averaged if the validation part says so. The detector is assembled from the result, and
measured on the held-out part of every source beside the one that ships at present.

Every step writes its result into the working folder, and a result that exists is not computed again: started again, a run
that was stopped goes on at its last checkpoint, 50 steps back at most. Training needs PyTorch (extra `torch`), in this
environment or in another (`--torch-python`). The steps hold the seeds; versions and processor are recorded beside the weights
and in the detector's file. On another processor numbers are rounded differently: expect the same metrics within their
intervals, not the same bytes.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

STEPS = Path(__file__).parent / "default_detector"
SHIPPED = Path(__file__).parents[1] / "src" / "melanoma_detect" / "shipped" / "default.detector"
CHOSEN = "shipped"  # the name of the network that ships, in the working folder


class Recipe(NamedTuple):
    """The trainings that the shipped network is made of.

    Attributes:
        teachers: The options of train.py for each teacher, by its name.
        students: The options of distill.py for each student, by its name.
    """

    teachers: dict[str, tuple[object, ...]]
    students: dict[str, tuple[object, ...]]


GPU = Recipe(
    teachers={
        "teacher-1": ("--seed", 1, "--side", 224),
        "teacher-2": ("--seed", 2, "--side", 260, "--source-power", 0.5),
        "teacher-3": ("--seed", 3, "--side", 300, "--source-power", 0.2),
    },
    students={"student-1": ("--seed", 1), "student-2": ("--seed", 2)},
)
CPU = Recipe(teachers={}, students={"student-1": ("--seed", 1), "student-2": ("--seed", 7, "--start", "student-1")})


def main() -> None:
    """Pack the images, train, choose, assemble, and evaluate on the held-out part."""
    arguments = argument_parser().parse_args()
    work = arguments.work
    if not (work / "pack" / "table.csv").exists():
        step(sys.executable, "pack.py", *arguments.sources, "--out", work / "pack")
    device = arguments.device or find_device(arguments.torch_python)
    recipe = GPU if device == "cuda" else CPU
    print(
        f"trains on the {'GPU' if device == 'cuda' else 'CPU'}: {', '.join((*recipe.teachers, *recipe.students))}",
        flush=True,
    )
    train(recipe, device, arguments)
    if not (work / f"{CHOSEN}.json").exists():
        step(arguments.torch_python, "soup.py", work, CHOSEN, "--runs", *recipe.students)
    assembled, everyday = work / "default.detector", ("--everyday", *arguments.everyday)
    if not assembled.exists():
        (work / "figures.txt").unlink(missing_ok=True)  # those of an earlier file: this one has no metrics yet
        step(sys.executable, "assemble.py", work, "--network", CHOSEN, "--out", assembled, *everyday)
    if not (work / "figures.txt").exists():
        not_skin = ("--not-skin", *arguments.not_skin)
        before = ("--before", arguments.before) if arguments.before else ()
        left_out = ("--leave-out", *arguments.leave_out) if arguments.leave_out else ()
        options = ("--write", *before, *everyday, *not_skin, *left_out)
        step(sys.executable, "evaluate.py", work, "--detector", assembled, *options)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    partial = arguments.out.with_suffix(".partial")
    partial.write_bytes(assembled.read_bytes())
    partial.replace(arguments.out)


def argument_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="+", metavar="SOURCE", help="folders of images with their tables")
    parser.add_argument("--weights", type=Path, required=True, help="the folder of efficientnet_lite*_notop.npz")
    parser.add_argument("--work", type=Path, required=True, help="the working folder")
    parser.add_argument(
        "--torch-python", default=sys.executable, help="a Python that has PyTorch, pandas and scikit-learn"
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), help="default: cuda where there is one")
    parser.add_argument(
        "--everyday",
        type=Path,
        nargs="*",
        default=[],
        metavar="FOLDER",
        help="images that show no skin; half of them are learnt from",
    )
    parser.add_argument(
        "--not-skin", type=Path, nargs="*", default=[], metavar="FOLDER", help="as --everyday, but all unseen"
    )
    parser.add_argument("--before", type=Path, default=SHIPPED, help="the detector to compare with")
    parser.add_argument(
        "--leave-out", nargs="+", default=[], metavar="ID", help="images that the detector to compare with learnt from"
    )
    parser.add_argument("--out", type=Path, default=SHIPPED, help="written when all else is done")
    return parser


def find_device(python: str) -> str:
    """Return "cuda" where PyTorch finds a GPU, else "cpu"."""
    code = "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')"
    try:
        found = subprocess.run([python, "-c", code], check=False, capture_output=True, text=True)
    except OSError as error:
        raise SystemExit(f"--torch-python {python}: cannot be started: {error.strerror}") from error
    if found.returncode:
        reason = found.stderr.strip().rpartition("\n")[2]
        raise SystemExit(
            f"--torch-python {python}: cannot import PyTorch ({reason}); install it there (pip install torch), or name a "
            "Python that has it"
        )
    return found.stdout.strip()


def train(recipe: Recipe, device: str, arguments: argparse.Namespace) -> None:
    """Train the teachers, then the students, those that are not there yet."""
    common = ("--weights", arguments.weights, "--device", device)
    for name, options in recipe.teachers.items():
        if not (arguments.work / f"{name}.json").exists():
            step(arguments.torch_python, "train.py", arguments.work, name, *common, *options)
    for name, options in recipe.students.items():
        if not (arguments.work / f"{name}.json").exists():
            teachers = ("--teachers", *recipe.teachers)
            step(arguments.torch_python, "distill.py", arguments.work, name, *common, *options, *teachers)


def step(python: str, name: str, *options: object) -> None:
    """Run one of the scripts."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    print(f"== {name} {' '.join(map(str, options))}", flush=True)
    completed = subprocess.run([python, str(STEPS / name), *map(str, options)], env=environment, check=False)
    if completed.returncode:
        raise SystemExit(f"{name} failed; run this script again to resume")


if __name__ == "__main__":
    main()
