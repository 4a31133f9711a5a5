"""Commands about architectures: models, check-model."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

import melanoma_detect as md
from melanoma_detect.cli.architectures import check_architecture, check_architecture_options, parse_options
from melanoma_detect.cli.checks import at_least
from melanoma_detect.cli.console import echo, escape_markup, make_console, make_table, printable
from melanoma_detect.cli.json_output import JsonOption, print_json
from melanoma_detect.cli.typer_app import app
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.progress import progress_bar

if TYPE_CHECKING:
    from melanoma_detect.testing import CheckResult


@app.command()
def models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Architecture to describe.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the installed architectures, or describe one."""
    if name:
        check_architecture(name)
        with progress_bar(f"building {name}"):  # most of that time is the import of Keras
            info = md.model_info(name)
        if as_json:
            print_json(_plain(asdict(info)))
        else:
            echo(str(info))
        return
    entries = md.list_models()
    columns = ("name", "package", "version", "description")
    if as_json:
        print_json({"models": [{column: getattr(entry, column) for column in columns} for entry in entries]})
        return
    table = make_table(*columns)
    for entry in entries:
        texts = (getattr(entry, column) for column in columns)
        table.add_row(*(escape_markup(printable(text)) for text in texts))  # a package may not control the terminal
    make_console().print(table)


def _plain(info: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of an architecture with defaults that JSON can hold: a function as text."""
    for option in info["options"].values():
        if not isinstance(option["default"], (bool, int, float, str, list, tuple, type(None))):
            option["default"] = repr(option["default"])
    return info


@app.command()
def check_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Architecture; see 'melanoma-detect models'.")],
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Option of the architecture; may be repeated.")
    ] = None,
    image_size: Annotated[
        int, typer.Option(callback=at_least(8), help="Height and width of the model's input, in pixels.")
    ] = 64,
    as_json: JsonOption = False,
) -> None:
    """Run the conformance kit on an architecture: checks of everything that this library relies on."""
    options = parse_options(option)
    check_architecture(name)
    check_architecture_options(name, options)
    from melanoma_detect.testing import check_model as run_checks  # noqa: PLC0415 - --help stays fast

    results = []
    for result in run_checks(name, input_shape=(image_size, image_size, 3), **options):
        results.append(result)
        if not as_json:
            _print_result(result)
    failed = sum(result.error is not None for result in results)
    if as_json:
        fields = ("name", "passed", "seconds", "description", "error", "not_run")
        checks = [{field: getattr(result, field) for field in fields} for result in results]
        print_json({"architecture": name, "passed": not failed, "checks": checks})
    if failed:
        skipped = sum(result.not_run is not None for result in results)
        rest = f"; {skipped} not run, since {'they' if skipped > 1 else 'it'} would only repeat that" if skipped else ""
        echo(f"\n{name}: {failed} of {count_noun(len(results), 'check')} failed{rest}", error=True)
        raise typer.Exit(1)
    if not as_json:
        echo(f"\n{name} passes every check")


def _print_result(result: "CheckResult") -> None:
    if result.not_run:
        echo(f"not run {result.name}  ({result.not_run})")
        return
    echo(f"{'passed' if result.passed else 'FAILED'}  {result.name}  ({result.seconds:.1f} s)")
    echo(f"        {result.error or result.description}")
