"""Train the network that ships, EfficientNet-Lite0, by knowledge distillation from teachers, with the original labels.

    python scripts/default_detector/distill.py FOLDER NAME --weights DATA/weights --teachers teacher-1 teacher-2 teacher-3

FOLDER holds what pack.py wrote and what train.py wrote of the teachers. Every augmented image is shown to all teachers as the
student sees it (Beyer et al. 2022, "A good teacher is patient and consistent", arXiv:2106.05237). The mean of their
probabilities, softened by a temperature (Hinton et al. 2015, arXiv:1503.02531), makes up most of the loss; the labels make up
the rest. Without teachers the student learns from the labels alone. With `--start` it starts from an earlier student, at half
the rate and with large images (a warm restart, Loshchilov and Hutter 2017, arXiv:1608.03983). A run that was stopped goes on
at its last checkpoint.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from network import Network, load_network
from packed import PACK, load_pack
from plan import CPU, Plan
from torch.nn import functional
from train import Training, argument_parser, bfloat16_on_gpu, run, start

# A student learns longer than its teachers: it never sees an image twice in the same way, and never hears a wrong label alone.
GPU = Plan("lite0", (160,) * 10 + (192,) * 14 + (224,) * 16, 1.5e-3, 256)
TEMPERATURE = 2.0
TEACHER_SHARE = 0.7  # of the loss
RESTART_SIDES = (192,) * 2 + (224,) * 2


def main() -> None:
    """Train, or resume."""
    parser = argument_parser(__doc__)
    parser.add_argument("--teachers", nargs="*", default=[], metavar="NAME", help="of trainings by train.py")
    parser.add_argument("--start", metavar="NAME", help="of a student that is complete; default: ImageNet's weights")
    arguments = parser.parse_args()
    device = start(arguments)
    plan = GPU if device.type == "cuda" else CPU
    origin = None
    if arguments.start:
        plan = plan._replace(sides=RESTART_SIDES, rate=plan.rate / 2)
        origin = arguments.folder / f"{arguments.start}.npz"
    training = Distillation(
        load_pack(arguments.folder / PACK),
        plan,
        arguments.folder / arguments.name,
        arguments.seed,
        device,
        origin=origin,
    )
    training.teachers = [load_teacher(arguments.folder / name, device) for name in arguments.teachers]
    print(f"{arguments.name}: learns from {', '.join(arguments.teachers) or 'the labels alone'}", flush=True)
    run(training, arguments.weights)


def load_teacher(path: Path, device: torch.device) -> Network:
    """Load the averaged weights of a training that is complete, by the path of its files without a suffix."""
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return load_network(record["network"], path.with_suffix(".npz")).to(device)


class Distillation(Training):
    """A training with a loss that also compares with teacher networks; without any, that of the labels."""

    teachers: Sequence[Network] = ()

    def loss(self, logits: torch.Tensor, pixels: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return the loss of each image: against the teachers, who answer for even odds as the student does, and the labels."""
        from_labels = self.label_loss(logits, rows)
        if not self.teachers:
            return from_labels
        with torch.no_grad(), bfloat16_on_gpu(pixels.device):
            answers = torch.stack([teacher(pixels) for teacher in self.teachers])
        softened = torch.softmax(answers / TEMPERATURE, dim=2).mean(dim=0)
        log_student = functional.log_softmax(logits / TEMPERATURE, dim=1)
        # The factor keeps gradients as large as without softening.
        from_teachers = TEMPERATURE**2 * (softened * (softened.clamp_min(1e-9).log() - log_student)).sum(dim=1)
        return TEACHER_SHARE * from_teachers + (1 - TEACHER_SHARE) * from_labels

    def options(self) -> dict[str, object]:
        """Return what makes this training another one than those with other options; without teachers it is train.py's."""
        return super().options() | ({"teachers": len(self.teachers)} if self.teachers else {})

    def record(self) -> dict[str, object]:
        """Return versions and options, for the detector's file."""
        return super().record() | {"teachers": len(self.teachers)}


if __name__ == "__main__":
    main()
