"""Commands about folders of images: audit, classes."""

import json
import warnings
from pathlib import Path
from typing import Annotated

import typer

import melanoma_detect as md
from melanoma_detect.cli.app import (
    LabelsOption,
    MapOption,
    OverwriteOption,
    RareOption,
    SeedOption,
    SourcesArgument,
    app,
    detector_files,
    escape_markup,
    load_images,
    make_console,
    make_table,
    printable,
)
from melanoma_detect.errors import DataWarning
from melanoma_detect.utils.outputs import HTML_SUFFIXES, check_output, expand_path


@app.command()
def audit(
    sources: SourcesArgument,
    labels: LabelsOption = None,
    names: MapOption = None,
    rare: RareOption = "train",
    html: Annotated[
        Path | None,
        typer.Option(metavar="PATH", parser=expand_path, help="HTML report to write, with the images of each finding."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    detector: Annotated[
        Path | None,
        typer.Option(
            "--detector",
            "-d",
            metavar="PATH",
            parser=expand_path,
            help="Detector whose features find slightly rotated or cropped duplicates too.",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Check a folder of images for duplicates, conflicting labels, leaks, and confounding of source and class."""
    if html:
        inputs = [*sources, *([labels] if labels else []), *detector_files(detector)]
        check_output(html, overwrite=overwrite, inputs=inputs, suffixes=HTML_SUFFIXES)
    model = md.Detector.load(detector) if detector else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # each of them is a finding
        data = load_images(sources, labels, names, rare, validation=0, test=0, conflicts="keep")
    result = md.audit(data, model=model, progress=not as_json)
    if html:
        md.report.write_html(result, html, overwrite=overwrite)
    if as_json:
        typer.echo(json.dumps(result.to_dict()))
        return
    _print_findings(result)
    if html:
        typer.echo(f"\nWritten:\n  {html}")


def _print_findings(result: "md.Audit") -> None:
    console = make_console()
    sources = escape_markup(printable(", ".join(result.sources)))
    console.print(f"{result.images} images of {len(result.classes)} classes from {sources}")
    if not result.findings:
        console.print("Nothing found.")
        return
    table = make_table("count", "finding", "summary, effect, advice", padding=(0, 2, 1, 0))
    table.columns[0].justify = "right"
    table.columns[1].style = "bold"
    for finding in result.findings:
        text = f"{escape_markup(printable(finding.summary))}.\n[dim]{finding.effect}[/]\n[blue]{finding.advice}[/]"
        table.add_row(str(finding.count), finding.kind, text)
    console.print(table)


@app.command()
def classes(
    sources: SourcesArgument,
    labels: LabelsOption = None,
    names: MapOption = None,
    rare: RareOption = "train",
    seed: SeedOption = 123,
) -> None:
    """Count the images of each class in each split."""
    data = load_images(sources, labels, names, rare, seed=seed)
    counts = data.distribution()
    table = make_table("class", *counts.columns, "share of train")
    for column in table.columns[1:]:
        column.justify = "right"
    total = int(counts["train"].sum())
    for label, row in counts.iterrows():
        table.add_row(escape_markup(printable(label)), *map(str, row), f"{row['train'] / total:.1%}")
    table.add_row("all", *(str(int(counts[column].sum())) for column in counts.columns), "", style="bold")
    make_console().print(table)
