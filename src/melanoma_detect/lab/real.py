"""Worlds of a dataset's own images: lesions for the study, and others that stay untouched, drawn anew in each trial."""

from collections import Counter

import numpy as np

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.record import Record
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DatasetError
from melanoma_detect.lab.samples import SIDE, Samples, World
from melanoma_detect.utils.counts import count_noun

UNTOUCHED = 0.4  # of the lesions of each class
_FEWEST = 10  # lesions of a class: fewer leave none for some part


def read_samples(data: Dataset) -> Samples:
    """Read the images of a dataset, of all its splits, at 32×32 pixels.

    Left out are copies that `balance` made, lesions with two labels, classes of fewer than ten lesions, and labels that cover
    several classes.

    Args:
        data: The dataset. Its groups are what counts as one lesion.

    Returns:
        The images: 3 kB each.

    Raises:
        DatasetError: Fewer than two classes are left.
        ImageError: An image cannot be decoded.

    Examples:
        >>> read_samples(data).pixels.shape[1:]
        (32, 32, 3)
    """
    originals = [record for record in data.records if record.parent is None]
    pairs = {(record.label, record.group) for record in originals}
    labels_of = Counter(group for _, group in pairs)
    lesions = Counter(label for label, group in pairs if labels_of[group] == 1)
    records = [record for record in originals if labels_of[record.group] == 1]
    classes = tuple(label for label in data.classes if lesions[label] >= _FEWEST)
    if len(classes) < 2:
        raise DatasetError(
            f"{count_noun(len(classes), 'class has', 'classes have')} {_FEWEST} lesions or more; the mistake lab needs two "
            "such classes: add images, or leave data out to use drawn lesions"
        )
    chosen = [record for record in records if record.label in classes]
    return Samples(_read(data, chosen), *_numbers(chosen, classes), classes)


def divide_world(samples: Samples, seed: int, lesions: int) -> World:
    """Divide a dataset's images by lesion into a study and untouched lesions.

    Args:
        samples: The images.
        seed: The same seed gives the same world.
        lesions: At most this many lesions of each class in the study, and two thirds as many untouched ones.

    Returns:
        The world: 60 % of the lesions of each class for the study, 40 % untouched, or fewer.

    Examples:
        >>> world = divide_world(read_samples(data), 1, 100)
        >>> set(world.development.lesions) & set(world.untouched.lesions)
        set()
    """
    rng = np.random.default_rng([seed, 18])
    study: list[int] = []
    untouched: list[int] = []
    # The same share of each class, so that both hold the same mix of diagnoses.
    most = round(lesions * UNTOUCHED / (1 - UNTOUCHED))
    for label in range(len(samples.classes)):
        own = rng.permutation(np.unique(samples.lesions[samples.labels == label]))
        cut = round(UNTOUCHED * len(own))
        untouched += list(own[:cut][:most])
        study += list(own[cut:][:lesions])
    return World(samples.take(np.isin(samples.lesions, study)), samples.take(np.isin(samples.lesions, untouched)))


def overlap(world: World) -> float:
    """Return how many untouched lesions there are for each lesion of the study.

    Args:
        world: A world of a dataset's own images.

    Returns:
        The ratio, by which `intervals.corrected_mean` widens its interval.

    Examples:
        >>> overlap(World(read_samples(data), read_samples(data).first_views()))
        1.0
    """
    return len(np.unique(world.untouched.lesions)) / len(np.unique(world.development.lesions))


def _read(data: Dataset, records: list[Record]) -> np.ndarray:
    split = Split(
        "train", tuple(records), data.classes, (SIDE, SIDE), data.batch_size, data.resize, decoded=data.decoded
    )
    return split.pixels((SIDE, SIDE))


def _numbers(records: list[Record], classes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    number: dict[str, int] = {}
    lesions = [number.setdefault(record.group, len(number)) for record in records]
    return np.array([classes.index(record.label) for record in records]), np.array(lesions)
