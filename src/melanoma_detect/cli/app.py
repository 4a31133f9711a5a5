"""The Typer app, and what its commands share: options, error messages, tables."""

import contextlib
import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import melanoma_detect as md
from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.utils.disclaimer import DISCLAIMER

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Classify nine skin lesions and alert a dermatologist to melanoma.",
    epilog=DISCLAIMER,
)

FolderArgument = Annotated[
    Path,
    typer.Argument(
        help="Folder with Train/ and Test/ (each with one folder per diagnosis), or with one folder per diagnosis."
    ),
]
DetectorOption = Annotated[
    Path | None,
    typer.Option(
        "--detector",
        "-d",
        help="Detector file, or the run folder that holds it.",
        show_default="the one that comes with the library",
    ),
]
SensitivityOption = Annotated[
    float | None,
    typer.Option(help="Sensitivity for the target; sets the alert threshold.", show_default="the detector's own"),
]
TargetOption = Annotated[
    str | None,
    typer.Option(
        help="Target of the alert: melanoma, or malignant (any malignant diagnosis).", show_default="the detector's own"
    ),
]
ViewsOption = Annotated[
    int | None,
    typer.Option(
        help="Test-time augmentation: average over 1, 4 or 8 flips and rotations of each image.",
        show_default="the detector's own",
    ),
]
SeedOption = Annotated[int, typer.Option(help="Random seed.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the run folder if it exists.")]


def load_detector(
    path: Path | None, sensitivity: float | None, target: str | None, views: int | None, threads: int | None = None
) -> "md.Detector":
    """Load a detector and apply the options of the command line.

    Args:
        path: Its file or run folder; None for the default detector.
        sensitivity: See `Detector.at`; None for the detector's own.
        target: See `Detector.at`; None for the detector's own.
        views: See `Detector.at`; None for the detector's own.
        threads: Threads in one call of the model; None for every core.

    Returns:
        The detector.

    Raises:
        DetectorError: There is no such detector, or it does not support an option.
    """
    loaded = md.Detector.load(path, threads=threads)
    if sensitivity is None and target is None and views is None:
        return loaded
    return loaded.at(sensitivity=sensitivity, target=cast("Any", target), views=views)


def check_architecture(name: str) -> None:
    """Raise an error unless an architecture is installed; does not import Keras.

    Args:
        name: The architecture's name.

    Raises:
        UnknownModelError: No package offers it.
        ModelError: Two packages offer it.
    """
    from melanoma_detect.models.registry import find_entry  # noqa: PLC0415 - --help stays fast

    find_entry(name)


def import_keras_quietly() -> None:
    """Import Keras with standard error redirected: TensorFlow's C++ code writes notes there that no setting turns off."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its advice on retracing is for developers
    sys.stderr.flush()
    stderr = os.dup(2)
    with Path(os.devnull).open("w", encoding="utf-8") as devnull:
        os.dup2(devnull.fileno(), 2)  # the descriptor itself: C++ does not write through sys.stderr
        try:
            importlib.import_module("keras")
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@contextlib.contextmanager
def show_errors() -> Iterator[None]:
    """Show this library's warnings and errors as one line each, and exit with status 1 after an error."""

    def show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, (md.errors.DataWarning, md.errors.DetectorWarning)):
            make_console(stderr=True, soft_wrap=True).print(f"[yellow]Note:[/] {escape_markup(message)}")

    warnings.showwarning = show_warning
    try:
        yield
    except MelanomaDetectError as error:
        make_console(stderr=True, soft_wrap=True).print(f"[red]Error:[/] {escape_markup(error)}")
        sys.exit(1)


# rich takes a tenth of a second to import: these import it only for a command that prints a table or a message.
def make_console(**options: Any) -> "Console":
    """Return a console that prints tables and messages, without highlighting numbers and paths.

    Args:
        **options: Of rich's `Console`.

    Returns:
        The console.
    """
    from rich.console import Console  # noqa: PLC0415

    return Console(**{"highlight": False} | options)


def make_table(*columns: str, **options: Any) -> "Table":
    """Return an empty table without lines.

    Args:
        *columns: Column titles.
        **options: Of rich's `Table`.

    Returns:
        The table.
    """
    from rich.table import Table  # noqa: PLC0415

    return Table(*columns, **{"box": None, "pad_edge": False} | options)


def escape_markup(text: object) -> str:
    r"""Return a text that rich prints unchanged.

    Args:
        text: Anything.

    Returns:
        The text, with square brackets escaped.

    Examples:
        >>> escape_markup("[bold]")
        '\\[bold]'
    """
    return str(text).replace("[", r"\[")
