"""The command fingerprint: an index by which the images of a folder are recognised."""

import re
from pathlib import Path
from typing import Annotated

import typer

from melanoma_detect.cli.checks import given_path
from melanoma_detect.cli.console import echo, printable
from melanoma_detect.cli.json_output import JsonOption, print_json
from melanoma_detect.cli.missing_folders import note_missing_folder
from melanoma_detect.cli.options import OverwriteOption
from melanoma_detect.cli.typer_app import app
from melanoma_detect.utils.counts import count_noun

_NO_NAME = re.compile(r"[^\w.-]+")


@app.command()
def fingerprint(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            parser=given_path,
            help="Folder of images, or a zip of one; labels are read where it has any.",
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the set, as in 'Our hospital 2024'.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            parser=given_path,
            help="Index to write; ends in .known.",
            show_default="the name, in this folder",
        ),
    ] = None,
    squashed: Annotated[
        str | None,
        typer.Option(
            metavar="W:H", help="Aspect ratio, such as 4:3, that square images had before they were squashed."
        ),
    ] = None,
    names: Annotated[
        bool,
        typer.Option("--names", help="Keep the names of all files, and not ISIC ids alone; names may name patients."),
    ] = False,
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Write an index of a folder's images, by which others recognise copies of them. It holds no image."""
    from melanoma_detect.data.known_images.fingerprint import fingerprint as make_index  # noqa: PLC0415 - --help stays fast

    path = out or Path(f"{_NO_NAME.sub('-', name).strip('-.') or 'index'}.known")
    note_missing_folder(path)
    index = make_index(source, name=name, out=path, squashed=squashed, names=names, overwrite=overwrite)
    size = path.stat().st_size
    if as_json:
        print_json({"sets": list(index.sets), "entries": len(index), "bytes": size, "written": [path]})
        return
    echo(
        f"{count_noun(len(index), 'entry', 'entries')} of {printable(', '.join(index.sets))}, {size / 1000:,.0f} kB. "
        f"The index holds no image.\n\nWritten:\n  {printable(path)}"
    )
