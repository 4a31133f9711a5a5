"""Train the network of one fold from ImageNet's weights, and measure it on the fold that was left out.

    python scripts/default_detector/train.py FOLDER --weights FILE --fold 0

FOLDER is what pack.py wrote. The images grow from 128 to 192 pixels during training. Classes are sampled in proportion to the
square root of their frequency, and the loss corrects the remaining imbalance (logit adjustment, Menon et al. 2021). A label of
several classes trains through the sum of their probabilities. The moving average of the weights is measured. A run that was
killed resumes at its last epoch.
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
from augmentation import augment, to_input
from network import Network, read_imagenet
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional

BATCH, WARMUP_STEPS, SMOOTHING, AVERAGE_MOMENTUM = 32, 200, 0.05, 0.996
HEAD_RATE = 3.0  # the learning rate of the head, which starts at random, as a multiple of the body's
EVALUATION_SIDES = (192, 224)  # in pixels
_MASKED = -1e9  # exp of it is 0; minus infinity would make the gradient NaN


class Plan(NamedTuple):
    """The side of the images in pixels for each epoch, and the learning rate."""

    sizes: tuple[int, ...]
    rate: float


FOLD = Plan(sizes=(128,) * 5 + (160,) * 5 + (192,) * 4, rate=6e-4)


class Pack(NamedTuple):
    """The arrays that pack.py wrote."""

    pixels: np.ndarray
    targets: np.ndarray
    table: pd.DataFrame
    classes: list[str]


def main() -> None:
    """Train, or resume."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--fold", type=int, required=True)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    pack = load_pack(arguments.folder)
    pool = (pack.table.part == "pool").to_numpy()
    inside = (pack.table.fold == arguments.fold).to_numpy()
    training = Training(
        pack, np.flatnonzero(pool & ~inside), arguments.folder / f"fold-{arguments.fold}.pt", arguments.fold
    )
    if not training.resume():
        training.start_from_imagenet(arguments.weights)
    left_out = np.flatnonzero(pool & inside)
    training.run()
    for side in EVALUATION_SIDES:
        for views in (1, 4):
            logits = predict_logits(training.average, pack.pixels, left_out, side, views)
            print(json.dumps({"side": side, "views": views} | measure(logits, left_out, pack)), flush=True)
    save_for_keras(training.average, arguments.folder / f"fold-{arguments.fold}.npz", training)


def load_pack(folder: Path) -> Pack:
    """Read the arrays that pack.py wrote."""
    pixels = np.load(folder / "pixels.npy", mmap_mode="r")
    table = pd.read_csv(folder / "table.csv", keep_default_na=False)
    return Pack(pixels, np.load(folder / "targets.npy"), table, (folder / "classes.txt").read_text().split("\n"))


class Training:
    """A training: the network, the moving average of its weights, and the optimiser."""

    def __init__(self, pack: Pack, rows: np.ndarray, path: Path, seed: int, plan: Plan = FOLD) -> None:
        self.pack, self.rows, self.path, self.seed, self.plan, self.epoch = pack, rows, path, seed, plan, 0
        self.network, self.average = (Network(len(pack.classes)) for _ in range(2))
        self.steps = len(rows) // BATCH
        covered = pack.targets[rows]
        shares = covered / covered.sum(axis=1, keepdims=True)
        frequency = shares.mean(axis=0)
        target = np.sqrt(frequency) / np.sqrt(frequency).sum()
        self.weights = (shares * (target / frequency)).sum(axis=1)
        self.weights /= self.weights.sum()
        prior = (shares * self.weights[:, None]).sum(axis=0)
        self.adjustment = torch.tensor(np.log(prior), dtype=torch.float32)
        self.optimizer = self._optimizer()

    def start_from_imagenet(self, weights: Path) -> None:
        """Start from ImageNet's weights."""
        torch.manual_seed(self.seed + 1)
        self.network.load_imagenet(read_imagenet(weights))
        self.network.to(memory_format=torch.channels_last)
        self.average.load_state_dict(self.network.state_dict())

    def resume(self) -> bool:
        """Load the checkpoint of the last epoch; return whether there is one."""
        if not self.path.exists():
            return False
        checkpoint = torch.load(self.path, weights_only=True)
        self.network.load_state_dict(checkpoint["network"])
        self.average.load_state_dict(checkpoint["average"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.network.to(memory_format=torch.channels_last)
        self.epoch = checkpoint["epoch"]
        return True

    def run(self) -> None:
        """Train to the end of the plan and print a line for each epoch."""
        while self.epoch < len(self.plan.sizes):
            print(json.dumps(self.train_epoch()), flush=True)

    def loss(self, logits: torch.Tensor, pixels: torch.Tensor, rows: np.ndarray) -> torch.Tensor:  # noqa: ARG002
        """Return the loss of a batch, given its augmented images and their rows in the pack."""
        return self.label_loss(logits, rows)

    def label_loss(self, logits: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        """Return the logit-adjusted cross-entropy with label smoothing; a label of several classes counts by their sum."""
        log_probabilities = functional.log_softmax(logits + self.adjustment, dim=1)
        outside = torch.tensor(~self.pack.targets[rows])
        log_true = torch.logsumexp(log_probabilities.masked_fill(outside, _MASKED), dim=1)
        return -(1 - SMOOTHING) * log_true.mean() - SMOOTHING * log_probabilities.mean()

    def train_epoch(self) -> dict[str, float]:
        """Train for one epoch and write a checkpoint; return the line to print."""
        start, side, losses = time.perf_counter(), self.plan.sizes[self.epoch], []
        torch.manual_seed(1000 * self.epoch + self.seed)
        rng = np.random.default_rng([self.seed, self.epoch])
        self.network.train()
        for batch, rows in enumerate(self._order(rng)):
            self._set_rate(self.epoch * self.steps + batch)
            losses.append(self._train_batch(np.sort(rows), side))
            self._update_average(self.epoch * self.steps + batch)
        self.epoch += 1
        self._save()
        return {
            "epoch": self.epoch,
            "side": side,
            "loss": round(float(np.mean(losses)), 4),
            "seconds": round(time.perf_counter() - start),
        }

    def _optimizer(self) -> torch.optim.Optimizer:
        named = list(self.network.body.named_parameters())
        groups = [
            {"params": [value for _, value in named if value.ndim > 1], "weight_decay": 0.05, "factor": 1.0},
            {"params": [value for _, value in named if value.ndim == 1], "weight_decay": 0.0, "factor": 1.0},
            {"params": list(self.network.head.parameters()), "weight_decay": 0.01, "factor": HEAD_RATE},
        ]
        return torch.optim.AdamW(groups, lr=self.plan.rate)

    def _order(self, rng: np.random.Generator) -> np.ndarray:
        """Draw an epoch by systematic sampling: fewer repeats than drawing with replacement."""
        count = self.steps * BATCH
        steps = (np.arange(count) + rng.random()) / count
        drawn = self.rows[np.searchsorted(np.cumsum(self.weights), np.minimum(steps, 1 - 1e-9))]
        return rng.permutation(drawn).reshape(self.steps, BATCH)

    def _set_rate(self, step: int) -> None:
        decay = 0.5 * (1 + math.cos(math.pi * step / (self.steps * len(self.plan.sizes)))) * 0.98 + 0.02
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate * group["factor"] * decay * min(1, (step + 1) / WARMUP_STEPS)

    def _train_batch(self, rows: np.ndarray, side: int) -> float:
        pixels = augment(torch.tensor(np.asarray(self.pack.pixels[rows])), side)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.network(pixels)
        loss = self.loss(logits.float(), pixels, rows)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        momentum = min(AVERAGE_MOMENTUM, (1 + step) / (10 + step))
        for average, current in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if average.dtype.is_floating_point:
                average.mul_(momentum).add_(current, alpha=1 - momentum)
            else:
                average.copy_(current)

    def _save(self) -> None:
        parts = {"network": self.network, "average": self.average, "optimizer": self.optimizer}
        partial = self.path.with_suffix(".partial")
        torch.save({name: part.state_dict() for name, part in parts.items()} | {"epoch": self.epoch}, partial)
        partial.replace(self.path)


def save_for_keras(network: Network, path: Path, training: Training) -> None:
    """Write weights under Keras's names, and a JSON file with the versions and options of the training."""
    np.savez(path, **network.to_keras())
    record = {
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
    path.with_suffix(".json").write_text(json.dumps(record, indent=1), encoding="utf-8")


@torch.no_grad()
def predict_logits(network: Network, pixels: np.ndarray, rows: np.ndarray, side: int, views: int) -> np.ndarray:
    """Return the mean logits over one or four mirrored views."""
    network.eval()
    flips: tuple[tuple[int, ...], ...] = ((), (3,), (2,), (2, 3))
    logits = []
    for start in range(0, len(rows), 64):
        batch = to_input(torch.tensor(np.asarray(pixels[rows[start : start + 64]])), side)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits.append(sum(network(batch.flip(axes)).float() for axes in flips[:views]) / views)
    return torch.cat(logits).numpy()


def measure(logits: np.ndarray, rows: np.ndarray, pack: Pack) -> dict[str, float]:
    """Return balanced accuracy over HAM10000's seven classes, melanoma AUC, and specificity at 95 % sensitivity."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = _merge_akiec(shifted / shifted.sum(axis=1, keepdims=True), pack.classes)
    truth = _merge_akiec(pack.targets[rows].astype(float), pack.classes) > 0
    correct = truth[np.arange(len(rows)), probabilities.argmax(axis=1)]
    labels = truth.argmax(axis=1)
    melanoma = pack.classes.index("melanoma")
    positive, scores = pack.targets[rows, melanoma], shifted[:, melanoma] / shifted.sum(axis=1)
    threshold = np.sort(scores[positive])[int(positive.sum() * 0.05)]
    return {
        "balanced_accuracy": round(float(np.mean([correct[labels == label].mean() for label in np.unique(labels)])), 4),
        "melanoma_auc": round(float(roc_auc_score(positive, scores)), 4),
        "specificity_at_95": round(float((scores[~positive] < threshold).mean()), 4),
    }


def _merge_akiec(values: np.ndarray, classes: list[str]) -> np.ndarray:
    """Add actinic keratosis and squamous cell carcinoma, which are one class in HAM10000."""
    merged = values.copy()
    merged[:, classes.index("actinic keratosis")] += merged[:, classes.index("squamous cell carcinoma")]
    return np.delete(merged, classes.index("squamous cell carcinoma"), axis=1)


if __name__ == "__main__":
    main()
