"""Training speed of the assignment's network, compared with the assignment's own Keras code and with PyTorch.

All three train the same network on the same images at 180×180 with flips, rotations and zooms, alternately, each in a new
process. The assignment's code reads a folder with `image_dataset_from_directory` (cached in memory after the first epoch) and
has three augmentation layers in the model. PyTorch reads decoded images from memory, applies one affine map to each image, and
computes in bfloat16 by autocast. The second epoch is timed, and the medians of the ratios are printed as `name value goal`.

    python benchmarks/training.py
    python benchmarks/training.py --torch-python PYTHON      # if PyTorch is in another environment
    python benchmarks/training.py --figures isic9            # compare the accuracy of the precisions instead
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

import melanoma_detect as md
from melanoma_detect.training.options import FitOptions
from melanoma_detect.training.trainer import train

SIZE = (180, 180)

ASSIGNMENT = """
import sys, time
import keras
from keras import layers

data = keras.utils.image_dataset_from_directory(
    sys.argv[1] + "/Train", image_size=(180, 180), batch_size=32, seed=1, verbose=False
).cache()
model = keras.Sequential([
    keras.Input((180, 180, 3)),
    layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1),
    layers.Rescaling(1 / 255),
    layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
    layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
    layers.Conv2D(64, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
    layers.Dropout(0.2), layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(9),
])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
model.fit(data, verbose=0)
start = time.perf_counter()
model.fit(data, verbose=0)
print(sum(len(labels) for _, labels in data) / (time.perf_counter() - start))
"""
OURS = """
import sys
import melanoma_detect as md
from dataclasses import replace
from melanoma_detect.training.options import FitOptions
from melanoma_detect.training.trainer import train

data = md.load_dataset(sys.argv[1], image_size=(180, 180), batch_size=32, validation=0.02)
model = md.build_model("cnn", num_classes=len(data.classes))
recipe = replace(md.Recipe.named("assignment"), precision="auto")
result = train(model, data, FitOptions(epochs=2, recipe=recipe, seed=1, progress=False))
print(result.precision)
print(len(data.train) / result.history["seconds"][-1])
"""
TORCH = """
import sys, time
import numpy as np, torch
import torch.nn as nn, torch.nn.functional as F

with np.load(sys.argv[1]) as file:
    pixels, labels = torch.from_numpy(file["pixels"]), torch.from_numpy(file["labels"])
torch.manual_seed(1)

def conv(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))

model = nn.Sequential(
    conv(3, 16), conv(16, 32), conv(32, 64), nn.Dropout(0.2), nn.Flatten(), nn.Linear(22 * 22 * 64, 128), nn.ReLU(),
    nn.Linear(128, 9),
).to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(model.parameters(), 1e-3)

def augment(x):
    n = len(x)
    angle, zoom = (torch.rand(n) - 0.5) * 0.4 * np.pi, 0.9 + 0.2 * torch.rand(n)
    side, zero = torch.where(torch.rand(n) < 0.5, -1.0, 1.0), torch.zeros(n)
    c, s = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    matrix = torch.stack([torch.stack([c * side, -s, zero], 1), torch.stack([s * side, c, zero], 1)], 1)
    grid = F.affine_grid(matrix, x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)

def epoch():
    for arguments in torch.randperm(len(labels)).split(32):
        x = pixels[arguments].permute(0, 3, 1, 2).float() / 255
        x = augment(x).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(x).float(), labels[arguments])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

epoch()
start = time.perf_counter()
epoch()
print(len(labels) / (time.perf_counter() - start))
"""


def run_program(python: str, program: str, argument: Path) -> list[str]:
    """Run a program in a new process; return the words that it prints."""
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [python, "-W", "ignore", "-c", program, str(argument)]
    completed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise SystemExit(completed.stderr[-2000:])
    return completed.stdout.split()


def speed(repeats: int, torch_python: str) -> None:
    """Time all three alternately."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, arrays = Path(temporary) / "lesions", Path(temporary) / "train.npz"
        md.write_samples(folder, train=100, test=1, size=SIZE[0])
        split = md.load_dataset(folder, image_size=SIZE).train
        np.savez(arrays, pixels=split.pixels(), labels=split.labels)
        rates: dict[str, list[float]] = {"assignment": [], "torch": [], "ours": []}
        precision = ""
        for _ in range(repeats):
            rates["assignment"].append(float(run_program(sys.executable, ASSIGNMENT, folder)[-1]))
            precision, rate = run_program(sys.executable, OURS, folder)[-2:]
            rates["ours"].append(float(rate))
            rates["torch"].append(float(run_program(torch_python, TORCH, arrays)[-1]))
    print(f"precision_chosen {precision} -")
    for name, values in rates.items():
        print(f"{name}_images_a_second {statistics.median(values):.0f} -")
    for name, goal in (("assignment", 1.8), ("torch", 1.0)):
        ratios = [own / other for own, other in zip(rates["ours"], rates[name], strict=True)]
        print(f"speed_against_{name} {statistics.median(ratios):.2f} {goal:.2f}")


def compare_accuracy(folder: Path, epochs: int, size: int) -> None:
    """Train with three seeds in each precision and compare the validation accuracy of the best epoch."""
    data = md.load_dataset(folder, image_size=(size, size), conflicts="resolve", seed=1)
    means: dict[str, float] = {}
    for precision in ("float32", "auto"):
        accuracies, used = [], precision
        for seed in (1, 2, 3):
            model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(size, size, 3), seed=seed)
            recipe = replace(md.Recipe.named("assignment"), precision=precision)
            result = train(model, data, FitOptions(epochs=epochs, recipe=recipe, seed=seed, progress=False))
            accuracies.append(result.history["val_accuracy"][result.best_epoch - 1])
            used = result.precision
        means[precision] = statistics.mean(accuracies)
        print(f"validation_accuracy_{precision}_{used} {means[precision]:.4f} -", flush=True)
    print(f"difference {abs(means['float32'] - means['auto']):.4f} 0.02")


def main() -> None:
    """Compare speeds, or accuracies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--torch-python", default=sys.executable, help="a Python that has PyTorch")
    parser.add_argument("--figures", type=Path, metavar="FOLDER", help="compare the precisions on these images instead")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--size", type=int, default=180)
    arguments = parser.parse_args()
    if arguments.figures:
        compare_accuracy(arguments.figures, arguments.epochs, arguments.size)
    else:
        speed(arguments.repeats, arguments.torch_python)


if __name__ == "__main__":
    main()
