"""Commands about folders of images: audit, classes."""

import json
from pathlib import Path
from typing import Annotated

import typer

import melanoma_detect as md
from melanoma_detect.cli.app import FolderArgument, SeedOption, app, escape_markup, make_console, make_table


@app.command()
def audit(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER", help="Folders or zip files of images.")],
    html: Annotated[Path | None, typer.Option(help="HTML report to write, with the images of each finding.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    detector: Annotated[
        Path | None,
        typer.Option(
            "--detector", "-d", help="Detector whose features find slightly rotated or cropped duplicates too."
        ),
    ] = None,
) -> None:
    """Check a folder of images for duplicates, conflicting labels, leaks, and confounding of source and class."""
    result = md.audit(folders, model=md.Detector.load(detector) if detector else None, progress=not as_json)
    if html:
        md.report.write_html(result, html)
    if as_json:
        typer.echo(json.dumps(result.to_dict()))
        return
    _print_findings(result)
    if html:
        typer.echo(f"\nWritten:\n  {html}")


def _print_findings(result: "md.Audit") -> None:
    console = make_console()
    sources = escape_markup(", ".join(result.sources))
    console.print(f"{result.images} images of {len(result.classes)} classes from {sources}")
    if not result.findings:
        console.print("Nothing found.")
        return
    table = make_table("count", "finding", "summary, effect, advice", padding=(0, 2, 1, 0))
    table.columns[0].justify = "right"
    table.columns[1].style = "bold"
    for finding in result.findings:
        text = f"{escape_markup(finding.summary)}.\n[dim]{finding.effect}[/]\n[blue]{finding.advice}[/]"
        table.add_row(str(finding.count), finding.kind, text)
    console.print(table)


@app.command()
def classes(folder: FolderArgument, seed: SeedOption = 123) -> None:
    """Count the images of each class in each split."""
    data = md.load_dataset(folder, seed=seed)
    counts = data.distribution()
    table = make_table("class", *counts.columns, "share of train")
    for column in table.columns[1:]:
        column.justify = "right"
    total = int(counts["train"].sum())
    for label, row in counts.iterrows():
        table.add_row(str(label), *map(str, row), f"{row['train'] / total:.1%}")
    table.add_row("all", *(str(int(counts[column].sum())) for column in counts.columns), "", style="bold")
    make_console().print(table)
