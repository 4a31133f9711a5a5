"""Train the network that ships, on the whole pool, by knowledge distillation from the networks of the folds.

    python scripts/default_detector/distill.py FOLDER --start 0

FOLDER holds the folds that train.py trained. Each augmented batch is passed to two of the first four networks, chosen at
random (Beyer et al. 2022, "A good teacher is patient and consistent"; the fifth fold can be trained at the same time). Their
mean probabilities make up most of the loss, and the labels the rest. The network starts from the weights of one fold. It is
trained on all images of the pool, with the sources balanced within a class by a factor of at most four, which
benchmarks/sources.py found to help across sources. A run that was killed resumes at its last epoch.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from network import Network
from torch.nn import functional
from train import Plan, Training, load_pack, save_for_keras

PLAN = Plan(sizes=(192,) * 8, rate=3e-4)
MAX_FACTOR = 4.0  # by which a rare source of a class is shown more often
FOLDS, TEACHERS = 4, 2  # the networks that teach, and how many of them for each batch
TEACHER_SHARE = 0.7  # of the loss


def main() -> None:
    """Train, or resume."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", type=int, default=0, help="the fold whose weights are the initial ones")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    pack = load_pack(arguments.folder)
    teachers = [load_teacher(file, len(pack.classes)) for file in fold_files(arguments.folder)]
    rows = np.flatnonzero((pack.table.part == "pool").to_numpy())
    training = Distillation(pack, rows, arguments.folder / "distilled.pt", seed=7, plan=PLAN)
    training.teachers = teachers
    training.balance_sources()
    if not training.resume():
        training.start(load_teacher(arguments.folder / f"fold-{arguments.start}.pt", len(pack.classes)))
    training.run()
    save_for_keras(training.average, arguments.folder / "distilled.npz", training)


def fold_files(folder: Path) -> list[Path]:
    """Return the weight files of the folds."""
    return [folder / f"fold-{number}.pt" for number in range(FOLDS)]


def load_teacher(file: Path, classes: int) -> Network:
    """Load the averaged weights of a fold whose training is complete."""
    network = Network(classes)
    network.load_state_dict(torch.load(file, weights_only=True)["average"])
    return network.to(memory_format=torch.channels_last).eval()


class Distillation(Training):
    """A training with a loss that also compares with teacher networks."""

    teachers: list[Network]

    def start(self, network: Network) -> None:
        """Start from a trained network's weights."""
        for model in (self.network, self.average):
            model.load_state_dict(network.state_dict())
        self.network.to(memory_format=torch.channels_last)

    def balance_sources(self) -> None:
        """Weight the images so that the sources of a label are equally frequent, and the label as frequent as before."""
        table = self.pack.table.iloc[self.rows]
        label_size = table.groupby("label").label.transform("size")
        source_size = table.groupby(["label", "source"]).label.transform("size")
        factor = np.minimum((label_size / source_size).to_numpy(), MAX_FACTOR)
        weights = pd.Series(self.weights * factor)
        labels = table.label.to_numpy()
        share = pd.Series(self.weights).groupby(labels).transform("sum") / weights.groupby(labels).transform("sum")
        self.weights = (weights * share).to_numpy()

    def loss(self, logits: torch.Tensor, pixels: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        """Return the loss of a batch against the teachers, whose probabilities are adjusted already, and the labels."""
        indices = torch.randperm(len(self.teachers))[:TEACHERS].tolist()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = torch.stack([self.teachers[index](pixels).float().softmax(dim=1) for index in indices])
            probabilities = outputs.mean(dim=0)
        teacher_loss = functional.cross_entropy(logits, probabilities)
        return TEACHER_SHARE * teacher_loss + (1 - TEACHER_SHARE) * self.label_loss(logits, rows)


if __name__ == "__main__":
    main()
