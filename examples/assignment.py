"""The assignment this library began as, reproduced with its mistake, to show what the mistake is worth.

The assignment added rotated copies to the training folder first and cut off a validation part afterwards. Most validation
images then have a turned twin in training, and the validation accuracy measures memory. This script does the same, on
purpose, and puts the same network's accuracy on the Test folder beside it. Nothing else in this project works in this
order, and `melanoma_detect.balance` cannot.

    python examples/assignment.py isic9

Figures are printed as `name value goal`; the goals are what the assignment reported.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import melanoma_detect as md  # before Keras: it turns on TensorFlow's faster kernels

# isort: split
import keras
import numpy as np
from PIL import Image

from melanoma_detect.data.augmentor import ASSIGNMENT, parse, seeded
from melanoma_detect.data.batches import Batches
from melanoma_detect.data.dataset import Record
from melanoma_detect.data.sources.folders import read_folder
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.images.pixel_cache import decode_all
from melanoma_detect.training.augmentation import augmentation_layers

SIZE = (180, 180)


def decoded(records: Sequence[Record], classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of some records."""
    labels = np.array([classes.index(record.label) for record in records])
    return decode_all([record.path for record in records], SIZE), labels


def rotated_copies(pixels: np.ndarray, labels: np.ndarray, add: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return Augmentor's rotated copies, `add` of each class, and the positions of their parents, drawn at random."""
    operation = parse(ASSIGNMENT)[0]
    rng = np.random.default_rng(seed)
    parents = np.concatenate([rng.choice(np.flatnonzero(labels == label), add) for label in np.unique(labels)])
    copies = pixels[parents]
    with seeded(seed):
        for at in np.flatnonzero(rng.random(len(copies)) < operation.probability):
            copies[at] = np.asarray(operation.apply(Image.fromarray(copies[at])))
    return copies, parents


def trained(
    train: Batches, validation: Batches, classes: int, epochs: int, seed: int
) -> tuple[Any, dict[str, list[float]]]:
    """Train the assignment's network the assignment's way: every epoch, no early stopping."""
    model = md.build_model("cnn", num_classes=classes, input_shape=(*SIZE, 3), seed=seed)
    with seeded(seed):
        pixels = x = keras.Input((*SIZE, 3))
        for layer in augmentation_layers(md.Augmentation()):
            x = layer(x)
        trainer = keras.Model(pixels, model(x))
        trainer.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = trainer.fit(train, validation_data=validation, epochs=epochs, verbose=2).history
    return model, history


def main() -> None:
    """Run the assignment and print what it reported beside what the network is worth."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="a folder with Train and Test, one folder per diagnosis in each")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--add", type=int, default=500, help="rotated copies of each class")
    parser.add_argument("--seed", type=int, default=123)
    options = parser.parse_args()

    contents = read_folder(options.folder)
    by_split = {split: [r for r in contents.records if r.split == split] for split in ("train", "test")}
    pixels, labels = decoded(by_split["train"], contents.classes)
    copies, parents = rotated_copies(pixels, labels, options.add, options.seed)
    origin = np.concatenate([np.arange(len(labels)), parents])
    pixels, labels = np.concatenate([pixels, copies]), labels[origin]

    # The mistake: the cut comes after the copies.
    order = np.random.default_rng(options.seed).permutation(len(labels))
    cut = len(order) // 5
    twins = np.isin(origin[order[:cut]], origin[order[cut:]]).mean()
    print(f"validation_images_with_a_twin_in_training {twins:.3f} -")
    train = Batches(pixels[order[cut:]], labels[order[cut:]], 32, shuffle=True, seed=options.seed)
    validation = Batches(pixels[order[:cut]], labels[order[:cut]], 32)
    model, history = trained(train, validation, len(contents.classes), options.epochs, options.seed)

    test_pixels, test_labels = decoded(by_split["test"], contents.classes)
    answers = np.asarray(model.predict(test_pixels, verbose=0), np.float64)
    test = measure(answers, test_labels, [record.id for record in by_split["test"]], contents.classes)
    as_they_are = model.predict(train.pixels, verbose=0).argmax(axis=1) == train.labels
    print(f"training_accuracy {as_they_are.mean():.3f} 0.80")
    print(f"training_accuracy_under_augmentation {history['accuracy'][-1]:.3f} -")
    print(f"validation_accuracy {history['val_accuracy'][-1]:.3f} 0.76")
    print(f"test_accuracy {test.figures['accuracy']}")
    print(f"test_melanoma_recall {test.recall.get('melanoma', 'no such class')}")


if __name__ == "__main__":
    main()
