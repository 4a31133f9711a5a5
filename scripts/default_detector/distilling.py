"""Train the one network that ships: on all the pool, by the labels and by what the folds' networks say.

    python scripts/default_detector/distilling.py FOLDER --start 0

FOLDER holds the folds that training.py trained. Each batch is shown, as it was augmented, to two of the first four, drawn anew
(Beyer et al. 2022, "A good teacher is patient and consistent"; the fifth fold may be trained beside this); their mean
probabilities are most of the loss, the labels the rest. The network starts from one of the folds' and goes on with all
images, within a class as many from each source as a factor of four allows (what benchmarks/sources.py found to help across
sources). A run that was killed goes on from its last epoch.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from network import Network
from torch.nn import functional

from training import Plan, Training, keep_for_keras, read

PLAN = Plan(sizes=(192,) * 8, rate=3e-4)
MOST = 4.0  # times that a rare source of a class is shown more often
FOLDS, TEACHERS, TAUGHT = 4, 2, 0.7  # whose networks teach; how many look at a batch; their share of the loss


def main() -> None:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", type=int, default=0, help="the fold whose weights are the first")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    pack = read(chosen.folder)
    teachers = [taught(file, len(pack.classes)) for file in folds_of(chosen.folder)]
    rows = np.flatnonzero((pack.table.part == "pool").to_numpy())
    training = Distilling(pack, rows, chosen.folder / "distilled.pt", seed=7, plan=PLAN)
    training.teachers = teachers
    training.balance_sources()
    if not training.resumed():
        training.start(taught(chosen.folder / f"fold-{chosen.start}.pt", len(pack.classes)))
    training.run()
    keep_for_keras(training.average, chosen.folder / "distilled.npz", training)


def folds_of(folder: Path) -> list[Path]:
    """Return where the folds' networks lie."""
    return [folder / f"fold-{number}.pt" for number in range(FOLDS)]


def taught(file: Path, classes: int) -> Network:
    """Read the averaged weights of a fold that has come to its end."""
    network = Network(classes)
    network.load_state_dict(torch.load(file, weights_only=True)["average"])
    return network.to(memory_format=torch.channels_last).eval()


class Distilling(Training):
    """A training that also listens to networks that were trained before."""

    teachers: list[Network]

    def start(self, network: Network) -> None:
        """Start from a trained network's weights."""
        for own in (self.network, self.average):
            own.load_state_dict(network.state_dict())
        self.network.to(memory_format=torch.channels_last)

    def balance_sources(self) -> None:
        """Show each source of a label as often as the others, its label as often as before."""
        table = self.pack.table.iloc[self.rows]
        of_label = table.groupby("label").label.transform("size")
        of_both = table.groupby(["label", "source"]).label.transform("size")
        factor = np.minimum((of_label / of_both).to_numpy(), MOST)
        weights = pd.Series(self.weights * factor)
        labels = table.label.to_numpy()
        share = pd.Series(self.weights).groupby(labels).transform("sum") / weights.groupby(labels).transform("sum")
        self.weights = (weights * share).to_numpy()

    def loss(self, logits: torch.Tensor, pixels: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        """Return what a batch's answers cost: against the teachers, whose answers are adjusted already, and the labels."""
        chosen = torch.randperm(len(self.teachers))[:TEACHERS].tolist()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            said = torch.stack([self.teachers[at](pixels).float().softmax(dim=1) for at in chosen]).mean(dim=0)
        taught = functional.cross_entropy(logits, said)
        return TAUGHT * taught + (1 - TAUGHT) * self.labelled(logits, rows)


if __name__ == "__main__":
    main()
