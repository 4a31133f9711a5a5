"""From images to a detector and its figures: demo, train, evaluate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import melanoma_detect as md
from melanoma_detect.cli.app import (
    DetectorOption,
    Epochs,
    Folder,
    Overwrite,
    Seed,
    Sensitivity,
    Target,
    Views,
    app,
    find_entry,
    load_keras_quietly,
    used,
)
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.files import refuse_occupied

if TYPE_CHECKING:
    from melanoma_detect.data.cleaning import Conflicts
    from melanoma_detect.pipeline import Run


@app.command()
def demo(
    data: Annotated[Path | None, typer.Option(help="Images to use; procedural lesions where it is not given.")] = None,
    out: Annotated[Path, typer.Option(help="The run folder to write.")] = Path("melanoma-detect-demo"),
    epochs: Annotated[int, typer.Option(help="Epochs at most.")] = 8,
    seed: Seed = 123,
    overwrite: Overwrite = False,
) -> None:
    """Run the whole pass on procedural lesions, or on a folder: load, balance, train, calibrate, evaluate, predict, save."""
    _refuse_slips(data or Path(), out, "cnn", overwrite=overwrite)
    load_keras_quietly()
    from melanoma_detect.pipeline import demo_lesions, run  # noqa: PLC0415 - --help stays quick

    folder, size = data, 180
    if folder is None:
        typer.echo("Drawing procedural lesions: images of nobody, to show how everything works.")
        size = 128
        folder = demo_lesions(seed=seed, size=size)
    result = run(
        folder,
        out,
        to="max",
        epochs=epochs,
        sensitivity=0.95 if data else 0.8,  # what the few drawn melanomas support
        image_size=(size, size),
        seed=seed,
        overwrite=overwrite,
    )
    _report(result)
    typer.echo("\nThree of the test images:")
    test = result.data.test
    for prediction in result.detector.predict(test.images[:: max(1, len(test) // 3)][:3]):
        typer.echo(f"  {prediction}")
    if data is None:
        typer.echo("\nThese figures are about drawings: they say that everything runs, and nothing about skin.")
    typer.echo(f"\n{DISCLAIMER}")


@app.command()
def train(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="The run folder to write.")],
    model: Annotated[str, typer.Option(help="The architecture; see 'melanoma-detect models'.")] = "cnn",
    balance: Annotated[
        str | None,
        typer.Option(metavar="N|max", help="Copies to add to each class, or 'max': as many as the largest class."),
    ] = None,
    epochs: Epochs = 30,
    recipe: Annotated[str, typer.Option(help="How to train: assignment, default or strong.")] = "assignment",
    precision: Annotated[
        str | None,
        typer.Option(help="auto (tries which is faster), float32 or mixed_bfloat16.  [default: the recipe's]"),
    ] = None,
    sensitivity: Annotated[float, typer.Option(help="Share of validation melanomas that must raise an alert.")] = 0.95,
    conflicts: Annotated[
        str,
        typer.Option(
            help="Images under labels that contradict each other: drop, resolve (by metadata.csv), keep or error."
        ),
    ] = "drop",
    image_size: Annotated[int, typer.Option(help="Height and width of the images, in pixels.")] = 180,
    batch_size: Annotated[int, typer.Option(help="Images in a batch.")] = 32,
    seed: Seed = 123,
    devices: Annotated[
        str | None, typer.Option(metavar="N|auto", help="How many devices train, or 'auto': all there are.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Train a detector and write it, its figures and its images into a run folder."""
    amount = _amount(balance)
    _refuse_slips(folder, out, model, overwrite=overwrite)
    load_keras_quietly()
    from melanoma_detect.pipeline import run  # noqa: PLC0415 - --help stays quick

    result = run(
        folder,
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
    )
    _report(result)


@app.command()
def evaluate(
    folder: Folder,
    detector: DetectorOption = None,
    sensitivity: Sensitivity = None,
    target: Target = None,
    views: Views = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with every figure, drawn, and the shortcut tests.")
    ] = None,
    shortcuts: Annotated[
        bool, typer.Option("--shortcuts", help="Ask it about the images without their lesions too.")
    ] = False,
    prevalence: Annotated[
        list[float] | None,
        typer.Option(help="Say what an alert means where this share of images is melanoma; may be given again."),
    ] = None,
    squashed: Annotated[
        str | None,
        typer.Option(metavar="W:H", help="The shape, as 4:3, that square images had before they were squashed."),
    ] = None,
    seed: Seed = 123,
) -> None:
    """Measure a detector on a folder's Test, or on all its class folders; images it was trained on are set aside."""
    loaded = used(detector, sensitivity, target, views)
    data = md.load_dataset(folder, validation=0, test=1, image_size=loaded.image_size, squashed=squashed)
    found = loaded.evaluate(data.test, shortcuts=shortcuts or html is not None, seed=seed)
    typer.echo(str(found))
    for number, share in enumerate(prevalence or []):
        typer.echo(f"{'' if number else chr(10)}{found.at_prevalence(share)}")
    if subgroups := found.subgroups():
        typer.echo("\n" + "\n".join(map(str, subgroups)))
    if html:
        typer.echo(f"\nWritten:\n  {md.report.write_html(found, html)}")


def _refuse_slips(folder: Path, out: Path, model: str, *, overwrite: bool) -> None:
    """Answer the common slips before Keras is imported, which takes seconds."""
    if not folder.is_dir():
        raise DatasetError(
            f"{folder}: no such folder; expected one with Train/ and Test/, or with one folder per class"
        )
    find_entry(model)
    refuse_occupied(out, overwrite=overwrite)


def _amount(text: str | None) -> dict[str, Any]:
    """Turn `--balance` into what `balance` takes."""
    if text is None:
        return {}
    if text == "max":
        return {"to": "max"}
    if text.isdecimal():
        return {"add": int(text)}
    raise DatasetError(f"--balance {text}: expected a whole number of copies to add to each class, or 'max'")


def _report(result: "Run") -> None:
    typer.echo(f"\n{result.test}")
    here, there = (found.figures["balanced_accuracy"] for found in (result.validation, result.test))
    difference = round(here.value, 3) - round(there.value, 3)
    typer.echo(f"\nBalanced accuracy on validation {here}, on test {there}: a difference of {difference:+.3f}.")
    typer.echo("\nWritten:")
    for file in result.files:
        typer.echo(f"  {file}")
