"""The command watch: does a stream of scored images still look like validation?"""

from pathlib import Path
from typing import Annotated, cast

import typer

import melanoma_detect as md
from melanoma_detect.cli.checks import between_0_and_1, given_path, one_of
from melanoma_detect.cli.console import echo, printable
from melanoma_detect.cli.detectors import check_detector, detector_files, load_detector
from melanoma_detect.cli.json_output import JsonOption, print_json
from melanoma_detect.cli.options import (
    DetectorOption,
    ImageTypeOption,
    OverwriteOption,
    SeedOption,
    SensitivityOption,
    TargetOption,
    TrustedKeysOption,
    ViewsOption,
)
from melanoma_detect.cli.typer_app import app
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.outputs import HTML_SUFFIXES, check_output

_ALARM = 4  # the exit status of a stream that differs, for scripts that run every day


@app.command()
def watch(
    scores: Annotated[
        list[Path],
        typer.Argument(
            metavar="SCORES",
            parser=given_path,
            show_default=False,
            help="Tables or sketches that score has written, such as one a day, in the order of time.",
        ),
    ],
    baseline: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="SCORES",
            parser=given_path,
            help="Table or sketch of an earlier time to compare with; may be repeated.",
            show_default="the detector's validation",
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Tell sources apart: by the image's folder, the table's name without its date, or the camera (of sketches).",
            **one_of("folder", "table", "camera"),
        ),
    ] = None,
    alpha: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            callback=between_0_and_1("0.05"),
            help="The probability of a false alarm, ever, is at most this.",
        ),
    ] = 0.05,
    html: Annotated[
        Path | None, typer.Option(metavar="PATH", parser=given_path, help="HTML report to write (extra 'training').")
    ] = None,
    detector: DetectorOption = None,
    trusted_keys: TrustedKeysOption = None,
    sensitivity: SensitivityOption = None,
    target: TargetOption = None,
    views: ViewsOption = None,
    image_type: ImageTypeOption = None,
    seed: SeedOption = 123,
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Test whether a stream of scored images differs from validation; the exit status is 4 if it does."""
    from melanoma_detect.monitoring.score_tables import By  # noqa: PLC0415 - --help stays fast

    inputs = [*scores, *(baseline or []), *detector_files(detector)]
    if html is not None:
        check_output(html, overwrite=overwrite, inputs=inputs, suffixes=HTML_SUFFIXES)
    check_detector(detector)
    loaded = load_detector(detector, sensitivity, target, views, image_type, trusted_keys=trusted_keys)
    report = md.monitor(scores, detector=loaded, baseline=baseline, by=cast("By", by), alpha=alpha, seed=seed)
    if html is not None:
        md.report.write_html(report, html, overwrite=overwrite)
    if as_json:
        print_json(report.to_dict() | {"written": [html] if html else [], "disclaimer": DISCLAIMER})
    else:
        echo(str(report))
        for estimate in report.estimates:
            echo(f"  {printable(str(estimate))}")
        if html is not None:
            echo(f"\nWritten:\n  {printable(html)}")
        echo(f"\n{DISCLAIMER}", error=True)
    if report.alarm:
        raise typer.Exit(_ALARM)
