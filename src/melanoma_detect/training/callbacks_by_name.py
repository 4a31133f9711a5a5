"""Callbacks by name, for the command line: Keras's own that need no more than a folder, and any that can be imported.

This module imports no Keras: names are checked before the seconds that Keras takes.
"""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from melanoma_detect.errors import DetectorError
from melanoma_detect.utils.suggest import did_you_mean

NAMES = ("tensorboard", "csv", "wandb")


def check_callback_names(names: Sequence[str]) -> None:
    """Raise DetectorError unless each name stands for a callback; nothing is imported.

    Args:
        names: `"tensorboard"`, `"csv"`, `"wandb"`, or `"package.module:Name"` for a callback of another package.

    Raises:
        DetectorError: A name is none of these, or occurs twice.

    Examples:
        >>> check_callback_names(["tensorboard", "my_package.callbacks:Notify"])
        >>> check_callback_names(["tensorbord"])
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: callback 'tensorbord'; did you mean 'tensorboard'? ...
    """
    for name in names:
        if name not in NAMES and not _is_import_path(name):
            raise DetectorError(
                f"callback {name!r}; {did_you_mean(name, NAMES)}expected {', '.join(NAMES)}, or package.module:Name"
            )
        if names.count(name) > 1:
            raise DetectorError(f"callback {name!r} is named {names.count(name)} times; expected each once")


def make_callbacks(names: Sequence[str], folder: Path) -> list[Any]:
    """Make callbacks from their names.

    Args:
        names: See `check_callback_names`. `"tensorboard"` writes event files below `folder / "tensorboard"`, `"csv"` one row an
            epoch to `folder / "epochs.csv"`, to which a resumed training appends; `"wandb"` records to the run of Weights &
            Biases that `wandb.init` has opened, or opens one. What `"package.module:Name"` names is called without arguments,
            or taken as it is where it is a callback already.
        folder: The folder of logs; a callback makes it where it needs it.

    Returns:
        Keras callbacks, in the order of the names.

    Raises:
        DetectorError: A name is unknown, its package is not installed, or what it names is not a callback.

    Examples:
        >>> make_callbacks(["csv"], Path("logs"))
        [<keras.src.callbacks.csv_logger.CSVLogger object at ...>]
    """
    check_callback_names(names)
    return [_BUILDERS.get(name, lambda _, name=name: _imported(name))(folder) for name in names]


def _is_import_path(name: str) -> bool:
    module, colon, attribute = name.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *attribute.split(".")))


def _tensorboard(folder: Path) -> Any:
    return _import("keras").callbacks.TensorBoard(str(folder / "tensorboard"))


def _csv(folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    return _import("keras").callbacks.CSVLogger(str(folder / "epochs.csv"), append=True)


def _wandb(folder: Path) -> Any:
    wandb = _import("wandb", install="wandb")
    if wandb.run is None:
        folder.mkdir(parents=True, exist_ok=True)
        wandb.init(dir=str(folder))
    return _import("wandb.integration.keras", install="wandb").WandbMetricsLogger()


_BUILDERS: dict[str, Callable[[Path], Any]] = {"tensorboard": _tensorboard, "csv": _csv, "wandb": _wandb}


def _imported(name: str) -> Any:
    """Return the callback that `package.module:Name` names."""
    module, _, attribute = name.partition(":")
    found: Any = _import(module)
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            public = [own for own in dir(found) if not own.startswith("_")]
            raise DetectorError(
                f"callback {name!r}: {module} has no {attribute}; {did_you_mean(part, public)}expected the name of a Keras "
                "callback, or of a function that returns one"
            ) from error
    base = _import("keras").callbacks.Callback
    if isinstance(found, base):
        return found
    try:
        made = found()
    except TypeError as error:
        raise DetectorError(
            f"callback {name!r}: cannot be made without arguments ({error}); name a function that returns it"
        ) from error
    if not isinstance(made, base):
        raise DetectorError(f"callback {name!r}: is a {type(made).__name__}; expected a Keras callback")
    return made


def _import(module: str, install: str = "") -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        advice = f"pip install {install}" if install else "install its package, or run in the folder that holds it"
        raise DetectorError(f"callback: {module} cannot be imported ({error}); {advice}") from error
