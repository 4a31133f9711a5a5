"""A training that was cut off goes on from its last whole epoch.

A checkpoint is one file that holds everything which decides how a training goes on: the weights, the optimiser's state and
moving averages, the states of all random generators, the best weights so far, and the history. It is written under another
name and renamed, so that the folder holds the last whole epoch at every moment. It is plain arrays and JSON, no pickle.
"""

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.errors import DetectorError
from melanoma_detect.training.recipes import Recipe
from melanoma_detect.utils.files import writing_to

FILE = "last.npz"
_FORMAT = 1

Arrays = list[NDArray[Any]]


@dataclass
class TrainingState:
    """Where a training stands after an epoch.

    Attributes:
        phase: The number of the phase, from 0; see `phases`.
        in_phase: Epochs of this phase that are done.
        stopped: Whether the phase is over, by its epochs or by patience.
        history: What each epoch came to, by column.
        seconds: How long each took.
        best: The lowest validation loss.
        best_in_phase: The lowest of this phase.
        waited: Epochs since then.
        precision: What the training computes in.
        state: Every variable of the network and of its optimiser, in their order.
        best_weights: The model's weights in the best epoch; empty where no loss was finite.
    """

    phase: int = 0
    in_phase: int = 0
    stopped: bool = False
    history: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    best: float = float("inf")
    best_in_phase: float = float("inf")
    waited: int = 0
    precision: str = "float32"
    state: Arrays = field(default_factory=list)
    best_weights: Arrays = field(default_factory=list)

    def begin(self, phase: int) -> None:
        """Start another phase.

        Args:
            phase: Its number.

        Examples:
            >>> standing = TrainingState(in_phase=3, stopped=True)
            >>> standing.begin(1)
            >>> standing.phase, standing.in_phase, standing.stopped
            (1, 0, False)
        """
        self.phase, self.in_phase, self.stopped = phase, 0, False
        self.best_in_phase, self.waited = float("inf"), 0


def place_of(folder: "str | os.PathLike[str]") -> Path:
    """Return the checkpoint's file in a folder.

    Args:
        folder: The folder of checkpoints.

    Returns:
        The file's path; it may not exist.

    Examples:
        >>> place_of("checkpoints").name
        'last.npz'
    """
    return Path(folder) / FILE


def write(place: Path, standing: TrainingState, training: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        place: The file.
        standing: Where the training stands.
        training: Which training this is; see `identity`.

    Raises:
        OutputError: The place cannot be written.

    Examples:
        >>> write(Path("checkpoints/last.npz"), TrainingState(seconds=[1.0]), {"seed": 1})
        >>> read(Path("checkpoints/last.npz"), {"seed": 1}).seconds
        [1.0]
    """
    about = {name: value for name, value in vars(standing).items() if name not in ("state", "best_weights")}
    about |= {"format": _FORMAT, "training": training}
    arrays = {f"state_{at}": values for at, values in enumerate(standing.state)}
    arrays |= {f"best_{at}": values for at, values in enumerate(standing.best_weights)}
    partial = place.with_name(f".{place.name}-{os.getpid()}")
    with writing_to(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                np.savez(file, allow_pickle=False, about=np.array(json.dumps(about)), **arrays)
                file.flush()
                os.fsync(file.fileno())  # the rename must not be on disk before the bytes
            partial.replace(place)
        finally:
            partial.unlink(missing_ok=True)


def read(place: Path, training: dict[str, Any]) -> TrainingState:
    """Read a checkpoint of this very training.

    Args:
        place: The file.
        training: Which training is to go on; see `identity`.

    Returns:
        Where it stands.

    Raises:
        DetectorError: The file is no checkpoint, or one of another training; the message says what differs.

    Examples:
        >>> write(Path("checkpoints/last.npz"), TrainingState(), {"seed": 1})
        >>> read(Path("checkpoints/last.npz"), {"seed": 2})
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: checkpoints/last.npz: belongs to another training (seed 1, here 2); ...
    """
    try:
        with np.load(place, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            state, best = (_series(file, prefix) for prefix in ("state", "best"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DetectorError(f"{place}: no checkpoint of a training ({error}); delete it to start anew") from error
    if about.pop("format", None) != _FORMAT:
        raise DetectorError(f"{place}: written by another version of this library; delete it to start anew")
    _refuse_other(place, about.pop("training"), json.loads(json.dumps(training)))
    return TrainingState(**about, state=state, best_weights=best)


def identity(
    model: Any, data: Dataset, recipe: Recipe, *, epochs: int, seed: int, size: tuple[int, int]
) -> dict[str, Any]:
    """Return what makes a training this one and no other.

    Args:
        model: The model that is trained.
        data: What it learns from.
        recipe: How.
        epochs: How many epochs at most: a schedule ends with them.
        seed: Where its random numbers come from.
        size: `(height, width)` of the images.

    Returns:
        Values that JSON can hold.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> identity(model, data, Recipe(), epochs=3, seed=1, size=(32, 32))["seed"]
        1
    """
    digest = hashlib.sha256()
    for record in (*data.train, *data.validation):
        digest.update(f"{record.digest} {record.label} {record.split} {record.weight}\n".encode())
    return {
        "model": getattr(model, "architecture", {}).get("name", model.name),
        "weights": [list(weight.shape) for weight in model.weights],
        "images": digest.hexdigest(),
        "image_size": list(size),
        "batch_size": data.batch_size,
        "classes": list(data.classes),
        "recipe": asdict(recipe),
        "epochs": epochs,
        "seed": seed,
    }


def remove(folder: "str | os.PathLike[str]") -> None:
    """Take a folder's checkpoint away, and the folder where nothing else is in it.

    Args:
        folder: The folder of checkpoints.

    Examples:
        >>> write(Path("checkpoints/last.npz"), TrainingState(), {})
        >>> remove("checkpoints")
        >>> Path("checkpoints").exists()
        False
    """
    place = place_of(folder)
    place.unlink(missing_ok=True)
    for left in place.parent.glob(f".{FILE}-*"):  # a kill while writing leaves one
        left.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        place.parent.rmdir()


def _series(file: Any, prefix: str) -> Arrays:
    count = sum(name.startswith(f"{prefix}_") for name in file.files)
    return [file[f"{prefix}_{at}"] for at in range(count)]


def _refuse_other(place: Path, found: dict[str, Any], expected: dict[str, Any]) -> None:
    different = [name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name)]
    if different:
        listed = ", ".join(_difference(name, found.get(name), expected.get(name)) for name in different)
        raise DetectorError(
            f"{place}: belongs to another training ({listed}); give the same arguments to go on with it, or delete it to "
            "start anew"
        )


def _difference(name: str, found: Any, expected: Any) -> str:
    if isinstance(found, dict) and isinstance(expected, dict):
        inside = [key for key in {**found, **expected} if found.get(key) != expected.get(key)]
        return ", ".join(_difference(f"{name}.{key}", found.get(key), expected.get(key)) for key in inside)
    long = isinstance(found, Sequence) and len(found) > 20
    return f"other {name}" if long else f"{name} {found}, here {expected}"
