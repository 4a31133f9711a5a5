"""The command localize: calibrate a detector on a clinic's own labelled images."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from melanoma_detect.cli.checks import given_path
from melanoma_detect.cli.console import echo, printable
from melanoma_detect.cli.datasets import check_sources, given_paths, load_images
from melanoma_detect.cli.detectors import check_detector, detector_files, load_detector
from melanoma_detect.cli.evaluate import check_ratio
from melanoma_detect.cli.json_output import JsonOption, print_json
from melanoma_detect.cli.missing_folders import note_missing_folder
from melanoma_detect.cli.options import (
    DetectorOption,
    ImagesOption,
    ImageTypeOption,
    LabelsOption,
    MapOption,
    OverwriteOption,
    SeedOption,
    SensitivityOption,
    SignKeyOption,
    SourcesArgument,
    TargetOption,
    TrustedKeysOption,
    ViewsOption,
)
from melanoma_detect.cli.typer_app import app
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.outputs import check_output


@app.command()
def localize(
    out: Annotated[
        Path, typer.Option(metavar="PATH", parser=given_path, help="Detector file to write; ends in .detector.")
    ],
    sources: SourcesArgument = None,
    images: ImagesOption = None,
    labels: LabelsOption = None,
    names: MapOption = None,
    detector: DetectorOption = None,
    trusted_keys: TrustedKeysOption = None,
    sign_key: SignKeyOption = None,
    sensitivity: SensitivityOption = None,
    target: TargetOption = None,
    views: ViewsOption = None,
    image_type: ImageTypeOption = None,
    squashed: Annotated[
        str | None,
        typer.Option(
            metavar="W:H", help="Aspect ratio, such as 4:3, that square images had before they were squashed."
        ),
    ] = None,
    seed: SeedOption = 123,
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Calibrate a detector on at least 50 labelled images of a clinic, without training it; a source's Test stays unused."""
    from melanoma_detect.inference.bundle import SUFFIX  # noqa: PLC0415 - --help stays fast
    from melanoma_detect.inference.localization import describe_localization  # noqa: PLC0415 - --help stays fast
    from melanoma_detect.inference.signing_keys import check_sign_key  # noqa: PLC0415 - --help stays fast

    given = given_paths(sources, labels, images)
    check_sources(given)
    check_output(out, overwrite=overwrite, inputs=[*given, *detector_files(detector)], suffixes=[SUFFIX])
    check_detector(detector)
    check_sign_key(sign_key)
    if squashed:
        check_ratio(squashed)
    note_missing_folder(out)
    # Sensitivity and target are for the local images to support, not for validation.
    loaded = load_detector(detector, None, None, views, image_type=image_type, trusted_keys=trusted_keys)
    options: dict[str, Any] = {"validation": 0, "test": 0, "image_size": loaded.image_size, "squashed": squashed}
    data = load_images(sources, labels, names, images=images, **options)
    localized = loaded.localize(data, sensitivity=sensitivity, target=cast("Any", target), seed=seed)
    localized.save(out, overwrite=overwrite, sign_key=sign_key)
    added = localized.predictor.config.localizations[len(loaded.predictor.config.localizations) :]
    if as_json:
        print_json({"localizations": added, "written": [out], "disclaimer": DISCLAIMER})
        return
    for record in added:
        echo("\n".join(printable(line) for line in describe_localization(record)) + "\n")
    echo(f"Written:\n  {printable(out)}")
    echo(f"\n{DISCLAIMER}", error=True)
