"""Commands that read a detector's answers: predict, card."""

from pathlib import Path
from typing import Annotated, Any

import typer

import melanoma_detect as md
from melanoma_detect.cli.checks import OptionError, between_0_and_1, given_path, one_of
from melanoma_detect.cli.console import echo
from melanoma_detect.cli.detectors import check_detector, load_detector
from melanoma_detect.cli.json_output import JsonOption, print_json
from melanoma_detect.cli.options import (
    DetectorOption,
    ImageTypeOption,
    SensitivityOption,
    TargetOption,
    TrustedKeysOption,
    ViewsOption,
)
from melanoma_detect.cli.predict_images import PredictOptions, print_predictions
from melanoma_detect.cli.typer_app import app
from melanoma_detect.errors import DetectorError
from melanoma_detect.utils.disclaimer import DISCLAIMER


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", parser=given_path, help="Image files of lesions.")],
    detector: DetectorOption = None,
    trusted_keys: TrustedKeysOption = None,
    sensitivity: SensitivityOption = None,
    target: TargetOption = None,
    views: ViewsOption = None,
    image_type: ImageTypeOption = None,
    dicom_sr: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            parser=given_path,
            help="Folder to write a DICOM structured report of each image into; the images must be DICOM (extra 'dicom').",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the diagnosis of each image, and whether to alert a dermatologist."""
    options: PredictOptions = {
        "detector": detector,
        "trusted_keys": trusted_keys,
        "sensitivity": sensitivity,
        "target": target,
        "views": views,
        "image_type": image_type,
    }
    if not print_predictions(images, options, as_json=as_json, dicom_sr=dicom_sr):
        raise typer.Exit(1)


@app.command()
def card(
    detector: DetectorOption = None,
    trusted_keys: TrustedKeysOption = None,
    prevalence: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            callback=between_0_and_1("0.02"),
            help="Print the predictive values at this prevalence of the target, such as 0.02, in place of the card: for "
            "dermoscopy, or with --image-type clinical for clinical photographs.",
        ),
    ] = None,
    checklist: Annotated[
        str | None,
        typer.Option(
            help="Print a reporting checklist in place of the card, with what the detector knows filled in and the rest open.",
            **one_of("tripod-ai", "clear-derm"),
        ),
    ] = None,
    sensitivity: SensitivityOption = None,
    target: TargetOption = None,
    views: ViewsOption = None,
    image_type: ImageTypeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a detector's model card: intended use, training data, performance, limitations."""
    if checklist is not None and prevalence is not None:
        raise OptionError(f"--checklist {checklist}: --prevalence {prevalence:g} is given too; give one of them")
    check_detector(detector)
    loaded = load_detector(detector, sensitivity, target, views, image_type, trusted_keys=trusted_keys)
    point = loaded.operating_point
    if prevalence is not None and point is None:
        raise DetectorError(f"{loaded!r} has no operating point, and so no predictive values; set one (--sensitivity)")
    values = None if prevalence is None or point is None else point.at_prevalence(prevalence)
    if checklist is not None:
        _print_checklist(loaded, checklist, as_json=as_json)
    elif as_json:
        described = _describe_detector(loaded) if values is None else _describe_point(loaded)
        values_only = None if values is None else values._asdict()
        print_json(described | {"predictive_values": values_only, "disclaimer": DISCLAIMER})
    elif values is None:
        echo(loaded.model_card, end="")
    else:
        echo(f"{point}\n{values}")
        echo(f"\n{DISCLAIMER}", error=True)


def _describe_point(detector: "md.Detector") -> dict[str, Any]:
    """Return the detector's name and its operating point."""
    config, point = detector.predictor.config, detector.operating_point
    name = config.title or config.architecture.get("name", "")
    return {"detector": name, "operating_point": None if point is None else point.to_dict()}


def _describe_detector(detector: "md.Detector") -> dict[str, Any]:
    """Return what a detector's card says, and the figures that it was written from."""
    config = detector.predictor.config
    return _describe_point(detector) | {
        "classes": detector.classes,
        "image_size": detector.image_size,
        "metrics": config.metrics,
        "made_with": config.made_with,
        "model_card": detector.model_card,
    }


def _print_checklist(detector: "md.Detector", name: str, *, as_json: bool) -> None:
    from melanoma_detect.report.checklists import checklist  # noqa: PLC0415 - --help stays fast

    filled = checklist(detector, name)
    if as_json:
        print_json(filled.to_dict())
    else:
        echo(str(filled))
