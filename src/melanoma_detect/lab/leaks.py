"""Mistakes of the split: what the model has trained on comes back in the test images."""

import io

import numpy as np
from PIL import Image

from melanoma_detect.errors import DatasetError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.lab.samples import Samples, divide, join
from melanoma_detect.lab.trials import Outcome, Trial

SPLIT = (0.7, 0.3)  # train and test
COPIES = 4  # augmented copies of each image
TWICE = 1 / 3  # of the images are in the folder twice
_QUALITY = 70  # of the JPEG that a duplicate was saved as again: other bytes, the same picture


def augment_before_split(trial: Trial) -> Outcome:
    """Augment, then split: copies of one image stand on both sides.

    Args:
        trial: What to work with.

    Returns:
        Accuracies.
    """
    images = trial.world.development.first_views()
    copies = join(images, *(images.with_pixels(_augment(images.pixels, trial.rng)) for _ in range(COPIES)))
    train, test = divide(copies, np.arange(len(copies)), SPLIT, trial.rng)
    honest_train, honest_test = divide(images, images.lesions, SPLIT, trial.rng)
    augmented = copies.take(np.isin(copies.lesions, honest_train.lesions))
    return _compare(trial, (train, test), (augmented, honest_test), trial.untouched)


def split_by_image(trial: Trial) -> Outcome:
    """Split by image: views of one lesion stand on both sides.

    Args:
        trial: What to work with.

    Returns:
        Accuracies.

    Raises:
        DatasetError: Every lesion has one image.
    """
    images = trial.world.development
    if len(np.unique(images.lesions)) == len(images):
        raise DatasetError(
            "no lesion has two images here, so that a split by image is one by lesion; give images with several views of a "
            "lesion, and the table that names it (column lesion_id)"
        )
    train, test = divide(images, np.arange(len(images)), SPLIT, trial.rng)
    honest_train, honest_test = divide(images, images.lesions, SPLIT, trial.rng)
    return _compare(trial, (train, test), (honest_train, honest_test), trial.world.untouched)


def keep_duplicates(trial: Trial) -> Outcome:
    """Leave duplicates in: one image in three is in the folder a second time, under another name.

    Args:
        trial: What to work with.

    Returns:
        Accuracies.
    """
    images = trial.world.development.first_views()
    again = images.take(trial.rng.permutation(len(images))[: round(TWICE * len(images))])
    folder = join(images, again.with_pixels(_save_again(again.pixels)))
    train, test = divide(folder, np.arange(len(folder)), SPLIT, trial.rng)
    honest_train, honest_test = divide(images, images.lesions, SPLIT, trial.rng)
    return _compare(trial, (train, test), (honest_train, honest_test), trial.untouched)


def _compare(
    trial: Trial, mistaken: tuple[Samples, Samples], honest: tuple[Samples, Samples], untouched: Samples
) -> Outcome:
    models = [trial.train(train) for train, _ in (mistaken, honest)]
    claimed, honestly = (model.accuracy(test) for model, (_, test) in zip(models, (mistaken, honest), strict=True))
    true, honest_true = (model.accuracy(untouched) for model in models)
    return Outcome(claimed, true, honestly, honest_true)


def _augment(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return a copy of each image, turned, mirrored and in slightly other light, as augmentation makes them."""
    copies = np.empty_like(pixels)
    for number, image in enumerate(pixels):
        turned = np.rot90(image, int(rng.integers(4)))
        copies[number] = turned[:, ::-1] if rng.random() < 0.5 else turned
    lit = copies * rng.uniform(0.95, 1.05, (len(copies), 1, 1, 1))
    return np.clip(lit, 0, 255).astype(np.uint8)


def _save_again(pixels: Pixels) -> Pixels:
    again = np.empty_like(pixels)
    for number, image in enumerate(pixels):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=_QUALITY)
        again[number] = np.asarray(Image.open(file, formats=["JPEG"]))
    return again
