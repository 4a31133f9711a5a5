"""Training checkpoints: one file from which an interrupted training resumes at its last complete epoch.

A checkpoint holds everything that decides how a training continues: the weights, the optimiser's state and moving averages,
the states of all random generators, the best weights so far, and the history. It is written to a temporary file and renamed,
so that the folder holds the last complete epoch at every moment. It contains arrays and JSON, and no pickle.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.errors import DetectorError, OutputError
from melanoma_detect.training.recipes import Recipe
from melanoma_detect.utils.files import atomic_file, convert_write_errors
from melanoma_detect.utils.locks import exclusive, lock_path
from melanoma_detect.utils.partial_paths import remove_leftovers
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import open_regular

FILE = "last.npz"
_FORMAT = 1
_NAMES_IN_0_1 = {"pictures": "images", "picture_size": "image_size"}  # checkpoints of version 0.1 can be resumed

Arrays = list[NDArray[Any]]


@dataclass
class TrainingState:
    """The state of a training after an epoch.

    Attributes:
        phase: The number of the phase, from 0; see `fine_tuning.plan_phases`.
        in_phase: The number of completed epochs of this phase.
        stopped: Whether the phase is complete, by its number of epochs or by early stopping.
        history: The loss and accuracy of each epoch, by column.
        seconds: The duration of each epoch.
        best: The lowest validation loss.
        best_in_phase: The lowest validation loss of this phase.
        waited: The number of epochs since then.
        precision: The precision of the training.
        variables: Every variable of the network and of its optimiser, in their order.
        best_weights: The model's weights in the best epoch; empty if no loss was finite.
        ended: Whether a callback of the user has stopped the training, so that no phase follows.
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
    variables: Arrays = field(default_factory=list)
    best_weights: Arrays = field(default_factory=list)
    ended: bool = False

    def begin(self, phase: int) -> None:
        """Start another phase.

        Args:
            phase: Its number.

        Examples:
            >>> state = TrainingState(in_phase=3, stopped=True)
            >>> state.begin(1)
            >>> state.phase, state.in_phase, state.stopped
            (1, 0, False)
        """
        self.phase, self.in_phase, self.stopped = phase, 0, False
        self.best_in_phase, self.waited = float("inf"), 0


def checkpoint_path(folder: "str | os.PathLike[str]") -> Path:
    """Return the path of the checkpoint in a folder.

    Args:
        folder: The folder of checkpoints.

    Returns:
        The file's path; the file may not exist.

    Examples:
        >>> checkpoint_path("checkpoints").name
        'last.npz'
    """
    return expand_path(folder, DetectorError) / FILE


@contextlib.contextmanager
def one_training(folder: "str | os.PathLike[str] | None", process: int = 0) -> Iterator[None]:
    """Hold a folder of checkpoints during a block: two trainings in turns would leave the epochs of both.

    Args:
        folder: The folder, which is made; None for a training without checkpoints.
        process: The number of this process in its training; process 0 writes the checkpoints, and is the one that is refused.

    Raises:
        OutputError: Another process trains there, or nothing can be written there.

    Examples:
        >>> with one_training("checkpoints"):
        ...     pass
    """
    if folder is None or process:
        yield
        return
    path = checkpoint_path(folder)
    is_new = not path.parent.exists()
    try:
        with contextlib.ExitStack() as stack:
            with convert_write_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(exclusive(lock_path(path), lambda: _busy_error(path)))
            yield
    finally:
        if is_new:
            with contextlib.suppress(OSError):  # where a checkpoint has been written
                path.parent.rmdir()


def _busy_error(path: Path) -> OutputError:
    return OutputError(f"{path}: another process is training with it; wait for that one, or choose another folder")


def write(path: Path, state: TrainingState, training: dict[str, Any]) -> None:
    """Write a checkpoint, completely or not at all.

    Args:
        path: The file.
        state: The state of the training.
        training: What identifies the training; see `describe_training`.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> write(Path("checkpoints/last.npz"), TrainingState(seconds=[1.0]), {"seed": 1})
        >>> read(Path("checkpoints/last.npz"), {"seed": 1}).seconds
        [1.0]
    """
    about = {name: value for name, value in vars(state).items() if name not in ("variables", "best_weights")}
    about |= {"format": _FORMAT, "training": training}
    arrays = {f"state_{index}": values for index, values in enumerate(state.variables)}
    arrays |= {f"best_{index}": values for index, values in enumerate(state.best_weights)}
    with atomic_file(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, about=np.array(json.dumps(about)), **arrays)
        file.flush()
        os.fsync(file.fileno())  # the bytes must be on disk before the rename is


def read(path: Path, training: dict[str, Any]) -> TrainingState:
    """Read a checkpoint and check that it belongs to this training.

    Args:
        path: The file.
        training: What identifies the training that is to be resumed; see `describe_training`.

    Returns:
        The state of the training.

    Raises:
        DetectorError: The file is not a checkpoint, or belongs to another training; the message names what differs.

    Examples:
        >>> write(Path("checkpoints/last.npz"), TrainingState(), {"seed": 1})
        >>> read(Path("checkpoints/last.npz"), {"seed": 2})
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: checkpoints/last.npz: belongs to another training (seed 1, here 2); ...
    """
    try:
        with open_regular(path, DetectorError) as opened, np.load(opened, allow_pickle=False) as file:
            about = dict(json.loads(str(file["about"])))
            is_readable = about.pop("format", None) == _FORMAT
            stored = {_NAMES_IN_0_1.get(name, name): value for name, value in about.pop("training", {}).items()}
            variables, best = (_read_arrays(file, prefix) for prefix in ("state", "best"))
        state = TrainingState(**about, variables=variables, best_weights=best) if is_readable else TrainingState()
    except DetectorError:
        raise
    except Exception as error:  # of NumPy, zipfile and zlib; what damaged bytes raise is documented nowhere
        raise DetectorError(
            f"{path}: not a checkpoint of a training ({error}); delete it to train from the start"
        ) from error
    if not is_readable:
        raise DetectorError(f"{path}: written by another version of this library; delete it to train from the start")
    _check_training(path, stored, json.loads(json.dumps(training)))
    return state


def describe_training(
    model: Any, data: Dataset, recipe: Recipe, *, epochs: int, seed: int, size: tuple[int, int]
) -> dict[str, Any]:
    """Return what identifies a training: a checkpoint is resumed only if all of it is equal.

    Args:
        model: The model.
        data: The dataset.
        recipe: How the model is trained.
        epochs: The largest number of epochs, on which a learning-rate schedule depends.
        seed: The seed of the training.
        size: `(height, width)` of the images.

    Returns:
        Values that JSON can hold.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> describe_training(model, data, Recipe(), epochs=3, seed=1, size=(32, 32))["seed"]
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
    """Delete a folder's checkpoint, and the folder if it is then empty.

    Args:
        folder: The folder of checkpoints.

    Examples:
        >>> write(Path("checkpoints/last.npz"), TrainingState(), {})
        >>> remove("checkpoints")
        >>> Path("checkpoints").exists()
        False
    """
    path = checkpoint_path(folder)
    path.unlink(missing_ok=True)
    remove_leftovers(path.parent)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def _read_arrays(file: Any, prefix: str) -> Arrays:
    count = sum(name.startswith(f"{prefix}_") for name in file.files)
    return [file[f"{prefix}_{index}"] for index in range(count)]


def _check_training(path: Path, stored: dict[str, Any], expected: dict[str, Any]) -> None:
    different = [name for name in sorted({*stored, *expected}) if stored.get(name) != expected.get(name)]
    if different:
        listed = ", ".join(_describe_difference(name, stored.get(name), expected.get(name)) for name in different)
        raise DetectorError(
            f"{path}: belongs to another training ({listed}); pass the same arguments to resume it, or delete it to train "
            "from the start"
        )


def _describe_difference(name: str, stored: Any, expected: Any) -> str:
    if isinstance(stored, dict) and isinstance(expected, dict):
        keys = [key for key in {**stored, **expected} if stored.get(key) != expected.get(key)]
        return ", ".join(_describe_difference(f"{name}.{key}", stored.get(key), expected.get(key)) for key in keys)
    long = isinstance(stored, Sequence) and len(stored) > 20
    return f"other {name}" if long else f"{name} {stored}, here {expected}"
