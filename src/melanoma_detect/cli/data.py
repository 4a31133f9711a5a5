"""Commands about folders of images: audit, classes."""

import warnings
from pathlib import Path
from typing import Annotated, Literal

import typer

import melanoma_detect as md
from melanoma_detect.cli.checks import given_path
from melanoma_detect.cli.console import echo, escape_markup, make_console, make_table, printable
from melanoma_detect.cli.datasets import check_sources, given_paths, load_images
from melanoma_detect.cli.detectors import check_detector, detector_files
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
    TrustedKeysOption,
)
from melanoma_detect.cli.splits_table import splits_table
from melanoma_detect.cli.typer_app import app
from melanoma_detect.cli.wording import name_options
from melanoma_detect.errors import DataWarning
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.outputs import HTML_SUFFIXES, check_output


@app.command()
def audit(
    sources: SourcesArgument = None,
    images: ImagesOption = None,
    labels: LabelsOption = None,
    names: MapOption = None,
    rare: RareOption = "train",
    html: Annotated[
        Path | None,
        typer.Option(metavar="PATH", parser=given_path, help="HTML report to write, with the images of each finding."),
    ] = None,
    as_json: JsonOption = False,
    detector: Annotated[
        Path | None,
        typer.Option(
            "--detector",
            "-d",
            metavar="PATH",
            parser=given_path,
            help="Detector that finds doubtful labels, images of no skin lesion, and slightly rotated or cropped duplicates; "
            "the one that comes with the library finds the first two by default, among 100 to 3,000 images.",
        ),
    ] = None,
    known: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            parser=given_path,
            help="Index that the command fingerprint wrote: images are looked up in it too; may be repeated.",
        ),
    ] = None,
    no_detector: Annotated[
        bool, typer.Option("--no-detector", help="Do without a detector: quicker, and finds none of these.")
    ] = False,
    trusted_keys: TrustedKeysOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Check a folder of images for duplicates, conflicting labels, leaks, and confounding of source and class."""
    from melanoma_detect.data.known_images.index_file import read_index  # noqa: PLC0415 - --help stays fast

    given = [*given_paths(sources, labels, images), *(known or ())]
    check_sources(given_paths(sources, labels, images))
    if html:
        check_output(html, overwrite=overwrite, inputs=[*given, *detector_files(detector)], suffixes=HTML_SUFFIXES)
    check_detector(detector)
    note_missing_folder(html)
    if detector and no_detector:
        raise typer.BadParameter("give --detector or --no-detector, not both")
    indexes = [read_index(path) for path in known or ()]
    model: md.Detector | Literal["default"] | None = None if no_detector else "default"
    if detector:
        model = md.Detector.load(detector, trusted_keys=trusted_keys or None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # each of them is a finding
        data = load_images(
            sources, labels, names, rare, images=images, validation=0, test=0, conflicts="keep", known=None
        )
    result = md.audit(data, detector=model, known=indexes)
    if html:
        md.report.write_html(result, html, overwrite=overwrite)
    if as_json:
        print_json(result.to_dict() | ({"written": [html]} if html else {}))
        return
    _print_findings(result)
    if html:
        echo(f"\nWritten:\n  {printable(html)}")


def _print_findings(result: "md.Audit") -> None:
    console = make_console()
    sources = escape_markup(printable(", ".join(result.sources)))
    counted = count_noun(result.images, "image")
    console.print(f"{counted} of {count_noun(len(result.classes), 'class', 'classes')} from {sources}")
    if not result.findings:
        console.print("Nothing found.")
    table = make_table("count", "finding", "summary, effect, advice", padding=(0, 2, 1, 0))
    table.columns[0].justify = "right"
    table.columns[1].style = "bold"
    for finding in result.findings:
        advice = escape_markup(name_options(finding.advice))
        text = f"{escape_markup(printable(finding.summary))}.\n[dim]{finding.effect}[/]\n[blue]{advice}[/]"
        table.add_row(str(finding.count), finding.kind, text)
    if result.findings:
        console.print(table)
    for note in result.notes:
        console.print(f"[dim]Note: {escape_markup(printable(note))}.[/]")


@app.command()
def classes(
    sources: SourcesArgument = None,
    images: ImagesOption = None,
    labels: LabelsOption = None,
    names: MapOption = None,
    rare: RareOption = "train",
    seed: SeedOption = 123,
    as_json: JsonOption = False,
) -> None:
    """Count the images of each class in each split."""
    data = load_images(sources, labels, names, rare, images=images, seed=seed)
    counts = data.distribution()
    if as_json:
        excluded = [{"id": entry.record.id, "kind": entry.kind, "reason": entry.reason} for entry in data.set_aside]
        totals = {column: int(counts[column].sum()) for column in counts.columns}
        print_json({"classes": counts.to_dict("index"), "all": totals, "set_aside": excluded})
        return
    make_console().print(splits_table(data))
