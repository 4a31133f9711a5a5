"""The command balance: a copy of a source with as many training images of the rare classes as of the others."""

from pathlib import Path
from typing import Annotated, Any

import typer

from melanoma_detect.cli.checks import OptionError, at_least, given_path
from melanoma_detect.cli.console import echo, make_console, printable
from melanoma_detect.cli.datasets import check_sources, given_paths, load_images
from melanoma_detect.cli.json_output import JsonOption, print_json
from melanoma_detect.cli.missing_folders import note_missing_folder
from melanoma_detect.cli.options import (
    ImagesOption,
    LabelsOption,
    MapOption,
    OverwriteOption,
    RareOption,
    SeedOption,
    SourcesArgument,
)
from melanoma_detect.cli.splits_table import splits_table
from melanoma_detect.cli.typer_app import app
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.files import cache_folder
from melanoma_detect.utils.interruption import Interruption, noting_interruption

_MAX = "max"


@app.command()
def balance(
    out: Annotated[
        Path,
        typer.Option(
            metavar="PATH", parser=given_path, help="Folder to write: Train/, Validation/, Test/, and a table."
        ),
    ],
    sources: SourcesArgument = None,
    images: ImagesOption = None,
    labels: LabelsOption = None,
    names: MapOption = None,
    rare: RareOption = "train",
    add: Annotated[
        int | None, typer.Option(metavar="N", callback=at_least(1), help="Augmented copies to add to each class.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="N|max",
            help="Training images that each class is filled up to, or 'max': as many as the largest class has.",
            show_default="max, without --add",
        ),
    ] = None,
    image_size: Annotated[
        int, typer.Option(callback=at_least(8), help="Height and width of the copies, in pixels.")
    ] = 180,
    seed: SeedOption = 123,
    workers: Annotated[
        int | None, typer.Option(callback=at_least(1), help="Number of processes.", show_default="one per core")
    ] = None,
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Write a copy of a source with more training images of the rare classes, made by rotating others of their class."""
    amount = parse_amount(add, to)
    given = given_paths(sources, labels, images)
    check_sources(given)
    from melanoma_detect.data.balance import balance as balance_dataset  # noqa: PLC0415 - --help stays fast
    from melanoma_detect.data.dataset_folder import check_dataset_folder, write_dataset  # noqa: PLC0415 - --help is fast

    check_dataset_folder(out, overwrite=overwrite, inputs=given)
    note_missing_folder(out)
    data = load_images(sources, labels, names, rare, images=images, seed=seed, image_size=(image_size, image_size))
    with noting_interruption(_describe_kept):
        balanced = balance_dataset(data, **amount, seed=seed, workers=workers)
        folder = write_dataset(balanced, out, overwrite=overwrite)
    added = len(balanced) - len(data)
    if as_json:
        print_json({"added": added, "classes": balanced.distribution().to_dict("index"), "written": [folder]})
        return
    make_console().print(splits_table(balanced))
    echo(
        f"\n{count_noun(added, 'augmented copy', 'augmented copies')} added to Train.\n\nWritten:\n  {printable(folder)}"
    )


def _describe_kept() -> Interruption:
    folder = cache_folder("balanced")
    return Interruption(f"the copies made so far are kept in {folder}", path=folder)


def parse_amount(add: int | None, to: str | None) -> dict[str, Any]:
    """Return `--add` and `--to` as keywords of `balance`.

    Args:
        add: Copies to add to each class, or None.
        to: Images that each class shall have, as text, or None.

    Returns:
        The keywords.

    Raises:
        OptionError: Both are given, or a number is none.

    Examples:
        >>> parse_amount(None, "max"), parse_amount(500, None)
        ({'to': 'max'}, {'add': 500})
    """
    if add is not None and to is not None:
        raise OptionError(f"--to {to}: goes in place of --add, but --add {add} is given too; give one of them")
    if add is not None:
        return {"add": add}
    if to is None or to == _MAX:
        return {"to": _MAX}
    if not to.isdecimal() or not int(to):
        raise OptionError(f"--to {to}: expected a whole number of images of at least 1, or 'max'")
    return {"to": int(to)}
