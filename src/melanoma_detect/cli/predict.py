"""A detector in use: predict, card, explain, export, score."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import melanoma_detect as md
from melanoma_detect.cli.app import DetectorOption, Sensitivity, Target, Views, app, load_keras_quietly, used
from melanoma_detect.errors import DetectorError, ImageError
from melanoma_detect.inference.finding import locate
from melanoma_detect.utils.disclaimer import DISCLAIMER

if TYPE_CHECKING:
    from melanoma_detect.explain.explain import Method
    from melanoma_detect.export.export import Precision
    from melanoma_detect.export.tensorflow import Format
    from melanoma_detect.scoring.score import Engine, Sort


@app.command()
def predict(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Images of lesions.")],
    detector: DetectorOption = None,
    sensitivity: Sensitivity = None,
    target: Target = None,
    views: Views = None,
) -> None:
    """Say what each image shows, and whether to alert a dermatologist."""
    locate(detector)
    if not any(map(Path.exists, photos)):
        raise ImageError(f"{photos[0]}: no such file; check the path")
    loaded = used(detector, sensitivity, target, views)
    failed = False
    for photo in photos:
        try:
            typer.echo(str(loaded.predict(photo)))
        except ImageError as error:
            failed = True
            typer.echo(f"Error: {error}", err=True)
    typer.echo(f"\n{DISCLAIMER}", err=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def card(
    detector: DetectorOption = None,
    prevalence: Annotated[
        float | None, typer.Option(help="Say what an alert means where this share of images shows melanoma.")
    ] = None,
    sensitivity: Sensitivity = None,
    target: Target = None,
    views: Views = None,
) -> None:
    """Print a detector's model card: what it is for, what it learnt from, how good it is, where it fails."""
    loaded = used(detector, sensitivity, target, views)
    if prevalence is None:
        typer.echo(loaded.model_card, nl=False)
        return
    point = loaded.operating_point
    if point is None:
        raise DetectorError(f"{loaded!r} has no operating point, and so no alerts that could be right or wrong")
    typer.echo(f"{point}\n{point.at_prevalence(prevalence)}")


@app.command()
def explain(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="An image of a lesion.")],
    out: Annotated[Path, typer.Option(help="The image to write: the photo, the map over it, and what it says.")],
    detector: DetectorOption = None,
    diagnosis: Annotated[
        str | None, typer.Option(help="What to explain: a class or 'malignant'; the likeliest class unless told.")
    ] = None,
    method: Annotated[str, typer.Option(help="occlusion, grad-cam, or auto.")] = "auto",
) -> None:
    """Show which parts of an image speak for a diagnosis."""
    loaded = md.Detector.load(detector)
    if method != "occlusion":
        load_keras_quietly()
    found = loaded.explain(photo, diagnosis=diagnosis, method=cast("Method", method))
    found.save(out)
    typer.echo(f"{found}\n\nWritten:\n  {out}")


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The file to write; for saved_model a folder.")],
    detector: DetectorOption = None,
    format_: Annotated[str, typer.Option("--format", help="onnx, litert or saved_model.")] = "onnx",
    precision: Annotated[str, typer.Option(help="float32, or int8 (onnx only; needs --data).")] = "float32",
    data: Annotated[
        Path | None,
        typer.Option(help="Images to compare on, and for int8 to calibrate on; drawn lesions unless told."),
    ] = None,
) -> None:
    """Write the model alone for other programs, and say how well it stands for the detector."""
    loaded = md.Detector.load(detector)
    images = md.load_dataset(data, image_size=loaded.image_size) if data else None
    load_keras_quietly()
    typer.echo(str(loaded.export(cast("Format", format_), out, precision=cast("Precision", precision), images=images)))


@app.command()
def score(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...", help="Images; folders or zips of them; tables with their paths. Paths or addresses."
        ),
    ],
    out: Annotated[str, typer.Option(help="The table to write: a name that ends in .csv or .parquet.")],
    detector: DetectorOption = None,
    sensitivity: Sensitivity = None,
    target: Target = None,
    views: Views = None,
    batch_size: Annotated[int, typer.Option(help="Images in one call of the model.")] = 32,
    workers: Annotated[
        int | None, typer.Option(help="Threads, or Ray actors; as many as there are cores if not given.")
    ] = None,
    shard_size: Annotated[
        int, typer.Option(help="Images kept together: what a run that is killed loses at most.")
    ] = 1024,
    sort: Annotated[
        str | None, typer.Option(metavar="risk", help="A worklist: what a person should look at first stands first.")
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="local|ray", help="This machine, or a Ray cluster (extra 'ray').")
    ] = "local",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a table that is there, or an unfinished run that does not fit.")
    ] = False,
) -> None:
    """Write a table of what the detector says about any number of images; called again, a killed run goes on."""
    # Each worker is a thread: those of ONNX Runtime would only wait for each other.
    loaded = used(detector, sensitivity, target, views, threads=1)
    scores = md.score(
        sources,
        detector=loaded,
        out=out,
        batch_size=batch_size,
        workers=workers,
        shard_size=shard_size,
        sort=cast("Sort | None", sort),
        engine=cast("Engine", engine),
        overwrite=overwrite,
    )
    typer.echo(f"{scores}\n\nWritten:\n  {scores.out}")
    typer.echo(f"\n{DISCLAIMER}", err=True)
