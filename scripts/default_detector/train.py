"""Train a network from ImageNet's weights on the training part of the pack, and measure it on every validation source.

    python scripts/default_detector/train.py FOLDER NAME --weights DATA/weights

FOLDER holds what pack.py wrote. On a GPU (CUDA) a whole EfficientNet-Lite2 is trained: bfloat16, large batches, images in the
GPU's memory. On a CPU, EfficientNet-Lite0 is trained with a frozen stem and two frozen stages, and its 5×5 depthwise kernels,
which would take a third of each step, learn every fourth step. The images grow during training.

Classes are sampled by the square root of their frequency, sources are balanced, and the loss corrects the remaining imbalance
(logit adjustment, Menon et al. 2021, arXiv:2007.07314). A label of several classes trains through the sum of their
probabilities. Some images have their lesion covered: for these the network must answer that every diagnosis is as likely as
the next. What is measured and kept is the moving average of the weights. Every 50 steps a checkpoint is written; started
again, a run goes on there as if it had not been stopped.
"""

import argparse
import json
import math
import os
import platform
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from augmentation import augment, cover_lesion, to_input
from network import SCALES, Network, save_arrays
from packed import PACK, Pack, load_pack
from torch import nn
from torch.nn import functional
from validation import measure_sources, score, worst_source

WARMUP_STEPS, SMOOTHING, AVERAGE_MOMENTUM = 250, 0.05, 0.997
HEAD_RATE = 3.0  # the learning rate of the classifier, which starts at random, as a multiple of the body's
COVERED_SHARE = 0.08  # of the images: their lesion is covered
VAGUE_CLASSES, VAGUE_WEIGHT = 2, 0.4  # labels of more classes than two ("benign") are drawn less often
SOURCE_POWER = 0.35  # of a source's weight, by which it is divided: 0 for the pool's own shares, 1 for equal ones
CHECKPOINT_STEPS = 50
EVALUATION_SIDE = 224  # pixels
_MASKED = -1e9  # exp of it is 0; minus infinity would make the gradient NaN
# glibc gives memory back after each step and takes it again page by page: a quarter of the time on a CPU.
_KEEP_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "1000000000000",
    "MALLOC_TOP_PAD_": "500000000",
}


class Plan(NamedTuple):
    """A whole training.

    Attributes:
        network: "lite0", "lite1" or "lite2".
        sides: The side of the images in pixels for each epoch.
        rate: The learning rate of the body at its highest.
        batch: Images in a batch.
        frozen: The number of stages that keep ImageNet's weights, with the stem.
        kernel_every: The large depthwise kernels learn every so many steps.
        source_power: See `SOURCE_POWER`.
    """

    network: str
    sides: tuple[int, ...]
    rate: float
    batch: int
    frozen: int = 0
    kernel_every: int = 1
    source_power: float = SOURCE_POWER


CPU = Plan("lite0", (128,) * 4 + (160,) * 3 + (192,) * 3 + (224,) * 2, 8e-4, 64, frozen=2, kernel_every=4)
GPU = Plan("lite2", (160,) * 8 + (192,) * 8 + (224,) * 14, 1.2e-3, 256)


def main() -> None:
    """Train, or resume."""
    parser = argument_parser(__doc__)
    parser.add_argument("--network", choices=tuple(SCALES), help="default: lite2 on a GPU, lite0 on a CPU")
    parser.add_argument("--side", type=int, help="the side of the images in the last epochs, in pixels")
    parser.add_argument(
        "--source-power", type=float, default=SOURCE_POWER, help="how much sources are balanced, 0 to 1"
    )
    arguments = parser.parse_args()
    device = start(arguments)
    plan = (GPU if device.type == "cuda" else CPU)._replace(source_power=arguments.source_power)
    if arguments.network:
        plan = plan._replace(network=arguments.network)
    if arguments.side:
        plan = plan._replace(sides=tuple(arguments.side if side == max(plan.sides) else side for side in plan.sides))
    training = Training(
        load_pack(arguments.folder / PACK), plan, arguments.folder / arguments.name, arguments.seed, device
    )
    run(training, arguments.weights)


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the arguments that train.py and distill.py share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("name", metavar="NAME", help="of the files that are written into FOLDER")
    parser.add_argument("--weights", type=Path, required=True, help="the folder of efficientnet_lite*_notop.npz")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", choices=("cuda", "cpu"), help="default: cuda where there is one")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser


def start(arguments: argparse.Namespace) -> torch.device:
    """Choose the device and say so; on a CPU, start this program again with settings that keep memory."""
    device = torch.device(arguments.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if device.type == "cpu" and platform.libc_ver()[0] == "glibc" and not _KEEP_MEMORY.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | _KEEP_MEMORY)
    torch.set_num_threads(arguments.threads)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {arguments.threads} threads"
    print(f"{arguments.name}: trains on {name}", flush=True)
    return device


def run(training: "Training", weights: Path) -> None:
    """Train from ImageNet's weights or from the last checkpoint to the end, and write the weights and a record."""
    if not training.resume():
        training.start(weights / f"efficientnet_{training.plan.network}_notop.npz")
    training.train()
    save_arrays(training.average, training.path.with_suffix(".npz"))
    record = training.record() | {"validation": training.measure()}
    training.path.with_suffix(".json").write_text(json.dumps(record, indent=1), encoding="utf-8")


class Training:
    """A training: the network, the moving average of its weights, and the optimiser.

    Args:
        pack: The images.
        plan: What to train, and how.
        path: The path of the files to write, without a suffix.
        seed: Every random number follows from it and from the number of the step.
        device: Where to train.
    """

    def __init__(self, pack: Pack, plan: Plan, path: Path, seed: int, device: torch.device) -> None:
        self.pack, self.plan, self.path, self.seed, self.device = pack, plan, path, seed, device
        self.network, self.average = (Network(plan.network, len(pack.classes)) for _ in range(2))
        self.rows = pack.rows("train")
        self.steps = max(len(self.rows) // plan.batch, 1)
        self.epoch = self.step = 0
        self.weights, prior = sample_weights(pack, self.rows, plan.source_power)
        self.adjustment = torch.tensor(np.log(prior), dtype=torch.float32, device=device)
        self.targets = torch.tensor(pack.targets, device=device)
        self.pixels = torch.tensor(np.asarray(pack.pixels), device=device) if device.type == "cuda" else None

    def start(self, weights: Path) -> None:
        """Start from ImageNet's weights."""
        self.network.load_imagenet(weights, seed=self.seed)
        self.average.load_state_dict(self.network.state_dict())
        self._prepare()

    def resume(self) -> bool:
        """Load the last checkpoint; return whether there is one."""
        if not self._checkpoint.exists():
            return False
        saved = torch.load(self._checkpoint, weights_only=True, map_location="cpu")
        self._prepare()
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.epoch, self.step = saved["epoch"], saved["step"]
        return True

    def train(self) -> None:
        """Train to the end of the plan, with a line for each checkpoint and each epoch."""
        while self.epoch < len(self.plan.sides):
            self._train_epoch()
            last = self.epoch == len(self.plan.sides)
            if last or self.epoch % 3 == 0:
                print(json.dumps({"epoch": self.epoch, "validation": self.measure()}), flush=True)

    def measure(self) -> dict[str, object]:
        """Return the figures of the averaged weights on each source of the validation part, with the worst one named."""
        rows = self.pack.rows("validation")
        logits = predict_logits(self.average, self.pack, rows, self.device)
        figures = measure_sources(torch.softmax(logits, 1).numpy(), self.pack, rows)
        return {"worst": worst_source(figures), "score": round(score(figures), 4), "sources": figures}

    def loss(self, logits: torch.Tensor, pixels: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Return the loss of each image whose lesion is visible, given its logits, augmented pixels and row in the pack."""
        return self.label_loss(logits, rows)

    def label_loss(self, logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return the logit-adjusted cross-entropy with label smoothing; a label of several classes counts by their sum."""
        log_probabilities = functional.log_softmax(logits + self.adjustment, dim=1)
        log_true = torch.logsumexp(log_probabilities.masked_fill(~self.targets[rows], _MASKED), dim=1)
        return -(1 - SMOOTHING) * log_true - SMOOTHING * log_probabilities.mean(dim=1)

    def record(self) -> dict[str, object]:
        """Return versions and options, for the detector's file."""
        versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
        processor = torch.cuda.get_device_name() if self.device.type == "cuda" else platform.machine()
        return versions | {"processor": processor, "seed": self.seed, "images": len(self.rows), **self.plan._asdict()}

    @property
    def _checkpoint(self) -> Path:
        return self.path.with_suffix(".pt")

    def _prepare(self) -> None:
        """Freeze what the plan freezes, move both networks to the device, and make the optimiser."""
        self.network.freeze(self.plan.frozen)
        for network in (self.network, self.average):
            network.to(self.device, memory_format=torch.channels_last)
        named = [(name, value) for name, value in self.network.named_parameters() if value.requires_grad]
        body = [(name, value) for name, value in named if not name.startswith("classifier")]
        self._learning = [value for _, value in named]
        self._large_kernels = [value for _, value in body if value.ndim == 4 and value.shape[1:] == (1, 5, 5)]
        groups = [
            {"params": [value for _, value in body if value.ndim > 1], "weight_decay": 0.05, "factor": 1.0},
            {"params": [value for _, value in body if value.ndim == 1], "weight_decay": 0.0, "factor": 1.0},
            {"params": list(self.network.classifier.parameters()), "weight_decay": 0.01, "factor": HEAD_RATE},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=self.plan.rate)

    def _train_epoch(self) -> None:
        started, losses, order = time.perf_counter(), [], self._order()
        self.network.train()
        while self.step < self.steps:
            losses.append(self._train_batch(np.sort(order[self.step])))
            self.step += 1
            if self.step % CHECKPOINT_STEPS == 0 or self.step == self.steps:
                line = {
                    "epoch": self.epoch + 1,
                    "step": self.step,
                    "of": self.steps,
                    "side": self.plan.sides[self.epoch],
                }
                mean = float(torch.stack(losses[-CHECKPOINT_STEPS:]).nanmean())
                if not math.isfinite(mean):
                    raise SystemExit(f"{self.path.name}: the loss is {mean}; train with a lower rate")
                seconds = round(time.perf_counter() - started)
                print(json.dumps(line | {"loss": round(mean, 4), "seconds": seconds}), flush=True)
                self._save()
        self.epoch, self.step = self.epoch + 1, 0
        self._save()

    def _order(self) -> np.ndarray:
        """Draw an epoch by systematic sampling: fewer repeats than drawing with replacement."""
        rng, count = np.random.default_rng([self.seed, self.epoch]), self.steps * self.plan.batch
        places = np.minimum((np.arange(count) + rng.random()) / count, 1 - 1e-9)
        drawn = self.rows[np.searchsorted(np.cumsum(self.weights), places)]
        return rng.permutation(drawn).reshape(self.steps, self.plan.batch)

    def _train_batch(self, rows: np.ndarray) -> torch.Tensor:
        """Learn from one batch; return the mean loss of the images whose lesion is visible."""
        step = self.epoch * self.steps + self.step
        torch.manual_seed(self.seed * 10**6 + step)
        self._set_rate(step)
        for kernel in self._large_kernels:
            kernel.requires_grad_(step % self.plan.kernel_every == 0)
        indices = torch.tensor(rows, device=self.device)
        pixels = augment(self._pixels(rows, indices), self.plan.sides[self.epoch])
        covered = torch.rand(len(rows)) < COVERED_SHARE
        for place in torch.nonzero(covered).flatten().tolist():
            pixels[place] = cover_lesion(pixels[place])
        covered = covered.to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self.network(pixels).float()
        visible = self.loss(logits, pixels, indices)
        nothing = -functional.log_softmax(logits, dim=1).mean(dim=1)  # every diagnosis is as likely as the next
        self.optimizer.zero_grad()
        torch.where(covered, nothing, visible).mean().backward()
        nn.utils.clip_grad_norm_(self._learning, 5.0)
        self.optimizer.step()
        self._update_average(step)
        return visible.detach()[~covered].mean()

    def _pixels(self, rows: np.ndarray, indices: torch.Tensor) -> torch.Tensor:
        return torch.tensor(np.asarray(self.pack.pixels[rows])) if self.pixels is None else self.pixels[indices]

    def _set_rate(self, step: int) -> None:
        decay = 0.5 * (1 + math.cos(math.pi * step / (self.steps * len(self.plan.sides)))) * 0.98 + 0.02
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate * group["factor"] * decay * min(1, (step + 1) / WARMUP_STEPS)

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        momentum, current = min(AVERAGE_MOMENTUM, (1 + step) / (10 + step)), self.network.state_dict()
        for name, average in self.average.state_dict().items():
            if self.network.is_frozen(name):  # and folded in the network
                continue
            if average.dtype.is_floating_point:
                average.mul_(momentum).add_(current[name], alpha=1 - momentum)
            else:
                average.copy_(current[name])

    def _save(self) -> None:
        parts = {"network": self.network, "average": self.average, "optimizer": self.optimizer}
        partial = self.path.with_suffix(".partial")
        place = {"epoch": self.epoch, "step": self.step}
        torch.save({name: part.state_dict() for name, part in parts.items()} | place, partial)
        partial.replace(self._checkpoint)


def sample_weights(pack: Pack, rows: np.ndarray, source_power: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how often each image is drawn, and the resulting share of each class; both sum to 1.

    Classes come by the square root of their frequency; then each source's weight is divided by a power of itself.
    """
    covered, sources = pack.targets[rows], pack.sources[rows]
    shares = covered / covered.sum(axis=1, keepdims=True)
    frequency = np.maximum(shares.mean(axis=0), 1e-9)
    weights = (shares * (np.sqrt(frequency) / np.sqrt(frequency).sum() / frequency)).sum(axis=1)
    for source in np.unique(sources):
        weights[sources == source] *= weights[sources == source].sum() ** -source_power
    weights[covered.sum(axis=1) > VAGUE_CLASSES] *= VAGUE_WEIGHT
    weights /= weights.sum()
    return weights, np.maximum((shares * weights[:, None]).sum(axis=0), 1e-9)


@torch.no_grad()
def predict_logits(
    network: Network, pack: Pack, rows: np.ndarray, device: torch.device, side: int = EVALUATION_SIDE
) -> torch.Tensor:
    """Return the logits of images without random changes, float32 on the CPU."""
    network.eval()
    logits = []
    for start in range(0, len(rows), 64):
        pixels = torch.tensor(np.asarray(pack.pixels[rows[start : start + 64]]), device=device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
            logits.append(network(to_input(pixels, side)).float().cpu())
    return torch.cat(logits)


if __name__ == "__main__":
    main()
