"""The command score: a table of predictions for any number of images."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import melanoma_detect as md
from melanoma_detect.cli.checks import OptionError, at_least, given_path, one_of
from melanoma_detect.cli.console import echo, print_note, printable
from melanoma_detect.cli.detectors import check_detector, detector_files, load_detector
from melanoma_detect.cli.json_output import JsonOption, print_json
from melanoma_detect.cli.missing_folders import note_missing_folder
from melanoma_detect.cli.options import (
    DetectorOption,
    ImageTypeOption,
    SensitivityOption,
    TargetOption,
    TrustedKeysOption,
    ViewsOption,
)
from melanoma_detect.cli.typer_app import app
from melanoma_detect.utils.counts import count_noun, is_or_are
from melanoma_detect.utils.disclaimer import DISCLAIMER

if TYPE_CHECKING:
    from melanoma_detect.scoring.arguments import Backend, Sort
    from melanoma_detect.scoring.score import Scores

_STDOUT = "-"
_UNREADABLE = 3  # the exit status of a table that is complete, but for images that could not be read


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
    trusted_keys: TrustedKeysOption = None,
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
    ] = 256,
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
    sketch: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            parser=given_path,
            show_default=False,
            help="Small file to write for watch, ends in .sketch: counts by day and camera, no images or names.",
        ),
    ] = None,
    as_json: JsonOption = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a table that exists, or an unfinished run that does not fit.")
    ] = False,
) -> None:
    """Write a table with the prediction for each of any number of images. Run again, it resumes an interrupted run."""
    if out == _STDOUT and as_json:
        raise OptionError("--out -: the table goes to standard output, and so does --json; give one of them")
    if out == _STDOUT and sketch is not None:
        raise OptionError("--sketch: is written when a table is complete; give the table a name with --out PATH")
    if out != _STDOUT:
        from melanoma_detect.scoring.addresses import local_path  # noqa: PLC0415 - --help stays fast
        from melanoma_detect.scoring.score import check_score_output  # noqa: PLC0415 - --help stays fast

        check_score_output(out, [*sources, *detector_files(detector)], overwrite=overwrite)
        if (path := local_path(out)) is not None:
            note_missing_folder(path)
    check_detector(detector)
    # One thread: the workers use every core.
    loaded = load_detector(detector, sensitivity, target, views, image_type, threads=1, trusted_keys=trusted_keys)
    options: dict[str, Any] = {
        "detector": loaded,
        "batch_size": batch_size,
        "workers": workers,
        "sort": cast("Sort | None", sort),
        "engine": cast("Backend", engine),
    }
    if out == _STDOUT:
        from melanoma_detect.scoring.stream import stream_scores  # noqa: PLC0415 - --help stays fast

        scores = stream_scores(sources, sys.stdout.buffer, **options)
        echo(f"{scores}\n", error=True)
    else:
        scores = md.score(sources, out=out, shard_size=shard_size, sketch=sketch, overwrite=overwrite, **options)
        if as_json:
            print_json(asdict(scores) | {"disclaimer": DISCLAIMER})
        else:
            also = f"  {printable(scores.sketch)}\n" if scores.sketch else ""
            echo(f"{scores}\n\nWritten:\n  {printable(scores.out)}\n{also}")
    if not as_json:
        echo(DISCLAIMER, error=True)
    if scores.unreadable:
        print_note("Error", _describe_unreadable(scores))
        raise typer.Exit(_UNREADABLE)


def _describe_unreadable(scores: "Scores") -> str:
    """Return how many images could not be read, and why the first ones could not."""
    more = ", and more" if scores.unreadable > len(scores.errors) else ""
    listed = "; ".join(scores.errors)
    counted = f"{count_noun(scores.unreadable, 'image')} could not be read and {is_or_are(scores.unreadable)} referred"
    return f"{counted} to a person: {listed}{more}; the column error has every reason"
