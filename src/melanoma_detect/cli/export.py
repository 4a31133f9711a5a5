"""The command export: the model alone, for other programs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import melanoma_detect as md
from melanoma_detect.cli.checks import OptionError, given_path, one_of
from melanoma_detect.cli.console import echo
from melanoma_detect.cli.datasets import check_sources
from melanoma_detect.cli.detectors import check_detector, detector_files
from melanoma_detect.cli.missing_folders import note_missing_folder
from melanoma_detect.cli.options import DetectorOption, OverwriteOption, TrustedKeysOption
from melanoma_detect.cli.typer_app import app
from melanoma_detect.utils.outputs import check_output, check_output_folder, exists_error
from melanoma_detect.utils.progress import progress_bar

if TYPE_CHECKING:
    from melanoma_detect.export.exported import ExportFormat, Precision


@app.command()
def export(
    out: Annotated[
        Path, typer.Option(metavar="PATH", parser=given_path, help="File to write; for saved_model, a folder.")
    ],
    detector: DetectorOption = None,
    trusted_keys: TrustedKeysOption = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="ONNX, LiteRT (TensorFlow Lite), TensorFlow's SavedModel, or a page that runs the detector in a browser.",
            **one_of("onnx", "litert", "saved_model", "page"),
        ),
    ] = "onnx",
    precision: Annotated[
        str, typer.Option(help="float32, or int8 (onnx only; needs --data).", **one_of("float32", "int8"))
    ] = "float32",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            parser=given_path,
            help="Images to compare both models on and, for int8, to calibrate on.",
            show_default="procedural lesions",
        ),
    ] = None,
    similar: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=given_path,
            help="For page: index of cases (.similar) whose nearest are shown for each image.",
        ),
    ] = None,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="The page also holds a small picture of each of these cases.")
    ] = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Write the model alone, for other programs, and print how closely it agrees with the detector; or a page for browsers."""
    _check_precision(precision, format_, data)
    if format_ == "page" and data is not None:
        raise OptionError("--data: a page compares golden images by itself whenever it opens; leave it out")
    if format_ != "page" and (similar is not None or thumbnails):
        raise OptionError(f"--similar, --thumbnails: {format_} holds no cases; expected --format page")
    if thumbnails and similar is None:
        raise OptionError("--thumbnails: of which cases? Give --similar FILE too")
    inputs = [*([data] if data else []), *([similar] if similar else []), *detector_files(detector)]
    check_sources([data] if data else [])
    _check_out(out, format_, inputs, overwrite=overwrite)
    check_detector(detector)
    note_missing_folder(out)
    loaded = md.Detector.load(detector, trusted_keys=trusted_keys or None)
    images = md.load_dataset(data, image_size=loaded.image_size) if data else None
    with progress_bar("exporting"):
        exported = loaded.export(
            cast("ExportFormat", format_),
            out,
            precision=cast("Precision", precision),
            images=images,
            similar=similar,
            thumbnails=thumbnails,
            overwrite=overwrite,
        )
    echo(str(exported))


def _check_out(out: Path, format_: str, inputs: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse an output that cannot be written, before Keras is imported; `Detector.export` looks closer."""
    if format_ != "saved_model" or not out.is_dir():
        check_output(out, overwrite=overwrite, inputs=inputs)
        return
    check_output_folder(out, inputs=inputs)
    if any(out.iterdir()) and not overwrite:
        raise exists_error(out)


def _check_precision(precision: str, format_: str, data: Path | None) -> None:
    if precision == "int8" and format_ != "onnx":
        raise OptionError(f"--precision int8: is written as ONNX only, not as {format_}; expected --format onnx")
    if precision == "int8" and data is None:
        raise OptionError(
            "--precision int8: needs images to measure the range of activations on; expected --data FOLDER"
        )
