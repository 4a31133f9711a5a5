"""The command explain: a heat map of the parts of an image that support a diagnosis."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import melanoma_detect as md
from melanoma_detect.cli.checks import given_path, one_of
from melanoma_detect.cli.console import echo, printable
from melanoma_detect.cli.detectors import check_detector, detector_files
from melanoma_detect.cli.json_output import JsonOption, print_json
from melanoma_detect.cli.missing_folders import note_missing_folder
from melanoma_detect.cli.options import DetectorOption, OverwriteOption, TrustedKeysOption
from melanoma_detect.cli.typer_app import app
from melanoma_detect.errors import ImageError
from melanoma_detect.utils.disclaimer import DISCLAIMER

if TYPE_CHECKING:
    from melanoma_detect.explain.explain import Method


@app.command()
def explain(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", parser=given_path, help="Image file of a lesion.")],
    out: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            parser=given_path,
            help="Image file to write: the lesion, the heat map over it, and a caption.",
        ),
    ],
    detector: DetectorOption = None,
    trusted_keys: TrustedKeysOption = None,
    diagnosis: Annotated[
        str | None,
        typer.Option(help="Diagnosis to explain: a class or 'malignant'.", show_default="the most probable class"),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="How: by the class activation map (cam, under a second), gradients of a Keras model (grad-cam, which starts "
            "Keras: 10 to 60 seconds), hiding parts of the image (occlusion, 157 predictions: 5 to 30 seconds), or the first "
            "of them that the detector has (auto).",
            **one_of("auto", "cam", "grad-cam", "occlusion"),
        ),
    ] = "auto",
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Draw a heat map of the parts of an image that support a diagnosis."""
    from melanoma_detect.explain.image_output import check_image_output  # noqa: PLC0415 - --help stays fast

    check_image_output(out, overwrite=overwrite, inputs=[image, *detector_files(detector)])
    check_detector(detector)
    if not image.exists():
        raise ImageError(f"{image}: no such file; check the path")
    note_missing_folder(out)
    loaded = md.Detector.load(detector, trusted_keys=trusted_keys or None)
    explanation = loaded.explain(image, diagnosis=diagnosis, method=cast("Method", method))
    explanation.save(out, overwrite=overwrite)
    if as_json:
        print_json(explanation.to_dict() | {"written": [out], "disclaimer": DISCLAIMER})
        return
    echo(f"{printable(explanation)}\n\nWritten:\n  {printable(out)}")
    echo(f"\n{DISCLAIMER}", error=True)
