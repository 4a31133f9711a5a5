"""Commands about architectures: models, check-model."""

import ast
from typing import Annotated, Any

import typer

import melanoma_detect as md
from melanoma_detect.cli.app import (
    app,
    check_architecture,
    escape_markup,
    import_keras_quietly,
    make_console,
    make_table,
    printable,
)
from melanoma_detect.errors import ModelError


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(help="Architecture to describe.", show_default=False)] = None,
) -> None:
    """List the installed architectures, or describe one."""
    if name:
        check_architecture(name)
        import_keras_quietly()
        typer.echo(str(md.model_info(name)))
        return
    table = make_table("name", "package", "version", "description")
    for entry in md.list_models():
        texts = (entry.name, entry.package, entry.version, entry.description)
        table.add_row(*(escape_markup(printable(text)) for text in texts))  # a package may not control the terminal
    make_console().print(table)


@app.command()
def check_model(
    name: Annotated[str, typer.Argument(help="Architecture; see 'melanoma-detect models'.")],
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Option of the architecture; may be repeated.")
    ] = None,
    image_size: Annotated[int, typer.Option(help="Height and width of the model's input, in pixels.")] = 64,
) -> None:
    """Run the conformance kit on an architecture: checks of everything that this library relies on."""
    check_architecture(name)
    import_keras_quietly()
    from melanoma_detect.testing import check_model as run_checks  # noqa: PLC0415 - --help stays fast

    failed = 0
    shape = (image_size, image_size, 3)
    for result in run_checks(name, input_shape=shape, **_parse_options(option or [])):
        failed += not result.passed
        typer.echo(f"{'passed' if result.passed else 'FAILED'}  {result.name}  ({result.seconds:.1f} s)")
        typer.echo(f"        {result.error or result.description}")
    if failed:
        typer.echo(f"\n{name}: {failed} of the checks failed", err=True)
        raise typer.Exit(1)
    typer.echo(f"\n{name} passes every check")


def _parse_options(pairs: list[str]) -> dict[str, Any]:
    """Return KEY=VALUE pairs as keywords; values are Python literals, or else text."""
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise ModelError(f"--option {pair}: expected KEY=VALUE, such as dropout=0.5")
        try:
            options[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            options[key] = value
    return options
