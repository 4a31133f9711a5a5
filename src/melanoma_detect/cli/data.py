"""What is in a folder of images: audit, classes."""

import json
from pathlib import Path
from typing import Annotated

import typer

import melanoma_detect as md
from melanoma_detect.cli.app import Folder, Seed, app, console, escaped, table_of


@app.command()
def audit(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Images: folders, or zip files of them.")],
    html: Annotated[Path | None, typer.Option(help="Write a page with the images side by side.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for programs.")] = False,
    detector: Annotated[
        Path | None, typer.Option("--detector", "-d", help="Look with its features too: small turns and crops.")
    ] = None,
) -> None:
    """Look for what is wrong with a folder of images: duplicates, two labels, leaks, sources that tell the class."""
    found = md.audit(folders, model=md.Detector.load(detector) if detector else None, progress=not as_json)
    if html:
        md.report.write_html(found, html)
    if as_json:
        typer.echo(json.dumps(found.to_dict()))
        return
    _print_findings(found)
    if html:
        typer.echo(f"\nWritten:\n  {html}")


def _print_findings(found: "md.Audit") -> None:
    out = console(highlight=False)
    out.print(f"{found.images} images of {len(found.classes)} classes from {escaped(', '.join(found.sources))}")
    if not found.findings:
        out.print("Nothing found.")
        return
    table = table_of("count", "finding", "what it is, what it does, what to do", padding=(0, 2, 1, 0))
    table.columns[0].justify = "right"
    table.columns[1].style = "bold"
    for finding in found.findings:
        words = f"{escaped(finding.summary)}.\n[dim]{finding.effect}[/]\n[blue]{finding.advice}[/]"
        table.add_row(str(finding.count), finding.kind, words)
    out.print(table)


@app.command()
def classes(folder: Folder, seed: Seed = 123) -> None:
    """Count the images of each class in each split."""
    data = md.load_dataset(folder, seed=seed)
    counts = data.distribution()
    table = table_of("class", *counts.columns, "share of train")
    for column in table.columns[1:]:
        column.justify = "right"
    total = int(counts["train"].sum())
    for label, row in counts.iterrows():
        table.add_row(str(label), *map(str, row), f"{row['train'] / total:.1%}")
    table.add_row("all", *(str(int(counts[column].sum())) for column in counts.columns), "", style="bold")
    console().print(table)
