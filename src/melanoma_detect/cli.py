"""The same verbs on the command line: `melanoma-detect --help`."""

import ast
import contextlib
import importlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import melanoma_detect as md
from melanoma_detect import __version__
from melanoma_detect.console import refuse_occupied
from melanoma_detect.detection.finding import locate
from melanoma_detect.errors import DatasetError, DetectorError, ImageError, MelanomaDetectError, ModelError
from melanoma_detect.notice import DISCLAIMER

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from melanoma_detect.data.gate import Conflicts
    from melanoma_detect.detection.explain import Method
    from melanoma_detect.detection.scoring import Engine, Sort
    from melanoma_detect.learning.elsewhere import Format
    from melanoma_detect.learning.formats import Precision
    from melanoma_detect.running import Run

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Tell nine skin lesions apart and alert a dermatologist to melanoma.",
    epilog=DISCLAIMER,
)

Folder = Annotated[Path, typer.Argument(help="Train/ and Test/ with one folder per diagnosis, or such folders alone.")]
DetectorOption = Annotated[
    Path, typer.Option("--detector", "-d", help="A detector's file, or the run folder that holds it.")
]
Sensitivity = Annotated[
    float | None, typer.Option(help="Share of melanomas that must raise an alert; the detector's own unless given.")
]
Target = Annotated[
    str | None, typer.Option(help="What to alert to: melanoma, or malignant for any malignant diagnosis.")
]
Views = Annotated[int | None, typer.Option(help="Look at each picture in 1, 4 or 8 ways (mirrored, turned), averaged.")]
Seed = Annotated[int, typer.Option(help="Where every random choice comes from.")]
Epochs = Annotated[int, typer.Option(help="Epochs at most; training stops early where validation stops improving.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a run folder that is there.")]


def main() -> None:
    """Run the command line: errors of this library are one message and exit status 1, never a traceback."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes on GPUs are not what a user came for
    with _messages():
        app()


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"melanoma-detect {__version__}")
        raise typer.Exit


@app.command()
def demo(
    data: Annotated[
        Path | None, typer.Option(help="Pictures to use; procedural lesions where it is not given.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The run folder to write.")] = Path("melanoma-detect-demo"),
    epochs: Annotated[int, typer.Option(help="Epochs at most.")] = 8,
    seed: Seed = 123,
    overwrite: Overwrite = False,
) -> None:
    """Run the whole pass on procedural lesions, or on a folder: load, balance, train, calibrate, evaluate, predict, save."""
    _refuse_slips(data or Path(), out, "cnn", overwrite=overwrite)
    _load_keras_quietly()
    from melanoma_detect.running import demo_lesions, run  # noqa: PLC0415 - --help stays quick

    folder, size = data, 180
    if folder is None:
        typer.echo("Drawing procedural lesions: pictures of nobody, to show how everything works.")
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
    typer.echo("\nThree of the test pictures:")
    test = result.data.test
    for prediction in result.detector.predict(test.pictures[:: max(1, len(test) // 3)][:3]):
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
            help="Pictures under labels that contradict each other: drop, resolve (by metadata.csv), keep or error."
        ),
    ] = "drop",
    image_size: Annotated[int, typer.Option(help="Height and width of the pictures, in pixels.")] = 180,
    batch_size: Annotated[int, typer.Option(help="Pictures in a batch.")] = 32,
    seed: Seed = 123,
    devices: Annotated[
        str | None, typer.Option(metavar="N|auto", help="How many devices train, or 'auto': all there are.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Train a detector and write it, its figures and its pictures into a run folder."""
    amount = _amount(balance)
    _refuse_slips(folder, out, model, overwrite=overwrite)
    _load_keras_quietly()
    from melanoma_detect.running import run  # noqa: PLC0415 - --help stays quick

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
    detector: DetectorOption,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with every figure, drawn, and the shortcut tests.")
    ] = None,
    shortcuts: Annotated[
        bool, typer.Option("--shortcuts", help="Ask it about the pictures without their lesions too.")
    ] = False,
    prevalence: Annotated[
        list[float] | None,
        typer.Option(help="Say what an alert means where this share of pictures is melanoma; may be given again."),
    ] = None,
    squashed: Annotated[
        str | None,
        typer.Option(metavar="W:H", help="The shape, as 4:3, that square pictures had before they were squashed."),
    ] = None,
    seed: Seed = 123,
) -> None:
    """Measure a detector on a folder's Test, or on all its class folders; pictures it was trained on are set aside."""
    loaded = md.Detector.load(detector)
    data = md.load_dataset(folder, validation=0, test=1, image_size=loaded.image_size, squashed=squashed)
    found = loaded.evaluate(data.test, shortcuts=shortcuts or html is not None, seed=seed)
    typer.echo(str(found))
    for number, share in enumerate(prevalence or []):
        typer.echo(f"{'' if number else chr(10)}{found.at_prevalence(share)}")
    if subgroups := found.subgroups():
        typer.echo("\n" + "\n".join(map(str, subgroups)))
    if html:
        typer.echo(f"\nWritten:\n  {found.html(html)}")


@app.command()
def predict(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Pictures of lesions.")],
    detector: DetectorOption,
    sensitivity: Sensitivity = None,
    target: Target = None,
    views: Views = None,
) -> None:
    """Say what each picture shows, and whether to alert a dermatologist."""
    locate(detector)
    if not any(map(Path.exists, photos)):
        raise ImageError(f"{photos[0]}: no such file; check the path")
    loaded = _used(detector, sensitivity, target, views)
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
    detector: DetectorOption,
    prevalence: Annotated[
        float | None, typer.Option(help="Say what an alert means where this share of pictures shows melanoma.")
    ] = None,
    sensitivity: Sensitivity = None,
    target: Target = None,
    views: Views = None,
) -> None:
    """Print a detector's model card: what it is for, what it learnt from, how good it is, where it fails."""
    loaded = _used(detector, sensitivity, target, views)
    if prevalence is None:
        typer.echo(loaded.model_card, nl=False)
        return
    point = loaded.operating_point
    if point is None:
        raise DetectorError(f"{detector}: has no operating point, and so no alerts that could be right or wrong")
    typer.echo(f"{point}\n{point.at_prevalence(prevalence)}")


@app.command()
def explain(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A picture of a lesion.")],
    detector: DetectorOption,
    out: Annotated[Path, typer.Option(help="The picture to write: the photo, the map over it, and what it says.")],
    diagnosis: Annotated[
        str | None, typer.Option(help="What to explain: a class or 'malignant'; the likeliest class unless told.")
    ] = None,
    method: Annotated[str, typer.Option(help="occlusion, grad-cam, or auto.")] = "auto",
) -> None:
    """Show which parts of a picture speak for a diagnosis."""
    loaded = md.Detector.load(detector)
    if method != "occlusion":
        _load_keras_quietly()
    found = loaded.explain(photo, diagnosis=diagnosis, method=cast("Method", method))
    found.save(out)
    typer.echo(f"{found}\n\nWritten:\n  {out}")


@app.command()
def export(
    detector: DetectorOption,
    out: Annotated[Path, typer.Option(help="The file to write; for saved_model a folder.")],
    format_: Annotated[str, typer.Option("--format", help="onnx, litert or saved_model.")] = "onnx",
    precision: Annotated[str, typer.Option(help="float32, or int8 (onnx only; needs --data).")] = "float32",
    data: Annotated[
        Path | None,
        typer.Option(help="Pictures to compare on, and for int8 to calibrate on; drawn lesions unless told."),
    ] = None,
) -> None:
    """Write the model alone for other programs, and say how well it stands for the detector."""
    loaded = md.Detector.load(detector)
    pictures = md.load_dataset(data, image_size=loaded.image_size) if data else None
    _load_keras_quietly()
    typer.echo(
        str(loaded.export(cast("Format", format_), out, precision=cast("Precision", precision), pictures=pictures))
    )


@app.command()
def score(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...", help="Pictures; folders or zips of them; tables with their paths. Paths or addresses."
        ),
    ],
    detector: DetectorOption,
    out: Annotated[str, typer.Option(help="The table to write: a name that ends in .csv or .parquet.")],
    batch_size: Annotated[int, typer.Option(help="Pictures in one call of the model.")] = 32,
    workers: Annotated[
        int | None, typer.Option(help="Threads, or Ray actors; as many as there are cores if not given.")
    ] = None,
    shard_size: Annotated[
        int, typer.Option(help="Pictures kept together: what a run that is killed loses at most.")
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
    """Write a table of what the detector says about any number of pictures; called again, a killed run goes on."""
    loaded = md.Detector.load(detector, threads=1)  # each worker is one: they would wait for each other's threads
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


@app.command()
def audit(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER...", help="Pictures: folders, or zip files of them.")
    ],
    html: Annotated[Path | None, typer.Option(help="Write a page with the pictures side by side.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for programs.")] = False,
    detector: Annotated[
        Path | None, typer.Option("--detector", "-d", help="Look with its features too: small turns and crops.")
    ] = None,
) -> None:
    """Look for what is wrong with a folder of pictures: duplicates, two labels, leaks, sources that tell the class."""
    found = md.audit(folders, model=md.Detector.load(detector) if detector else None, progress=not as_json)
    if html:
        found.html(html)
    if as_json:
        typer.echo(json.dumps(found.to_dict()))
        return
    _print_findings(found)
    if html:
        typer.echo(f"\nWritten:\n  {html}")


def _print_findings(found: "md.Audit") -> None:
    out = _console(highlight=False)
    out.print(f"{found.pictures} pictures of {len(found.classes)} classes from {_escaped(', '.join(found.sources))}")
    if not found.findings:
        out.print("Nothing found.")
        return
    table = _table("count", "finding", "what it is, what it does, what to do", padding=(0, 2, 1, 0))
    table.columns[0].justify = "right"
    table.columns[1].style = "bold"
    for finding in found.findings:
        words = f"{_escaped(finding.summary)}.\n[dim]{finding.effect}[/]\n[blue]{finding.advice}[/]"
        table.add_row(str(finding.count), finding.kind, words)
    out.print(table)


@app.command()
def classes(folder: Folder, seed: Seed = 123) -> None:
    """Count the pictures of each class in each split."""
    data = md.load_dataset(folder, seed=seed)
    counts = data.distribution()
    table = _table("class", *counts.columns, "share of train")
    for column in table.columns[1:]:
        column.justify = "right"
    total = int(counts["train"].sum())
    for label, row in counts.iterrows():
        table.add_row(str(label), *map(str, row), f"{row['train'] / total:.1%}")
    table.add_row("all", *(str(int(counts[column].sum())) for column in counts.columns), "", style="bold")
    _console().print(table)


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(help="Tell everything about this one.", show_default=False)] = None,
) -> None:
    """List the architectures that are installed, or tell everything about one."""
    if name:
        _find_entry(name)
        _load_keras_quietly()
        typer.echo(str(md.model_info(name)))
        return
    table = _table("name", "package", "version", "what it is")
    for entry in md.list_models():
        table.add_row(*(_printable(text) for text in (entry.name, entry.package, entry.version, entry.description)))
    _console().print(table)


@app.command()
def check_model(
    name: Annotated[str, typer.Argument(help="The architecture; see 'melanoma-detect models'.")],
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of its builder; may be given again.")
    ] = None,
    image_size: Annotated[int, typer.Option(help="Height and width to build it at, in pixels.")] = 64,
) -> None:
    """Run the conformance kit on an architecture: everything that this library relies on."""
    _find_entry(name)
    _load_keras_quietly()
    from melanoma_detect.testing import check_model as run_checks  # noqa: PLC0415 - --help stays quick

    failed = 0
    shape = (image_size, image_size, 3)
    for result in run_checks(name, input_shape=shape, **_options(option or [])):
        failed += not result.passed
        typer.echo(f"{'passed' if result.passed else 'FAILED'}  {result.name}  ({result.seconds:.1f} s)")
        typer.echo(f"        {result.error or result.description}")
    if failed:
        typer.echo(f"\n{name}: {failed} of the checks failed", err=True)
        raise typer.Exit(1)
    typer.echo(f"\n{name} passes every check")


def _options(pairs: list[str]) -> dict[str, Any]:
    """Turn KEY=VALUE into what a builder takes: Python's literals, else text."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise ModelError(f"--option {pair}: expected KEY=VALUE, such as dropout=0.5")
        try:
            found[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[key] = value
    return found


def _printable(text: str) -> str:
    """Show what a package says about itself: control characters must not move the terminal."""
    return _escaped("".join(one if one.isprintable() else repr(one)[1:-1] for one in text))


def _refuse_slips(folder: Path, out: Path, model: str, *, overwrite: bool) -> None:
    """Answer the common slips before Keras is imported, which takes seconds."""
    if not folder.is_dir():
        raise DatasetError(
            f"{folder}: no such folder; expected one with Train/ and Test/, or with one folder per class"
        )
    _find_entry(model)
    refuse_occupied(out, overwrite=overwrite)


def _used(detector: Path, sensitivity: float | None, target: str | None, views: int | None) -> "md.Detector":
    loaded = md.Detector.load(detector)
    if sensitivity is None and target is None and views is None:
        return loaded
    return loaded.at(sensitivity=sensitivity, target=cast("Any", target), views=views)


def _find_entry(model: str) -> None:
    from melanoma_detect.models.registry import find_entry  # noqa: PLC0415 - reads every package's entry points

    find_entry(model)


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


def _load_keras_quietly() -> None:
    """Import Keras with standard error shut: TensorFlow's C++ writes notes there that no setting turns off."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its advice on retracing is not for users
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            importlib.import_module("keras")
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextlib.contextmanager
def _messages() -> Iterator[None]:
    """Show warnings and errors of this library as one line each."""

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, (md.errors.DataWarning, md.errors.DetectorWarning)):
            _console(stderr=True, highlight=False, soft_wrap=True).print(f"[yellow]Note:[/] {_escaped(message)}")

    warnings.showwarning = show
    try:
        yield
    except MelanomaDetectError as error:
        _console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]Error:[/] {_escaped(error)}")
        sys.exit(1)


# rich takes a tenth of a second to import: only who shows a table or a message waits for it.
def _console(**options: Any) -> "Console":
    from rich.console import Console  # noqa: PLC0415

    return Console(**options)


def _table(*columns: str, **options: Any) -> "Table":
    from rich.table import Table  # noqa: PLC0415

    return Table(*columns, **{"box": None, "pad_edge": False} | options)


def _escaped(text: object) -> str:
    return str(text).replace("[", r"\[")
