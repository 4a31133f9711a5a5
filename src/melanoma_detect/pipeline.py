"""The whole pass, as `melanoma-detect train` and `demo` run it: a folder of images in, a run folder out."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from melanoma_detect import __version__
from melanoma_detect.data.balance import balance
from melanoma_detect.data.cleaning import Conflicts
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.load import load_dataset
from melanoma_detect.data.synthetic import write_samples
from melanoma_detect.detector import Detector
from melanoma_detect.errors import OutputError
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.inference.finding import SUFFIX
from melanoma_detect.models.build import build_model
from melanoma_detect.models.registry import find_builder
from melanoma_detect.report import plots
from melanoma_detect.report.pages import write_html
from melanoma_detect.training import checkpoints
from melanoma_detect.training.recipes import Augmentation, find_recipe
from melanoma_detect.utils.files import METRICS, cache_folder, refuse_occupied, writing_to


@dataclass(frozen=True, eq=False)
class Run:
    """What a run came to.

    Attributes:
        folder: Where its files lie.
        data: The dataset as it was loaded, before balancing.
        detector: The trained detector.
        test: Its figures on the test split.
        validation: Its figures on the validation split, which it was stopped and calibrated by.
        files: The files written, in order.
    """

    folder: Path
    data: Dataset
    detector: Detector
    test: Evaluation
    validation: Evaluation
    files: tuple[Path, ...]


def run(
    folder: "str | os.PathLike[str]",
    out: "str | os.PathLike[str]",
    *,
    model: str = "cnn",
    add: int | None = None,
    to: int | Literal["max"] | None = None,
    epochs: int = 30,
    recipe: str = "assignment",
    sensitivity: float = 0.95,
    conflicts: Conflicts = "drop",
    image_size: tuple[int, int] = (180, 180),
    batch_size: int = 32,
    seed: int = 123,
    overwrite: bool = False,
    progress: bool = True,
    precision: str | None = None,
    resume: bool = False,
    devices: str | int | None = None,
) -> Run:
    """Load, balance, train, calibrate, evaluate, and write everything into a run folder, whole or not at all.

    While it trains, a checkpoint lies beside the run folder, in `.NAME.training`; it goes when the run folder is whole.

    Args:
        folder: The images.
        out: The run folder.
        model: The architecture's name.
        add: How many copies to add to each class, or None.
        to: How many training images each class shall have, or `"max"`, or None.
        epochs: How many epochs at most.
        recipe: How to train.
        sensitivity: The share of validation melanomas that must raise an alert.
        conflicts: What to do with images under labels that contradict each other; see `load_dataset`.
        image_size: `(height, width)` in pixels.
        batch_size: Images in a batch.
        seed: Where every random choice comes from.
        overwrite: Replace a run folder that is there.
        progress: Draw progress bars.
        precision: The recipe's where it is None; see `Recipe`.
        resume: Go on with a run that was cut off; from the start where there is none.
        devices: None for one device; `"auto"`, or how many.

    Returns:
        The run.

    Raises:
        MelanomaDetectError: What any of the steps refuses.

    Examples:
        >>> done = run(isic9, "runs/first", epochs=1, image_size=(32, 32), progress=False)
        >>> (done.folder / "metrics.json").is_file()
        True
    """
    find_builder(model)  # slips are answered before any work is done
    chosen = find_recipe(recipe)
    if precision:
        chosen = replace(chosen, precision=precision)
    with (
        training_folder(Path(out), overwrite=overwrite, resume=resume) as checkpoint,
        whole_folder(Path(out), overwrite=overwrite) as partial,
    ):
        data = load_dataset(folder, conflicts=conflicts, seed=seed, image_size=image_size, batch_size=batch_size)
        balanced = balance(data, add=add, to=to, seed=seed, progress=progress) if add or to else data
        network = build_model(model, num_classes=len(data.classes), input_shape=(*image_size, 3), seed=seed)
        detector = Detector.fit(
            network,
            balanced,
            epochs=epochs,
            recipe=chosen,
            sensitivity=sensitivity,
            seed=seed,
            progress=progress,
            checkpoint=checkpoint,
            resume=resume,
            devices=devices,
        )
        test = detector.evaluate(data.test, shortcuts=True, seed=seed)
        validation = detector.evaluate(data.validation, seen="keep", seed=seed)
        metrics = {found.split: found.to_dict() for found in (test, validation)}
        measured = detector.predictor.with_metrics(metrics)
        detector = Detector(measured.config, measured.runtime, measured.files, measured.settings)
        detector.save(partial / f"{model}{SUFFIX}")
        _write_metrics(partial / METRICS, detector, data, test=test, validation=validation)
        _write_figures(partial, detector, data, balanced, test)
        write_html(test, partial / "report.html", validation=validation)
    files = tuple(sorted(file for file in Path(out).iterdir() if file.is_file()))
    return Run(Path(out), data, detector, test, validation, files)


def demo_lesions(*, seed: int, size: int) -> Path:
    """Return a folder of procedural lesions in this library's cache, drawn when it is first asked for.

    Args:
        seed: The same seed gives the same images.
        size: Height and width in pixels.

    Returns:
        A folder that `load_dataset` takes: nine classes, as unequal as those of the nine-class ISIC set.

    Raises:
        OutputError: The cache cannot be written.

    Examples:
        >>> demo_lesions(seed=1, size=32).name
        'lesions-1-32'
    """
    place = cache_folder("demo") / f"lesions-{seed}-{size}"
    if not place.is_dir():
        with whole_folder(place, overwrite=False) as partial:
            write_samples(partial, train=60, test=8, seed=seed, size=size, imbalanced=True)
    return place


@contextlib.contextmanager
def training_folder(out: Path, *, overwrite: bool, resume: bool) -> Iterator[Path]:
    """Give a place beside `out` for checkpoints, which goes when all went well and stays when not.

    Args:
        out: The run folder to be.
        overwrite: Throw away what a training that was cut off has left.
        resume: Go on with it.

    Yields:
        The place; there is a folder once a checkpoint is written.

    Raises:
        OutputError: A training that was cut off is there, and neither is asked for.

    Examples:
        >>> with training_folder(Path("runs/mine"), overwrite=False, resume=False) as place:
        ...     place.name
        '.mine.training'
    """
    refuse_occupied(out, overwrite=overwrite)
    place = out.parent / f".{out.name}.training"
    begun = checkpoints.place_of(place).exists()
    if begun and not (resume or overwrite):
        raise OutputError(
            f"{out}: a training of this run was cut off; go on with it (--resume), or start anew (--overwrite)"
        )
    if begun and not resume:
        checkpoints.remove(place)
    yield place
    checkpoints.remove(place)


@contextlib.contextmanager
def whole_folder(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a folder beside `out` to write into; rename it when all went well, and leave nothing when not.

    Args:
        out: The folder to be.
        overwrite: Replace a run folder that is there.

    Yields:
        The folder to write into.

    Raises:
        OutputError: `out` is a file, is there already, or cannot be written.

    Examples:
        >>> with whole_folder(Path("runs/mine"), overwrite=False) as partial:
        ...     _ = (partial / "note.txt").write_text("whole or absent")
        >>> Path("runs/mine/note.txt").is_file()
        True
    """
    refuse_occupied(out, overwrite=overwrite)
    with writing_to(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        yield partial
        with writing_to(out):
            partial.chmod(0o755)
            if out.exists():
                shutil.rmtree(out)
            partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_metrics(place: Path, detector: Detector, data: Dataset, *, test: Evaluation, validation: Evaluation) -> None:
    values: dict[str, Any] = {
        "melanoma_detect": __version__,
        "architecture": detector.predictor.config.architecture,
        "recipe": detector.predictor.config.recipe,
        "best_epoch": detector.predictor.config.best_epoch,
        "history": detector.predictor.config.history,
        "distribution": data.distribution().to_dict("index"),
        "set_aside": [{"id": entry.record.id, "kind": entry.kind, "reason": entry.reason} for entry in data.set_aside],
        "test": test.to_dict(),
        "validation": validation.to_dict(),
        "made_with": detector.predictor.config.made_with,
    }
    place.write_text(json.dumps(values, indent=1, default=str), encoding="utf-8")


def _write_figures(place: Path, detector: Detector, data: Dataset, balanced: Dataset, test: Evaluation) -> None:
    changes = detector.predictor.config.recipe["augmentation"]
    figures = {
        "classes": plots.classes(data),
        "distribution": plots.distribution(data, balanced if balanced is not data else None),
        "training": plots.training(detector.history, detector.predictor.config.best_epoch),
        "confusion": plots.confusion(test),
        "roc": plots.roc(test),
        "calibration": plots.calibration(test),
    }
    if changes:
        figures["augmentation"] = plots.augmentation(data.train, Augmentation(**changes))
    for name, figure in figures.items():
        figure.savefig(place / f"{name}.png")
