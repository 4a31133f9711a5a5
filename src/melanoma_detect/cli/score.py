"""The command score: a table of predictions for any number of images."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import melanoma_detect as md
from melanoma_detect.cli.app import app
from melanoma_detect.cli.checks import OptionError, at_least, one_of
from melanoma_detect.cli.detectors import check_detector, detector_files, load_detector
from melanoma_detect.cli.json_output import JsonOption, print_json
from melanoma_detect.cli.options import (
    DetectorOption,
    ImageTypeOption,
    SensitivityOption,
    TargetOption,
    ViewsOption,
)
from melanoma_detect.utils.disclaimer import DISCLAIMER

if TYPE_CHECKING:
    from melanoma_detect.scoring.arguments import Backend, Sort

_STDOUT = "-"


@app.command()
def score(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Images; folders or zip files of images; tables with paths of images. Paths or addresses.",
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            metavar="PATH|-", help="Table to write; ends in .csv or .parquet. Or - for CSV on standard output."
        ),
    ],
    detector: DetectorOption = None,
    sensitivity: SensitivityOption = None,
    target: TargetOption = None,
    views: ViewsOption = None,
    image_type: ImageTypeOption = None,
    batch_size: Annotated[int, typer.Option(callback=at_least(1), help="Images in one call of the model.")] = 32,
    workers: Annotated[
        int | None,
        typer.Option(callback=at_least(1), help="Number of threads, or of Ray actors.", show_default="one per core"),
    ] = None,
    shard_size: Annotated[
        int,
        typer.Option(
            callback=at_least(1), help="Images that are saved together: the most that an interrupted run loses."
        ),
    ] = 1024,
    sort: Annotated[
        str | None,
        typer.Option(
            help="Make a worklist: alerts first, then referred, then cleared images, each by risk of cancer.",
            **one_of("risk"),
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="This machine, or a Ray cluster (extra 'ray').", **one_of("local", "ray"))
    ] = "local",
    as_json: JsonOption = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a table that exists, or an unfinished run that does not fit.")
    ] = False,
) -> None:
    """Write a table with the prediction for each of any number of images. Run again, it resumes an interrupted run."""
    if out == _STDOUT and as_json:
        raise OptionError("--out -: the table goes to standard output, and so does --json; give one of them")
    if out != _STDOUT:
        from melanoma_detect.scoring.score import check_score_output  # noqa: PLC0415 - --help stays fast

        check_score_output(out, [*sources, *detector_files(detector)], overwrite=overwrite)
    check_detector(detector)
    loaded = load_detector(detector, sensitivity, target, views, image_type, threads=1)  # the workers use every core
    options: dict[str, Any] = {
        "detector": loaded,
        "batch_size": batch_size,
        "workers": workers,
        "sort": cast("Sort | None", sort),
        "engine": cast("Backend", engine),
    }
    if out == _STDOUT:
        _stream(sources, options)
        return
    scores = md.score(sources, out=out, shard_size=shard_size, overwrite=overwrite, **options)
    if as_json:
        print_json(asdict(scores))
        return
    typer.echo(f"{scores}\n\nWritten:\n  {scores.out}")
    typer.echo(f"\n{DISCLAIMER}", err=True)


def _stream(sources: list[str], options: dict[str, Any]) -> None:
    """Write the table to standard output, and what else there is to say to standard error."""
    from melanoma_detect.scoring.stream import stream_scores  # noqa: PLC0415 - --help stays fast

    with _ends_with_its_reader():
        scores = stream_scores(sources, sys.stdout.buffer, **options)
        typer.echo(f"{scores}\n\n{DISCLAIMER}", err=True)


@contextlib.contextmanager
def _ends_with_its_reader() -> Iterator[None]:
    """End the program without a word when the program that reads its output, such as `head`, has enough."""
    try:
        yield
    except BrokenPipeError:
        # Python flushes standard output at its end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
