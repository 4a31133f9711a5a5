"""The university assignment that this library began as, reproduced with its data leak, to show the effect of the leak.

The assignment added rotated copies to the training folder first and split off a validation set afterwards. Most validation
images then have a rotated copy in training, so that validation accuracy measures memorisation. This script does the same on
purpose, and prints the same network's accuracy on the Test folder beside it. `melanoma_detect.balance` cannot make this
mistake: it augments the training split only.

    python examples/assignment.py isic9

Prints one line per figure: name, value, and the value that the assignment reported.
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

from melanoma_detect.data.augmentor import ASSIGNMENT, parse
from melanoma_detect.data.batches import Batches
from melanoma_detect.data.sources.folders import SourceImage, read_folder
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.images.pixel_cache import decode_all
from melanoma_detect.training.augmentation import augmentation_layers
from melanoma_detect.utils.random import seeded

SIZE = (180, 180)


def decode(images: Sequence[SourceImage], classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels and labels of images."""
    labels = np.array([classes.index(image.label) for image in images])
    return decode_all([image.path for image in images], SIZE), labels


def make_rotated_copies(pixels: np.ndarray, labels: np.ndarray, add: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rotated copies by Augmentor, `add` of each class, and the indices of their randomly drawn parents."""
    operation = parse(ASSIGNMENT)[0]
    rng = np.random.default_rng(seed)
    parents = np.concatenate([rng.choice(np.flatnonzero(labels == label), add) for label in np.unique(labels)])
    copies = pixels[parents]
    with seeded(seed):
        for index in np.flatnonzero(rng.random(len(copies)) < operation.probability):
            copies[index] = np.asarray(operation.apply(Image.fromarray(copies[index])))
    return copies, parents


def train_network(
    train: Batches, validation: Batches, classes: int, epochs: int, seed: int
) -> tuple[Any, dict[str, list[float]]]:
    """Train the assignment's network as the assignment did: all epochs, without early stopping."""
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
    """Run the assignment; print its validation accuracy beside the test accuracy."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="a folder with Train and Test, one folder per diagnosis in each")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--add", type=int, default=500, help="rotated copies of each class")
    parser.add_argument("--seed", type=int, default=123)
    options = parser.parse_args()

    contents = read_folder(options.folder)
    by_split = {split: [image for image in contents.images if image.split == split] for split in ("train", "test")}
    pixels, labels = decode(by_split["train"], contents.classes)
    copies, parents = make_rotated_copies(pixels, labels, options.add, options.seed)
    origin = np.concatenate([np.arange(len(labels)), parents])
    pixels, labels = np.concatenate([pixels, copies]), labels[origin]

    # The mistake: the validation set is split off after the copies were added.
    order = np.random.default_rng(options.seed).permutation(len(labels))
    held_out = len(order) // 5
    leaked = np.isin(origin[order[:held_out]], origin[order[held_out:]]).mean()
    print(f"validation_images_with_a_twin_in_training {leaked:.3f} -")
    train = Batches(pixels[order[held_out:]], labels[order[held_out:]], 32, shuffle=True, seed=options.seed)
    validation = Batches(pixels[order[:held_out]], labels[order[:held_out]], 32)
    model, history = train_network(train, validation, len(contents.classes), options.epochs, options.seed)

    test_pixels, test_labels = decode(by_split["test"], contents.classes)
    probabilities = np.asarray(model.predict(test_pixels, verbose=0), np.float64)
    test = measure(probabilities, test_labels, [image.id for image in by_split["test"]], contents.classes)
    is_correct = model.predict(train.pixels, verbose=0).argmax(axis=1) == train.labels
    print(f"training_accuracy {is_correct.mean():.3f} 0.80")
    print(f"training_accuracy_under_augmentation {history['accuracy'][-1]:.3f} -")
    print(f"validation_accuracy {history['val_accuracy'][-1]:.3f} 0.76")
    print(f"test_accuracy {test.figures['accuracy']}")
    print(f"test_melanoma_recall {test.recall.get('melanoma', 'no such class')}")


if __name__ == "__main__":
    main()
