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

import numpy as np
import torch
from atomic import write_text
from augmentation import augment, cover_lesion, to_input
from network import SCALES, Network, load_network, save_arrays
from packed import PACK, Pack, load_pack
from plan import CPU, GPU, SOURCE_POWER, Plan, sample_weights
from torch import nn
from torch.nn import functional
from validation import measure_sources, score, worst_source

WARMUP_STEPS, SMOOTHING, AVERAGE_MOMENTUM = 250, 0.05, 0.997
HEAD_RATE = 3.0  # the learning rate of the classifier, which starts at random, as a multiple of the body's
COVERED_SHARE = 0.08  # of the images: their lesion is covered
CHECKPOINT_STEPS = 50
EVALUATION_SIDE = 224  # pixels: that of the network that ships
MIN_PART = 16  # images: batch normalisation needs some
_MASKED = -1e9  # exp of it is 0; minus infinity would make the gradient NaN
# glibc gives memory back after each step and takes it again page by page: a quarter of the time on a CPU.
_KEEP_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "1000000000000",
    "MALLOC_TOP_PAD_": "500000000",
}


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
    write_text(training.path.with_suffix(".json"), json.dumps(record, indent=1))


class Training:
    """A training: the network, the moving average of its weights, and the optimiser.

    Args:
        pack: The images.
        plan: What to train, and how.
        path: The path of the files to write, without a suffix.
        seed: Every random number follows from it and from the number of the step.
        device: Where to train.
        origin: The averaged weights of an earlier training, to start from; ImageNet's by default.
    """

    def __init__(
        self, pack: Pack, plan: Plan, path: Path, seed: int, device: torch.device, *, origin: Path | None = None
    ) -> None:
        self.pack, self.plan, self.path, self.seed, self.device, self.origin = pack, plan, path, seed, device, origin
        self.network, self.average = (Network(plan.network, len(pack.classes)) for _ in range(2))
        self.rows = pack.rows("train")
        self.steps = max(len(self.rows) // plan.batch, 1)
        self.epoch = self.step = 0
        self.parts = 1  # of a batch: one after another where the GPU's memory does not hold it as a whole
        self.weights, prior = sample_weights(pack, self.rows, plan.source_power)
        self.adjustment = torch.tensor(np.log(prior), dtype=torch.float32, device=device)
        self.targets = torch.tensor(pack.targets, device=device)
        self.pixels = torch.tensor(np.asarray(pack.pixels), device=device) if device.type == "cuda" else None

    def start(self, weights: Path) -> None:
        """Start from ImageNet's weights, or from the averaged weights of an earlier training."""
        if self.origin:
            self.network.load_state_dict(load_network(self.plan.network, self.origin).state_dict())
        else:
            self.network.load_imagenet(weights, seed=self.seed)
        self.average.load_state_dict(self.network.state_dict())
        self._prepare()

    def resume(self) -> bool:
        """Load the last checkpoint; return whether there is one. One of another training ends the program."""
        if not self._checkpoint.exists():
            return False
        saved = torch.load(self._checkpoint, weights_only=True, map_location="cpu")
        self._check_options(saved.get("options"))
        self._prepare()
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.epoch, self.step, self.parts = saved["epoch"], saved["step"], saved["parts"]
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
        logits = predict_logits(self.average, self.pack, rows, self.device, max(self.plan.sides))
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

    def options(self) -> dict[str, object]:
        """Return what makes this training another one than those with other options: its seed and its plan."""
        origin = {"start": self.origin.stem} if self.origin else {}
        return {"seed": self.seed, **self.plan._asdict(), "sides": list(self.plan.sides)} | origin

    def record(self) -> dict[str, object]:
        """Return versions and options, for the detector's file."""
        versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
        processor = torch.cuda.get_device_name() if self.device.type == "cuda" else platform.machine()
        return versions | {"processor": processor, "images": len(self.rows), **self.options()}

    @property
    def _checkpoint(self) -> Path:
        return self.path.with_suffix(".pt")

    def _check_options(self, saved: dict[str, object] | None) -> None:
        if saved is None:
            raise SystemExit(
                f"{self._checkpoint}: does not say which training it belongs to; delete it to start anew, or train under "
                "another name"
            )
        own = self.options()
        changed = [name for name in own | saved if own.get(name) != saved.get(name)]
        if changed:
            texts = [f"{name} {saved.get(name, 'none')}, not {own.get(name, 'none')}" for name in changed]
            raise SystemExit(
                f"{self._checkpoint}: belongs to a training with {'; '.join(texts)}. Go on with its options and on its kind "
                "of device, train under another name, or delete it to start anew"
            )

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
        losses = self._compute_gradients(pixels, indices, covered)
        nn.utils.clip_grad_norm_(self._learning, 5.0)
        self.optimizer.step()
        self._update_average(step)
        return losses[~covered].mean()

    def _compute_gradients(self, pixels: torch.Tensor, rows: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
        """Compute the gradients of a batch, in parts where memory needs it; return the losses as if no lesion was covered."""
        while True:
            try:
                self.optimizer.zero_grad()
                parts = zip(*(values.chunk(self.parts) for values in (pixels, rows, covered)), strict=True)
                return torch.cat([self._add_gradients(*part, share=1 / len(rows)) for part in parts])
            except torch.cuda.OutOfMemoryError as error:
                if len(rows) // (2 * self.parts) < MIN_PART:
                    held = f"{len(rows) // self.parts} images of {self.plan.sides[self.epoch]} pixels"
                    raise SystemExit(f"{self.path.name}: memory does not even hold {held}: {error}") from error
            # Out of the handler: the error holds on to the tensors of the attempt.
            self.parts *= 2
            torch.cuda.empty_cache()
            print(f"{self.path.name}: memory is short; batches in {self.parts} parts from here", flush=True)

    def _add_gradients(
        self, pixels: torch.Tensor, rows: torch.Tensor, covered: torch.Tensor, *, share: float
    ) -> torch.Tensor:
        with bfloat16_on_gpu(self.device):
            logits = self.network(pixels)
        visible = self.loss(logits, pixels, rows)
        nothing = -functional.log_softmax(logits, dim=1).mean(dim=1)  # every diagnosis is as likely as the next
        (torch.where(covered, nothing, visible).sum() * share).backward()
        return visible.detach()

    def _pixels(self, rows: np.ndarray, indices: torch.Tensor) -> torch.Tensor:
        return torch.tensor(np.asarray(self.pack.pixels[rows])) if self.pixels is None else self.pixels[indices]

    def _set_rate(self, step: int) -> None:
        decay = 0.5 * (1 + math.cos(math.pi * step / (self.steps * len(self.plan.sides)))) * 0.98 + 0.02
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate * group["factor"] * decay * min(1, (step + 1) / WARMUP_STEPS)

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        # A random classifier must not stay in the average: it follows more closely at first.
        momentum = AVERAGE_MOMENTUM if self.origin else min(AVERAGE_MOMENTUM, (1 + step) / (10 + step))
        current = self.network.state_dict()
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
        place = {"epoch": self.epoch, "step": self.step, "parts": self.parts, "options": self.options()}
        torch.save({name: part.state_dict() for name, part in parts.items()} | place, partial)
        partial.replace(self._checkpoint)


def bfloat16_on_gpu(device: torch.device) -> torch.autocast:
    """Return a context in which a GPU computes in bfloat16; for a CPU it changes nothing."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


@torch.no_grad()
def predict_logits(
    network: Network, pack: Pack, rows: np.ndarray, device: torch.device, side: int = EVALUATION_SIDE
) -> torch.Tensor:
    """Return the logits of images without random changes, float32 on the CPU.

    They are computed in float32 on a GPU too: bfloat16 makes many of them equal, and an AUC counts equal ones as half right.
    """
    network.eval()
    logits = []
    for start in range(0, len(rows), 64):
        pixels = torch.tensor(np.asarray(pack.pixels[rows[start : start + 64]]), device=device)
        logits.append(network(to_input(pixels, side)).cpu())
    return torch.cat(logits)


if __name__ == "__main__":
    main()
