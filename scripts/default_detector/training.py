"""Train one fold from ImageNet's weights, and keep what it says about the images that it did not see.

    python scripts/default_detector/training.py FOLDER --weights FILE --fold 0

FOLDER is what packing.py wrote. Images grow from 128 to 192 pixels on the way. Rare classes are drawn by the square root of
their frequency, and what is left of the imbalance is in the loss (logit adjustment, Menon et al. 2021); a label of several
classes trains through the sum of their probabilities. The weights' moving average is what is measured. A run that was killed
goes on from its last epoch.
"""

import argparse
import json
import math
import os
import platform
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from augmenting import augmented, plain
from network import Network, read_imagenet
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional

BATCH, HEAD, WARMUP, SMOOTHING, AVERAGE = 32, 3.0, 200, 0.05, 0.996
SEEN_AT = (192, 224)  # sides in pixels that a fold is measured at
_NEVER = -1e9


class Plan(NamedTuple):
    """How long, at which sides in pixels, and how fast."""

    sizes: tuple[int, ...]
    rate: float


FOLD = Plan(sizes=(128,) * 5 + (160,) * 5 + (192,) * 4, rate=6e-4)


class Pack(NamedTuple):
    """What packing.py wrote."""

    pixels: np.ndarray
    targets: np.ndarray
    table: pd.DataFrame
    classes: list[str]


def main() -> None:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--fold", type=int, required=True)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    pack = read(chosen.folder)
    pool = (pack.table.part == "pool").to_numpy()
    inside = (pack.table.fold == chosen.fold).to_numpy()
    training = Training(pack, np.flatnonzero(pool & ~inside), chosen.folder / f"fold-{chosen.fold}.pt", chosen.fold)
    if not training.resumed():
        training.begin(chosen.weights)
    held = np.flatnonzero(pool & inside)
    training.run()
    for side in SEEN_AT:
        for views in (1, 4):
            logits = answers(training.average, pack.pixels, held, side, views)
            print(json.dumps({"side": side, "views": views} | figures(logits, held, pack)), flush=True)
    keep_for_keras(training.average, chosen.folder / f"fold-{chosen.fold}.npz", training)


def read(folder: Path) -> Pack:
    """Read what packing.py wrote."""
    pixels = np.load(folder / "pixels.npy", mmap_mode="r")
    table = pd.read_csv(folder / "table.csv", keep_default_na=False)
    return Pack(pixels, np.load(folder / "targets.npy"), table, (folder / "classes.txt").read_text().split("\n"))


class Training:
    """A network, its average, and how far it has come."""

    def __init__(self, pack: Pack, rows: np.ndarray, place: Path, seed: int, plan: Plan = FOLD) -> None:
        self.pack, self.rows, self.place, self.seed, self.plan, self.epoch = pack, rows, place, seed, plan, 0
        self.network, self.average = (Network(len(pack.classes)) for _ in range(2))
        self.steps = len(rows) // BATCH
        covered = pack.targets[rows]
        shares = covered / covered.sum(axis=1, keepdims=True)
        frequency = shares.mean(axis=0)
        wanted = np.sqrt(frequency) / np.sqrt(frequency).sum()
        self.weights = (shares * (wanted / frequency)).sum(axis=1)
        self.weights /= self.weights.sum()
        prior = (shares * self.weights[:, None]).sum(axis=0)
        self.adjustment = torch.tensor(np.log(prior), dtype=torch.float32)
        self.optimizer = self._optimizer()

    def begin(self, weights: Path) -> None:
        """Start from ImageNet's weights."""
        torch.manual_seed(self.seed + 1)
        self.network.load_imagenet(read_imagenet(weights))
        self.network.to(memory_format=torch.channels_last)
        self.average.load_state_dict(self.network.state_dict())

    def resumed(self) -> bool:
        """Go on from the last epoch, if there is one."""
        if not self.place.exists():
            return False
        kept = torch.load(self.place, weights_only=True)
        self.network.load_state_dict(kept["network"])
        self.average.load_state_dict(kept["average"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.network.to(memory_format=torch.channels_last)
        self.epoch = kept["epoch"]
        return True

    def run(self) -> None:
        """Train to the end of the plan, one line an epoch."""
        while self.epoch < len(self.plan.sizes):
            print(json.dumps(self.step()), flush=True)

    def loss(self, logits: torch.Tensor, pixels: torch.Tensor, rows: np.ndarray) -> torch.Tensor:  # noqa: ARG002
        """Return what a batch's answers cost, from its images as they were shown and their rows in the pack."""
        return self.labelled(logits, rows)

    def labelled(self, logits: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        """Return the logit-adjusted cross-entropy with smoothed labels, a label of several classes by their sum."""
        sure = functional.log_softmax(logits + self.adjustment, dim=1)
        outside = torch.tensor(~self.pack.targets[rows])
        right = torch.logsumexp(sure.masked_fill(outside, _NEVER), dim=1)
        return -(1 - SMOOTHING) * right.mean() - SMOOTHING * sure.mean()

    def step(self) -> dict[str, float]:
        """Train for one epoch and keep where it stands; return what to print."""
        begun, side, losses = time.perf_counter(), self.plan.sizes[self.epoch], []
        torch.manual_seed(1000 * self.epoch + self.seed)
        rng = np.random.default_rng([self.seed, self.epoch])
        self.network.train()
        for at, rows in enumerate(self._order(rng)):
            self._set_rate(self.epoch * self.steps + at)
            losses.append(self._learn(np.sort(rows), side))
            self._average(self.epoch * self.steps + at)
        self.epoch += 1
        self._keep()
        return {
            "epoch": self.epoch,
            "side": side,
            "loss": round(float(np.mean(losses)), 4),
            "seconds": round(time.perf_counter() - begun),
        }

    def _optimizer(self) -> torch.optim.Optimizer:
        named = list(self.network.body.named_parameters())
        groups = [
            {"params": [value for _, value in named if value.ndim > 1], "weight_decay": 0.05, "factor": 1.0},
            {"params": [value for _, value in named if value.ndim == 1], "weight_decay": 0.0, "factor": 1.0},
            {"params": list(self.network.head.parameters()), "weight_decay": 0.01, "factor": HEAD},
        ]
        return torch.optim.AdamW(groups, lr=self.plan.rate)

    def _order(self, rng: np.random.Generator) -> np.ndarray:
        """Draw an epoch by systematic sampling: fewer repeats than drawing with replacement."""
        count = self.steps * BATCH
        steps = (np.arange(count) + rng.random()) / count
        drawn = self.rows[np.searchsorted(np.cumsum(self.weights), np.minimum(steps, 1 - 1e-9))]
        return rng.permutation(drawn).reshape(self.steps, BATCH)

    def _set_rate(self, step: int) -> None:
        falling = 0.5 * (1 + math.cos(math.pi * step / (self.steps * len(self.plan.sizes)))) * 0.98 + 0.02
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate * group["factor"] * falling * min(1, (step + 1) / WARMUP)

    def _learn(self, rows: np.ndarray, side: int) -> float:
        pixels = augmented(torch.tensor(np.asarray(self.pack.pixels[rows])), side)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.network(pixels)
        loss = self.loss(logits.float(), pixels, rows)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def _average(self, step: int) -> None:
        momentum = min(AVERAGE, (1 + step) / (10 + step))
        for kept, now in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.mul_(momentum).add_(now, alpha=1 - momentum)
            else:
                kept.copy_(now)

    def _keep(self) -> None:
        parts = {"network": self.network, "average": self.average, "optimizer": self.optimizer}
        partial = self.place.with_suffix(".partial")
        torch.save({name: part.state_dict() for name, part in parts.items()} | {"epoch": self.epoch}, partial)
        partial.replace(self.place)


def keep_for_keras(network: Network, place: Path, training: Training) -> None:
    """Write weights under Keras's names, and beside them where they were made."""
    np.savez(place, **network.to_keras())
    made = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "processor": platform.processor() or platform.machine(),
        "seed": training.seed,
        "epochs": len(training.plan.sizes),
        "sides": list(training.plan.sizes),
        "rate": training.plan.rate,
        "batch": BATCH,
        "images": len(training.rows),
    }
    place.with_suffix(".json").write_text(json.dumps(made, indent=1), encoding="utf-8")


@torch.no_grad()
def answers(network: Network, pixels: np.ndarray, rows: np.ndarray, side: int, views: int) -> np.ndarray:
    """Return the mean logits over one or four mirrored views."""
    network.eval()
    flips: tuple[tuple[int, ...], ...] = ((), (3,), (2,), (2, 3))
    found = []
    for at in range(0, len(rows), 64):
        batch = plain(torch.tensor(np.asarray(pixels[rows[at : at + 64]])), side)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found.append(sum(network(batch.flip(axes)).float() for axes in flips[:views]) / views)
    return torch.cat(found).numpy()


def figures(logits: np.ndarray, rows: np.ndarray, pack: Pack) -> dict[str, float]:
    """Return balanced accuracy over HAM10000's seven classes, melanoma AUC, and specificity at 95 % sensitivity."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    sure = _seven(shifted / shifted.sum(axis=1, keepdims=True), pack.classes)
    truth = _seven(pack.targets[rows].astype(float), pack.classes) > 0
    right = truth[np.arange(len(rows)), sure.argmax(axis=1)]
    labels = truth.argmax(axis=1)
    melanoma = pack.classes.index("melanoma")
    positive, scores = pack.targets[rows, melanoma], shifted[:, melanoma] / shifted.sum(axis=1)
    threshold = np.sort(scores[positive])[int(positive.sum() * 0.05)]
    return {
        "balanced_accuracy": round(float(np.mean([right[labels == one].mean() for one in np.unique(labels)])), 4),
        "melanoma_auc": round(float(roc_auc_score(positive, scores)), 4),
        "specificity_at_95": round(float((scores[~positive] < threshold).mean()), 4),
    }


def _seven(values: np.ndarray, classes: list[str]) -> np.ndarray:
    """Join actinic keratosis and squamous cell carcinoma, which HAM10000 does not tell apart."""
    joined = values.copy()
    joined[:, classes.index("actinic keratosis")] += joined[:, classes.index("squamous cell carcinoma")]
    return np.delete(joined, classes.index("squamous cell carcinoma"), axis=1)


if __name__ == "__main__":
    main()
