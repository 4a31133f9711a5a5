"""The Typer app, and what its commands share: options, error messages, tables."""

import contextlib
import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, MelanomaDetectError
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.outputs import expand_path

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

SourcesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="SOURCE",
        parser=expand_path,
        help="Folder with Train/ and Test/, with one folder per diagnosis, or of images with a table; or a zip of one. "
        "Several become one dataset.",
    ),
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="TABLE",
        parser=expand_path,
        help="Table with the label of each image, such as CSV, Excel or Parquet.",
        show_default="the tables in the source",
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="OLD=NEW", help="Rename a label, or leave its images out (OLD=); may be repeated."),
]
RareOption = Annotated[
    str,
    typer.Option(
        metavar="train|exclude|error",
        help="Classes with too few images for every split: keep them in training, exclude them, or stop.",
    ),
]
DetectorOption = Annotated[
    Path | None,
    typer.Option(
        "--detector",
        "-d",
        metavar="PATH",
        parser=expand_path,
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
ImageTypeOption = Annotated[
    str | None,
    typer.Option(
        metavar="dermoscopy|clinical|auto",
        help="Type of all images: dermoscopy, clinical (photographs without a dermatoscope), or auto to recognise it.",
        show_default="the detector's own",
    ),
]
SeedOption = Annotated[int, typer.Option(help="Random seed.")]
OverwriteRunOption = Annotated[bool, typer.Option("--overwrite", help="Replace the run folder if it exists.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the output if it exists. An input is never replaced.")
]


def load_detector(
    path: Path | None,
    sensitivity: float | None,
    target: str | None,
    views: int | None,
    image_type: str | None = None,
    *,
    threads: int | None = None,
) -> "md.Detector":
    """Load a detector and apply the options of the command line.

    Args:
        path: Its file or run folder; None for the default detector.
        sensitivity: See `Detector.at`; None for the detector's own.
        target: See `Detector.at`; None for the detector's own.
        views: See `Detector.at`; None for the detector's own.
        image_type: See `Detector.at`; None for the detector's own.
        threads: Threads in one call of the model; None for every core.

    Returns:
        The detector.

    Raises:
        DetectorError: There is no such detector, or it does not support an option.
    """
    loaded = md.Detector.load(path, threads=threads)
    if sensitivity is None and target is None and views is None and image_type is None:
        return loaded
    return loaded.at(
        sensitivity=sensitivity, target=cast("Any", target), views=views, image_type=cast("Any", image_type)
    )


def load_images(
    sources: Sequence[Path], labels: Path | None, names: Sequence[str] | None, rare: str | None = None, **options: Any
) -> "md.Dataset":
    """Load a dataset as the command line names it.

    Args:
        sources: Folders and zip files.
        labels: The table that labels their images; None for those in the sources.
        names: What `--map` gives.
        rare: See `load_dataset`; None for its default.
        **options: Further arguments of `load_dataset`.

    Returns:
        The dataset.

    Raises:
        DatasetError: A source or an argument cannot be used.
    """
    return md.load_dataset(**dataset_arguments(sources, labels, names, rare), **options)


def dataset_arguments(
    sources: Sequence[Path], labels: Path | None, names: Sequence[str] | None, rare: str | None = None
) -> dict[str, Any]:
    """Return the arguments of `load_dataset` that the command line names.

    Args:
        sources: Folders and zip files.
        labels: The table that labels their images; None for those in the sources.
        names: What `--map` gives.
        rare: See `load_dataset`; None for its default.

    Returns:
        Keywords of `load_dataset`.

    Raises:
        DatasetError: A source is missing, or a label is mapped wrongly.

    Examples:
        >>> dataset_arguments([isic9], None, ["nv=nevus", "scar="])["label_map"]
        {'nv': 'nevus', 'scar': None}
    """
    check_sources([*sources, *([labels] if labels else [])])
    arguments: dict[str, Any] = {} if rare is None else {"rare": rare}
    if names:
        arguments["label_map"] = _parse_label_map(names)
    if labels is None:
        return arguments | {"source": list(sources) if len(sources) > 1 else sources[0]}
    if len(sources) > 1:
        return arguments | {"source": [(source, labels) for source in sources]}
    return arguments | {"images": sources[0], "labels": labels}


def check_sources(paths: Sequence[Path]) -> None:
    """Raise DatasetError for a folder or file that is not there.

    Args:
        paths: Folders, zip files and tables.

    Raises:
        DatasetError: One of them is missing.

    Examples:
        >>> check_sources([isic9])
    """
    missing = next((path for path in paths if not path.exists()), None)
    if missing is not None:
        raise DatasetError(f"{missing}: no such folder or file; expected a folder of images, a zip of one, or a table")


def _parse_label_map(pairs: Sequence[str]) -> dict[str, str | None]:
    """Return `--map` as `label_map` of `load_dataset`; a label that is dropped has None."""
    names: dict[str, str | None] = {}
    for pair in pairs:
        old, equals, new = (part.strip() for part in pair.partition("="))
        if not old or not equals:
            raise DatasetError(f"--map {pair}: expected OLD=NEW, such as --map nv=nevus, or OLD= to leave a label out")
        if old in names:
            raise DatasetError(f"--map {pair}: the label {old!r} is mapped twice; give it one name")
        names[old] = new or None
    return names


def detector_files(detector: Path | None) -> list[Path]:
    """Return the files of a detector that a command reads, which no command overwrites.

    Args:
        detector: Its file or run folder; None for the default detector.

    Returns:
        The files; none of them need exist.

    Examples:
        >>> detector_files(Path("cnn.detector"))
        [PosixPath('cnn.detector')]
    """
    if detector is None:
        return []
    return [*detector.glob("*.detector")] if detector.is_dir() else [detector]


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
            make_console(stderr=True, soft_wrap=True).print(f"[yellow]Note:[/] {escape_markup(printable(message))}")

    warnings.showwarning = show_warning
    try:
        yield
    except MelanomaDetectError as error:
        make_console(stderr=True, soft_wrap=True).print(f"[red]Error:[/] {escape_markup(printable(error))}")
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


def printable(text: object) -> str:
    r"""Return a text that every terminal can show, and that cannot control one.

    Args:
        text: Anything; names of files may hold line breaks, control characters, and bytes that are not UTF-8.

    Returns:
        The text, with such characters as Python writes them.

    Examples:
        >>> printable("n\udce4vus.jpg")
        'n\\udce4vus.jpg'
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(text))
