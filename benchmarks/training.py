"""How fast the assignment's network is trained, against the assignment's own Keras code and against PyTorch.

All three train the same network on the same images at 180×180 with flips, turns and zooms, in turn, each in its own process.
The assignment's code reads a folder with `image_dataset_from_directory` (kept in memory after the first epoch) and has three
augmentation layers in the model; PyTorch reads decoded images from memory, makes one affine map an image, and computes in
bfloat16 by autocast. The second epoch is timed, and the medians of the ratios are printed as `name value goal`.

    python benchmarks/training.py
    python benchmarks/training.py --torch-python PYTHON      # where PyTorch is in another environment
    python benchmarks/training.py --figures isic9            # is what it learns the same in the precision that is chosen?
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
from melanoma_detect.training.trainer import train

data = md.load_dataset(sys.argv[1], image_size=(180, 180), batch_size=32, validation=0.02)
model = md.build_model("cnn", num_classes=len(data.classes))
recipe = replace(md.Recipe.named("assignment"), precision="auto")
done = train(model, data, epochs=2, recipe=recipe, seed=1, progress=False)
print(done.precision)
print(len(data.train) / done.history["seconds"][-1])
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

def augmented(x):
    n = len(x)
    angle, zoom = (torch.rand(n) - 0.5) * 0.4 * np.pi, 0.9 + 0.2 * torch.rand(n)
    side, zero = torch.where(torch.rand(n) < 0.5, -1.0, 1.0), torch.zeros(n)
    c, s = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    matrix = torch.stack([torch.stack([c * side, -s, zero], 1), torch.stack([s * side, c, zero], 1)], 1)
    grid = F.affine_grid(matrix, x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)

def epoch():
    for chosen in torch.randperm(len(labels)).split(32):
        x = pixels[chosen].permute(0, 3, 1, 2).float() / 255
        x = augmented(x).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(x).float(), labels[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

epoch()
start = time.perf_counter()
epoch()
print(len(labels) / (time.perf_counter() - start))
"""


def printed(python: str, program: str, argument: Path) -> list[str]:
    """Run a program in a process of its own; return what it prints."""
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [python, "-W", "ignore", "-c", program, str(argument)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return done.stdout.split()


def speed(repeats: int, torch_python: str) -> None:
    """Time all three in turn."""
    with tempfile.TemporaryDirectory() as place:
        folder, arrays = Path(place) / "lesions", Path(place) / "train.npz"
        md.write_samples(folder, train=100, test=1, size=SIZE[0])
        part = md.load_dataset(folder, image_size=SIZE).train
        np.savez(arrays, pixels=part.pixels(), labels=part.labels)
        rates: dict[str, list[float]] = {"assignment": [], "torch": [], "ours": []}
        chosen = ""
        for _ in range(repeats):
            rates["assignment"].append(float(printed(sys.executable, ASSIGNMENT, folder)[-1]))
            chosen, rate = printed(sys.executable, OURS, folder)[-2:]
            rates["ours"].append(float(rate))
            rates["torch"].append(float(printed(torch_python, TORCH, arrays)[-1]))
    print(f"precision_chosen {chosen} -")
    for name, found in rates.items():
        print(f"{name}_images_a_second {statistics.median(found):.0f} -")
    for name, goal in (("assignment", 1.8), ("torch", 1.0)):
        ratios = [ours / theirs for ours, theirs in zip(rates["ours"], rates[name], strict=True)]
        print(f"speed_against_{name} {statistics.median(ratios):.2f} {goal:.2f}")


def figures(folder: Path, epochs: int, size: int) -> None:
    """Train with three seeds in each precision and compare what validation says of the best epoch."""
    data = md.load_dataset(folder, image_size=(size, size), conflicts="resolve", seed=1)
    means: dict[str, float] = {}
    for precision in ("float32", "auto"):
        found, chosen = [], precision
        for seed in (1, 2, 3):
            model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(size, size, 3), seed=seed)
            recipe = replace(md.Recipe.named("assignment"), precision=precision)
            done = train(model, data, epochs=epochs, recipe=recipe, seed=seed, progress=False)
            found.append(done.history["val_accuracy"][done.best_epoch - 1])
            chosen = done.precision
        means[precision] = statistics.mean(found)
        print(f"validation_accuracy_{precision}_{chosen} {means[precision]:.4f} -", flush=True)
    print(f"difference {abs(means['float32'] - means['auto']):.4f} 0.02")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--torch-python", default=sys.executable, help="a Python that has PyTorch")
    parser.add_argument("--figures", type=Path, metavar="FOLDER", help="compare the precisions on these images instead")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--size", type=int, default=180)
    chosen = parser.parse_args()
    if chosen.figures:
        figures(chosen.figures, chosen.epochs, chosen.size)
    else:
        speed(chosen.repeats, chosen.torch_python)


if __name__ == "__main__":
    main()
