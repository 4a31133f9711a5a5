"""The command that starts a plugin: new-plugin."""

from pathlib import Path
from typing import Annotated

import typer

from melanoma_detect.cli.checks import given_path
from melanoma_detect.cli.console import echo
from melanoma_detect.cli.typer_app import app


@app.command()
def new_plugin(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Name of the architecture, such as my-net; its package is melanoma-detect-NAME, which may be given too.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", parser=given_path, help="Folder to write.", show_default="melanoma-detect-NAME"),
    ] = None,
    author: Annotated[
        str | None,
        typer.Option(
            help="Who wrote it and holds the copyright, for the licence and the package's metadata.",
            show_default="the authors of the package",
        ),
    ] = None,
) -> None:
    """Write a complete package for an architecture of your own: network, tests, README, CI."""
    from melanoma_detect.models.new_plugin import write_plugin  # noqa: PLC0415 - --help stays fast

    plugin = write_plugin(name, out, author=author)
    # A folder's bare name would be looked up in the package index.
    path = str(plugin.folder) if plugin.folder.is_absolute() else f"./{plugin.folder.as_posix()}"
    echo(f"{plugin.folder}: the package {plugin.package}, with the architecture {plugin.name}. Next:\n")
    echo(f"  pip install --editable '{path}[test]'")
    echo(f"  melanoma-detect check-model {plugin.name}")
    echo(f"  pytest '{path}'\n")
    echo(f"Then put your own network into src/{plugin.module}/network.py.")
