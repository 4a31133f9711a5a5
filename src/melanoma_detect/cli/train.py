"""Commands that train a detector: demo, train."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from melanoma_detect.cli.app import (
    LabelsOption,
    MapOption,
    OverwriteRunOption,
    RareOption,
    SeedOption,
    SourcesArgument,
    app,
    check_architecture,
    check_sources,
    dataset_arguments,
    import_keras_quietly,
)
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.outputs import check_run_folder, expand_path

if TYPE_CHECKING:
    from melanoma_detect.data.cleaning import Conflicts
    from melanoma_detect.pipeline import Run

OutOption = Annotated[Path, typer.Option(metavar="PATH", parser=expand_path, help="Run folder to write.")]


@app.command()
def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            parser=expand_path,
            help="Folder of images, or a zip of one.",
            show_default="procedural lesions",
        ),
    ] = None,
    out: OutOption = Path("melanoma-detect-demo"),
    epochs: Annotated[int, typer.Option(help="Maximum number of epochs.")] = 8,
    seed: SeedOption = 123,
    overwrite: OverwriteRunOption = False,
) -> None:
    """Run the whole pipeline on procedural lesions or a folder: load, balance, train, calibrate, evaluate, predict, save."""
    _check_arguments([data] if data else [], out, "cnn", overwrite=overwrite)
    import_keras_quietly()
    from melanoma_detect.pipeline import demo_lesions, run  # noqa: PLC0415 - --help stays fast

    folder, size = data, 180
    if folder is None:
        typer.echo("Drawing procedural lesions: synthetic images, to show how everything works.")
        size = 128  # faster; the drawings have no finer detail
        folder = demo_lesions(seed=seed, size=size)
    result = run(
        folder,
        out,
        to="max",
        epochs=epochs,
        sensitivity=0.95 if data else 0.8,  # the few synthetic melanomas in validation support no more
        image_size=(size, size),
        seed=seed,
        overwrite=overwrite,
    )
    _print_report(result)
    typer.echo("\nThree of the test images:")
    test = result.data.test
    for prediction in result.detector.predict(test.images[:: max(1, len(test) // 3)][:3]):
        typer.echo(f"  {prediction}")
    if data is None:
        typer.echo(
            "\nThese figures are for synthetic images: they show that everything runs, not how good the model is."
        )
    typer.echo(f"\n{DISCLAIMER}")


@app.command()
def train(
    sources: SourcesArgument,
    out: OutOption,
    labels: LabelsOption = None,
    names: MapOption = None,
    rare: RareOption = "train",
    model: Annotated[str, typer.Option(help="Architecture; see 'melanoma-detect models'.")] = "cnn",
    balance: Annotated[
        str | None,
        typer.Option(
            metavar="N|max",
            help="Augmented copies to add to each class, or 'max': up to the size of the largest class.",
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option(help="Maximum number of epochs; early stopping may end training earlier.")
    ] = 30,
    recipe: Annotated[str, typer.Option(help="Training recipe: assignment, default or strong.")] = "assignment",
    precision: Annotated[
        str | None,
        typer.Option(
            help="float32, mixed_bfloat16, or auto (measures which is faster).", show_default="the recipe's own"
        ),
    ] = None,
    sensitivity: Annotated[
        float, typer.Option(help="Sensitivity for melanoma on validation; sets the alert threshold.")
    ] = 0.95,
    conflicts: Annotated[
        str, typer.Option(help="Images with conflicting labels: drop, resolve (by metadata.csv), keep or error.")
    ] = "drop",
    image_size: Annotated[int, typer.Option(help="Height and width of the images, in pixels.")] = 180,
    batch_size: Annotated[int, typer.Option(help="Images in a batch.")] = 32,
    seed: SeedOption = 123,
    devices: Annotated[
        str | None,
        typer.Option(metavar="N|auto", help="Number of devices to train on, or 'auto' for all.", show_default="one"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")] = False,
    overwrite: OverwriteRunOption = False,
) -> None:
    """Train a detector; write it, its metrics and its plots to a run folder."""
    amount = _parse_balance(balance)
    arguments = dataset_arguments(sources, labels, names, rare)
    _check_arguments([*sources, *([labels] if labels else [])], out, model, overwrite=overwrite)
    import_keras_quietly()
    from melanoma_detect.pipeline import run  # noqa: PLC0415 - --help stays fast

    result = run(
        arguments.pop("source", None),
        out,
        model=model,
        **amount,
        epochs=epochs,
        recipe=recipe,
        sensitivity=sensitivity,
        conflicts=cast("Conflicts", conflicts),
        image_size=(image_size, image_size),
        batch_size=batch_size,
        seed=seed,
        overwrite=overwrite,
        precision=precision,
        resume=resume,
        devices=int(devices) if devices and devices.isdecimal() else devices,
        **arguments,
    )
    _print_report(result)


def _check_arguments(inputs: Sequence[Path], out: Path, model: str, *, overwrite: bool) -> None:
    """Report wrong arguments before Keras is imported, which takes seconds."""
    check_sources(inputs)
    check_architecture(model)
    check_run_folder(out, overwrite=overwrite, inputs=inputs)


def _parse_balance(text: str | None) -> dict[str, Any]:
    """Return `--balance` as keywords of `run`."""
    if text is None:
        return {}
    if text == "max":
        return {"to": "max"}
    if text.isdecimal():
        return {"add": int(text)}
    raise DatasetError(f"--balance {text}: expected a whole number of copies to add to each class, or 'max'")


def _print_report(result: "Run") -> None:
    typer.echo(f"\n{result.test}")
    validation, test = (split.figures["balanced_accuracy"] for split in (result.validation, result.test))
    difference = round(validation.value, 3) - round(test.value, 3)  # of the rounded values that are printed beside it
    typer.echo(f"\nBalanced accuracy on validation {validation}, on test {test}: a difference of {difference:+.3f}.")
    typer.echo("\nWritten:")
    for file in result.files:
        typer.echo(f"  {file}")
