"""Architectures: models, check-model."""

import ast
from typing import Annotated, Any

import typer

import melanoma_detect as md
from melanoma_detect.cli.app import app, console, escaped, find_entry, load_keras_quietly, table_of
from melanoma_detect.errors import ModelError


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(help="Tell everything about this one.", show_default=False)] = None,
) -> None:
    """List the architectures that are installed, or tell everything about one."""
    if name:
        find_entry(name)
        load_keras_quietly()
        typer.echo(str(md.model_info(name)))
        return
    table = table_of("name", "package", "version", "what it is")
    for entry in md.list_models():
        table.add_row(*(_printable(text) for text in (entry.name, entry.package, entry.version, entry.description)))
    console().print(table)


@app.command()
def check_model(
    name: Annotated[str, typer.Argument(help="The architecture; see 'melanoma-detect models'.")],
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of its builder; may be given again.")
    ] = None,
    image_size: Annotated[int, typer.Option(help="Height and width to build it at, in pixels.")] = 64,
) -> None:
    """Run the conformance kit on an architecture: everything that this library relies on."""
    find_entry(name)
    load_keras_quietly()
    from melanoma_detect.testing import check_model as run_checks  # noqa: PLC0415 - --help stays quick

    failed = 0
    shape = (image_size, image_size, 3)
    for result in run_checks(name, input_shape=shape, **_options(option or [])):
        failed += not result.passed
        typer.echo(f"{'passed' if result.passed else 'FAILED'}  {result.name}  ({result.seconds:.1f} s)")
        typer.echo(f"        {result.error or result.description}")
    if failed:
        typer.echo(f"\n{name}: {failed} of the checks failed", err=True)
        raise typer.Exit(1)
    typer.echo(f"\n{name} passes every check")


def _options(pairs: list[str]) -> dict[str, Any]:
    """Turn KEY=VALUE into what a builder takes: Python's literals, else text."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise ModelError(f"--option {pair}: expected KEY=VALUE, such as dropout=0.5")
        try:
            found[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[key] = value
    return found


def _printable(text: str) -> str:
    """Show what a package says about itself: control characters must not move the terminal."""
    return escaped("".join(one if one.isprintable() else repr(one)[1:-1] for one in text))
