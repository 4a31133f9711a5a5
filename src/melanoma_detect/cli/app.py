"""What the verbs of the command line share: options, messages, tables."""

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
    help="Tell nine skin lesions apart and alert a dermatologist to melanoma.",
    epilog=DISCLAIMER,
)

Folder = Annotated[Path, typer.Argument(help="Train/ and Test/ with one folder per diagnosis, or such folders alone.")]
DetectorOption = Annotated[
    Path | None,
    typer.Option(
        "--detector",
        "-d",
        help="A detector's file, or the run folder that holds it; the one that comes with the library unless given.",
    ),
]
Sensitivity = Annotated[
    float | None, typer.Option(help="Share of melanomas that must raise an alert; the detector's own unless given.")
]
Target = Annotated[
    str | None, typer.Option(help="What to alert to: melanoma, or malignant for any malignant diagnosis.")
]
Views = Annotated[int | None, typer.Option(help="Look at each image in 1, 4 or 8 ways (mirrored, turned), averaged.")]
Seed = Annotated[int, typer.Option(help="Where every random choice comes from.")]
Epochs = Annotated[int, typer.Option(help="Epochs at most; training stops early where validation stops improving.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a run folder that is there.")]


def used(
    detector: Path | None,
    sensitivity: float | None,
    target: str | None,
    views: int | None,
    threads: int | None = None,
) -> "md.Detector":
    """Load a detector and use it as the options say.

    Args:
        detector: Its file or run folder; None for the default detector.
        sensitivity: See `Detector.at`; its own where it is None.
        target: Likewise.
        views: Likewise.
        threads: How many threads one call of the model may use; every core where it is None.

    Returns:
        The detector.

    Raises:
        DetectorError: There is none, or it cannot be used so.
    """
    loaded = md.Detector.load(detector, threads=threads)
    if sensitivity is None and target is None and views is None:
        return loaded
    return loaded.at(sensitivity=sensitivity, target=cast("Any", target), views=views)


def find_entry(model: str) -> None:
    """Refuse a name that no architecture has, before Keras is imported.

    Args:
        model: The name.

    Raises:
        UnknownModelError: Nobody offers it.
        ModelError: Two packages offer it.
    """
    from melanoma_detect.models.registry import find_entry  # noqa: PLC0415 - reads every package's entry points

    find_entry(model)


def load_keras_quietly() -> None:
    """Import Keras with standard error shut: TensorFlow's C++ writes notes there that no setting turns off."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its advice on retracing is not for users
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            importlib.import_module("keras")
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextlib.contextmanager
def messages() -> Iterator[None]:
    """Show warnings and errors of this library as one line each."""

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, (md.errors.DataWarning, md.errors.DetectorWarning)):
            console(stderr=True, highlight=False, soft_wrap=True).print(f"[yellow]Note:[/] {escaped(message)}")

    warnings.showwarning = show
    try:
        yield
    except MelanomaDetectError as error:
        console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]Error:[/] {escaped(error)}")
        sys.exit(1)


# rich takes a tenth of a second to import: only who shows a table or a message waits for it.
def console(**options: Any) -> "Console":
    """Return a console to print tables and messages on.

    Args:
        **options: What rich's `Console` takes.

    Returns:
        The console.
    """
    from rich.console import Console  # noqa: PLC0415

    return Console(**options)


def table_of(*columns: str, **options: Any) -> "Table":
    """Return an empty table without lines.

    Args:
        *columns: Their titles.
        **options: What rich's `Table` takes.

    Returns:
        The table.
    """
    from rich.table import Table  # noqa: PLC0415

    return Table(*columns, **{"box": None, "pad_edge": False} | options)


def escaped(text: object) -> str:
    r"""Return a text that rich prints as it is.

    Args:
        text: Anything.

    Returns:
        The text, with square brackets marked.

    Examples:
        >>> escaped("[bold]")
        '\\[bold]'
    """
    return str(text).replace("[", r"\[")
