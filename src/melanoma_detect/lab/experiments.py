"""Run the experiments: each mistake and its honest version, on the same worlds, over several seeds."""

from collections.abc import Callable, Iterable

import numpy as np

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.errors import DatasetError
from melanoma_detect.lab.drawn import draw_world
from melanoma_detect.lab.learners import Learner, find_learner
from melanoma_detect.lab.mistakes import Mistake, find_mistake, list_mistakes
from melanoma_detect.lab.real import divide_world, overlap, read_samples
from melanoma_detect.lab.results import MistakeResult, MistakeTable
from melanoma_detect.lab.samples import World
from melanoma_detect.lab.trials import Outcome, Trial
from melanoma_detect.utils.number_arguments import whole_number
from melanoma_detect.utils.progress import track
from melanoma_detect.utils.random import SEEDS, check_seed

_SEEDS = 10
_DRAWN, _REAL = 24, 150  # lesions of each class, unless told otherwise
_MAX_SEEDS = 1000
_MAX_LESIONS = 10_000


def run(
    mistake: str,
    data: Dataset | None = None,
    *,
    seeds: int = _SEEDS,
    learner: str | Learner = "forest",
    lesions: int | None = None,
    seed: int = 123,
    progress: bool = True,
) -> MistakeResult:
    """Make one classic mistake and its honest version, and measure what the mistake costs.

    Each trial has a study and lesions that nobody touches. The study is evaluated twice, with the mistake and without; each
    model is then measured on the untouched lesions. The price is what the mistaken study claims minus what its models truly
    do there.

    The learners are small and use colours and a coarse thumbnail at 32×32 pixels: the figures show the mistake, and say nothing
    about a detector.

    Args:
        mistake: One of `list_mistakes()`.
        data: A dataset whose images of all splits are used; None for drawn lesions, three views of each.
        seeds: The number of trials, 2 or more. On drawn lesions each has its own; on a dataset each divides the same anew.
        learner: `"nearest"`, `"forest"`, `"linear"`, or a function from a seed to a classifier with `fit(pixels, labels)` and
            `predict_proba(pixels)`. The price depends on it.
        lesions: Lesions of each class in the study, 10 or more: 24 by default for drawn lesions, with as many untouched; at
            most 150 for a dataset, with two thirds as many untouched.
        seed: Of the first trial.
        progress: Show a progress bar, where there is a screen.

    Returns:
        The figures with their intervals; printing it gives a sentence.

    Raises:
        DatasetError: There is no such mistake, or the dataset does not have what it needs.
        ModelError: There is no such learner.

    Examples:
        >>> result = run("split_by_image", seeds=3, lesions=10, learner="nearest")
        >>> result.claimed > result.true
        True
    """
    table = run_all(
        data, mistakes=[mistake], seeds=seeds, learner=learner, lesions=lesions, seed=seed, progress=progress
    )
    return table.results[0]


def run_all(
    data: Dataset | None = None,
    *,
    mistakes: Iterable[str] | None = None,
    seeds: int = _SEEDS,
    learner: str | Learner = "forest",
    lesions: int | None = None,
    seed: int = 123,
    progress: bool = True,
) -> MistakeTable:
    """Run every mistake; see `run`.

    Args:
        data: A dataset; None for drawn lesions.
        mistakes: The names of some mistakes; None for all.
        seeds: The number of trials, 2 or more.
        learner: What is trained.
        lesions: Lesions of each class.
        seed: Of the first trial.
        progress: Show a progress bar, where there is a screen.

    Returns:
        One result for each mistake; printing it gives a table.

    Raises:
        DatasetError: There is no such mistake, or the dataset does not have what one needs.
        ModelError: There is no such learner.

    Examples:
        >>> len(run_all(mistakes=["drop_unsure"], seeds=2, lesions=10, learner="linear"))
        1
    """
    names = [mistakes] if isinstance(mistakes, str) else mistakes
    chosen = list(list_mistakes()) if names is None else [find_mistake(name) for name in names]
    if not chosen:
        raise DatasetError("mistakes is empty; name one of list_mistakes(), or leave it out for all")
    count = whole_number(seeds, "seeds", DatasetError, low=2, below=_MAX_SEEDS + 1)
    first = check_seed(seed, DatasetError)
    name, make = find_learner(learner)
    if lesions is not None:
        lesions = whole_number(lesions, "lesions", DatasetError, low=10, below=_MAX_LESIONS + 1)
    numbers = [(first + position) % SEEDS for position in range(count)]
    world = _worlds(data, lesions)
    shared = 0.0 if data is None else overlap(world(first))
    outcomes: list[list[Outcome]] = [[] for _ in chosen]
    for number in track(numbers, "running trials", count, shown=progress):
        same = world(number)
        for own, one in zip(outcomes, chosen, strict=True):
            own.append(_outcome(one, same, make, number))
    return MistakeTable(
        tuple(
            MistakeResult.of(one, own, learner=name, drawn=data is None, overlap=shared)
            for one, own in zip(chosen, outcomes, strict=True)
        )
    )


def _worlds(data: Dataset | None, lesions: int | None) -> Callable[[int], World]:
    if data is None:
        return lambda number: draw_world(number, lesions or _DRAWN)
    if not isinstance(data, Dataset):
        raise DatasetError(f"data={data!r}; expected a Dataset (load_dataset), or None for drawn lesions")
    samples = read_samples(data)
    return lambda number: divide_world(samples, number, lesions or _REAL)


def _outcome(mistake: Mistake, world: World, learner: Learner, number: int) -> Outcome:
    """Return the mean of several divisions of one world, which depend on each other and count as one trial."""
    trial = Trial(world, learner, np.random.default_rng([number, 5]), number)
    return Outcome(*np.mean([mistake.procedure(trial) for _ in range(mistake.divisions)], axis=0).tolist())
