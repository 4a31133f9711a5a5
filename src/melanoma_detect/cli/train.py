"""Commands that train a detector: demo, train."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from melanoma_detect.cli.architectures import check_architecture, check_architecture_options, parse_options
from melanoma_detect.cli.checks import OptionError, at_least, between_0_and_1, given_path, one_of
from melanoma_detect.cli.console import echo, printable
from melanoma_detect.cli.datasets import check_sources, dataset_arguments, given_paths
from melanoma_detect.cli.missing_folders import note_missing_folder
from melanoma_detect.cli.options import (
    EpochsOption,
    ImagesOption,
    LabelsOption,
    MapOption,
    OverwriteRunOption,
    RareOption,
    SeedOption,
    SignKeyOption,
    SourcesArgument,
)
from melanoma_detect.cli.resuming import check_resumable, has_checkpoint
from melanoma_detect.cli.typer_app import app
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.outputs import check_run_folder

if TYPE_CHECKING:
    from melanoma_detect.data.cleaning import Conflicts
    from melanoma_detect.pipeline import Run

OutOption = Annotated[Path, typer.Option(metavar="PATH", parser=given_path, help="Run folder to write.")]


@app.command()
def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            parser=given_path,
            help="Folder of images, or a zip of one.",
            show_default="procedural lesions",
        ),
    ] = None,
    out: OutOption = Path("melanoma-detect-demo"),
    epochs: EpochsOption = 8,
    seed: SeedOption = 123,
    overwrite: OverwriteRunOption = False,
) -> None:
    """Run the whole pipeline on procedural lesions or a folder: load, balance, train, calibrate, evaluate, predict, save."""
    _check_arguments([data] if data else [], out, "cnn", overwrite=overwrite)
    from melanoma_detect.pipeline import demo_lesions, run  # noqa: PLC0415 - --help stays fast

    folder, size = data, 180
    if folder is None:
        echo("Drawing procedural lesions: synthetic images, to show how everything works.")
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
    echo("\nThree of the test images:")
    test = result.data.test
    for prediction in result.detector.predict(test.images[:: max(1, len(test) // 3)][:3]):
        echo(f"  {printable(prediction)}")
    if data is None:
        echo("\nThese figures are for synthetic images: they show that everything runs, not how good the model is.")
    echo(f"\n{DISCLAIMER}")


@app.command()
def train(
    out: OutOption,
    sources: SourcesArgument = None,
    images: ImagesOption = None,
    labels: LabelsOption = None,
    names: MapOption = None,
    rare: RareOption = "train",
    model: Annotated[str, typer.Option(help="Architecture; see 'melanoma-detect models'.")] = "cnn",
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Option of the architecture, such as dropout=0.5; may be repeated; see 'melanoma-detect models NAME'.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=given_path,
            help="Pretrained weights of the architecture's backbone: .weights.h5, .h5 or .npz.",
            show_default="the architecture's own",
        ),
    ] = None,
    balance: Annotated[
        str | None,
        typer.Option(
            metavar="N|max",
            help="Augmented copies to add to each class, or 'max': up to the size of the largest class.",
        ),
    ] = None,
    epochs: EpochsOption = 30,
    recipe: Annotated[
        str, typer.Option(help="Training recipe.", **one_of("assignment", "default", "strong"))
    ] = "assignment",
    precision: Annotated[
        str | None,
        typer.Option(
            help="Precision of the arithmetic; auto measures which is faster.",
            show_default="the recipe's own",
            **one_of("float32", "mixed_bfloat16", "auto"),
        ),
    ] = None,
    sensitivity: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            callback=between_0_and_1("0.95"),
            help="Sensitivity for melanoma on validation, over 0 and under 1; sets the alert threshold.",
        ),
    ] = 0.95,
    conflicts: Annotated[
        str,
        typer.Option(
            help="Images with conflicting labels: leave them out, resolve them (by metadata.csv), keep them, or stop.",
            **one_of("drop", "resolve", "keep", "error"),
        ),
    ] = "drop",
    image_size: Annotated[
        int, typer.Option(callback=at_least(8), help="Height and width of the images, in pixels.")
    ] = 180,
    batch_size: Annotated[int, typer.Option(callback=at_least(1), help="Images in a batch.")] = 32,
    seed: SeedOption = 123,
    devices: Annotated[
        str | None,
        typer.Option(metavar="N|auto", help="Number of devices to train on, or 'auto' for all.", show_default="one"),
    ] = None,
    callbacks: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Keras callback: a name such as tensorboard, or package.module:function, which returns one; may be repeated.",
        ),
    ] = None,
    sign_key: SignKeyOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")] = False,
    overwrite: OverwriteRunOption = False,
) -> None:
    """Train a detector; write it, its metrics and its plots to a run folder."""
    amount = _parse_balance(balance)
    options = _parse_model_options(option, weights)
    count = _parse_devices(devices)
    given = given_paths(sources, labels, images)
    arguments = dataset_arguments(sources, labels, names, rare, images=images)
    _check_arguments(given, out, model, overwrite=overwrite)
    check_architecture_options(model, options)
    _check_callbacks(callbacks)
    if resume:
        check_resumable(out)
    from melanoma_detect.pipeline import run  # noqa: PLC0415 - --help stays fast

    result = run(
        arguments.pop("source", None),
        out,
        model=model,
        options=options,
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
        devices=count,
        callbacks=callbacks or (),
        sign_key=sign_key,
        **arguments,
    )
    _print_report(result)


def _check_arguments(inputs: Sequence[Path], out: Path, model: str, *, overwrite: bool) -> None:
    """Report wrong arguments before Keras is imported, which takes seconds."""
    check_sources(inputs)
    check_architecture(model)
    if has_checkpoint(out) and out.is_dir():
        from melanoma_detect.pipeline import remove_finished_checkpoint  # noqa: PLC0415 - --help stays fast

        remove_finished_checkpoint(out)
    check_run_folder(out, overwrite=overwrite, inputs=inputs)
    note_missing_folder(out)


def _check_callbacks(names: Sequence[str] | None) -> None:
    if names:
        from melanoma_detect.training.callbacks_by_name import check_callback_names  # noqa: PLC0415 - few runs need it

        check_callback_names(names)
        for name in names:
            package = name.partition(":")[0].partition(".")[0]
            if ":" in name and importlib.util.find_spec(package) is None:  # found, not imported
                raise OptionError(
                    f"--callbacks {name}: there is no package {package}; install it, or add its folder to PYTHONPATH"
                )


def _parse_balance(text: str | None) -> dict[str, Any]:
    """Return `--balance` as keywords of `run`."""
    if text is None:
        return {}
    if text == "max":
        return {"to": "max"}
    if text.isdecimal():
        return {"add": int(text)}
    raise OptionError(f"--balance {text}: expected a whole number of copies to add to each class, or 'max'")


def _parse_devices(text: str | None) -> str | int | None:
    if text is None or text == "auto":
        return text
    if text.isdecimal() and int(text):
        return int(text)
    raise OptionError(f"--devices {text}: expected a whole number of at least 1, or 'auto' for every device")


def _parse_model_options(pairs: Sequence[str] | None, weights: Path | None) -> dict[str, Any]:
    """Return `--option` and `--weights` as keywords of the architecture's builder."""
    options = parse_options(pairs)
    if weights is None:
        return options
    if "weights" in options:
        raise OptionError(f"--weights {weights}: --option weights={options['weights']} is given too; give one of them")
    if not weights.is_file():
        raise OptionError(f"--weights {weights}: no such file; expected the weights of the architecture's backbone")
    return options | {"weights": str(weights)}


def _print_report(result: "Run") -> None:
    echo(f"\n{result.test}")
    validation, test = (split.figures["balanced_accuracy"] for split in (result.validation, result.test))
    difference = round(validation.value, 3) - round(test.value, 3)  # of the rounded values that are printed beside it
    echo(f"\nBalanced accuracy on validation {validation}, on test {test}: a difference of {difference:+.3f}.")
    echo("\nWritten:")
    for file in result.files:
        echo(f"  {printable(file)}")
