"""Commands that use a detector: predict, card, explain, export, score."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import melanoma_detect as md
from melanoma_detect.cli.app import (
    DetectorOption,
    ImageTypeOption,
    OverwriteOption,
    SensitivityOption,
    TargetOption,
    ViewsOption,
    app,
    detector_files,
    import_keras_quietly,
    load_detector,
    printable,
)
from melanoma_detect.errors import DetectorError, ImageError
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.outputs import expand_path

if TYPE_CHECKING:
    from melanoma_detect.explain.explain import Method
    from melanoma_detect.export.export import Precision
    from melanoma_detect.export.tensorflow import Format
    from melanoma_detect.scoring.score import Backend, Sort


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", parser=expand_path, help="Image files of lesions.")],
    detector: DetectorOption = None,
    sensitivity: SensitivityOption = None,
    target: TargetOption = None,
    views: ViewsOption = None,
    image_type: ImageTypeOption = None,
) -> None:
    """Print the diagnosis of each image, and whether to alert a dermatologist."""
    from melanoma_detect.inference.bundle import find_file  # noqa: PLC0415 - --help stays fast

    find_file(detector)
    if not any(map(Path.exists, images)):
        raise ImageError(f"{images[0]}: no such file; check the path")  # before ONNX Runtime is imported
    loaded = load_detector(detector, sensitivity, target, views, image_type)
    failed = False
    for image in images:
        try:
            typer.echo(printable(loaded.predict(image)))
        except ImageError as error:
            failed = True
            typer.echo(f"Error: {printable(error)}", err=True)
    typer.echo(f"\n{DISCLAIMER}", err=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def card(
    detector: DetectorOption = None,
    prevalence: Annotated[
        float | None,
        typer.Option(
            help="Print the predictive values at this prevalence of the target, such as 0.02, in place of the card: for "
            "dermoscopy, or with --image-type clinical for clinical photographs."
        ),
    ] = None,
    sensitivity: SensitivityOption = None,
    target: TargetOption = None,
    views: ViewsOption = None,
    image_type: ImageTypeOption = None,
) -> None:
    """Print a detector's model card: intended use, training data, performance, limitations."""
    loaded = load_detector(detector, sensitivity, target, views, image_type)
    if prevalence is None:
        typer.echo(loaded.model_card, nl=False)
        return
    point = loaded.operating_point
    if point is None:
        raise DetectorError(f"{loaded!r} has no operating point, and so no predictive values; set one (--sensitivity)")
    typer.echo(f"{point}\n{point.at_prevalence(prevalence)}")


@app.command()
def explain(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", parser=expand_path, help="Image file of a lesion.")],
    out: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            parser=expand_path,
            help="Image file to write: the lesion, the heat map over it, and a caption.",
        ),
    ],
    detector: DetectorOption = None,
    diagnosis: Annotated[
        str | None,
        typer.Option(help="Diagnosis to explain: a class or 'malignant'.", show_default="the most probable class"),
    ] = None,
    method: Annotated[str, typer.Option(help="occlusion, grad-cam or auto.")] = "auto",
    overwrite: OverwriteOption = False,
) -> None:
    """Draw a heat map of the parts of an image that support a diagnosis."""
    from melanoma_detect.explain.explain import check_image_output  # noqa: PLC0415 - --help stays fast

    check_image_output(out, overwrite=overwrite, inputs=[image, *detector_files(detector)])
    loaded = md.Detector.load(detector)
    if method != "occlusion":
        import_keras_quietly()
    explanation = loaded.explain(image, diagnosis=diagnosis, method=cast("Method", method))
    explanation.save(out, overwrite=overwrite)
    typer.echo(f"{printable(explanation)}\n\nWritten:\n  {out}")


@app.command()
def export(
    out: Annotated[
        Path, typer.Option(metavar="PATH", parser=expand_path, help="File to write; for saved_model, a folder.")
    ],
    detector: DetectorOption = None,
    format_: Annotated[str, typer.Option("--format", help="onnx, litert or saved_model.")] = "onnx",
    precision: Annotated[str, typer.Option(help="float32, or int8 (onnx only; needs --data).")] = "float32",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            parser=expand_path,
            help="Images to compare both models on and, for int8, to calibrate on.",
            show_default="procedural lesions",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Write the model alone, for other programs, and print how closely it agrees with the detector."""
    from melanoma_detect.export.export import check_export_output  # noqa: PLC0415 - --help stays fast

    inputs = [*([data] if data else []), *detector_files(detector)]
    check_export_output(format_, out, precision=precision, overwrite=overwrite, inputs=inputs)
    loaded = md.Detector.load(detector)
    images = md.load_dataset(data, image_size=loaded.image_size) if data else None
    import_keras_quietly()
    exported = loaded.export(
        cast("Format", format_), out, precision=cast("Precision", precision), images=images, overwrite=overwrite
    )
    typer.echo(str(exported))


@app.command()
def score(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Images; folders or zip files of images; tables with paths of images. Paths or addresses.",
        ),
    ],
    out: Annotated[str, typer.Option(help="Table to write; ends in .csv or .parquet.")],
    detector: DetectorOption = None,
    sensitivity: SensitivityOption = None,
    target: TargetOption = None,
    views: ViewsOption = None,
    image_type: ImageTypeOption = None,
    batch_size: Annotated[int, typer.Option(help="Images in one call of the model.")] = 32,
    workers: Annotated[
        int | None, typer.Option(help="Number of threads, or of Ray actors.", show_default="one per core")
    ] = None,
    shard_size: Annotated[
        int, typer.Option(help="Images that are saved together: the most that an interrupted run loses.")
    ] = 1024,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="risk",
            help="Make a worklist: alerts first, then referred, then cleared images, each by risk of cancer.",
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="local|ray", help="This machine, or a Ray cluster (extra 'ray').")
    ] = "local",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a table that exists, or an unfinished run that does not fit.")
    ] = False,
) -> None:
    """Write a table with the prediction for each of any number of images. Run again, it resumes an interrupted run."""
    from melanoma_detect.scoring.score import check_score_output  # noqa: PLC0415 - --help stays fast

    check_score_output(out, [*sources, *detector_files(detector)], overwrite=overwrite)
    loaded = load_detector(detector, sensitivity, target, views, image_type, threads=1)  # the workers use every core
    scores = md.score(
        sources,
        detector=loaded,
        out=out,
        batch_size=batch_size,
        workers=workers,
        shard_size=shard_size,
        sort=cast("Sort | None", sort),
        engine=cast("Backend", engine),
        overwrite=overwrite,
    )
    typer.echo(f"{scores}\n\nWritten:\n  {scores.out}")
    typer.echo(f"\n{DISCLAIMER}", err=True)
