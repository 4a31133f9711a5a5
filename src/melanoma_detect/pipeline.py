"""The whole pipeline of `melanoma-detect train` and `demo`: from a folder of images to a run folder."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from melanoma_detect import __version__
from melanoma_detect.data.balance import balance
from melanoma_detect.data.cleaning import Conflicts
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.load import load_dataset
from melanoma_detect.data.sources.read import PathLike, source_paths
from melanoma_detect.data.synthetic import write_samples
from melanoma_detect.detector import Detector
from melanoma_detect.errors import OutputError
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.inference.bundle import SUFFIX
from melanoma_detect.inference.signing_keys import check_sign_key
from melanoma_detect.models.build import build_model
from melanoma_detect.models.registry import find_builder
from melanoma_detect.models.signatures import check_options
from melanoma_detect.report import plots
from melanoma_detect.report.pages import write_html
from melanoma_detect.training import checkpoints
from melanoma_detect.training.callbacks_by_name import check_callback_names, make_callbacks
from melanoma_detect.training.recipes import Augmentation, find_recipe
from melanoma_detect.utils.files import atomic_folder, cache_folder, convert_write_errors
from melanoma_detect.utils.interruption import Interruption, noting_interruption
from melanoma_detect.utils.locks import exclusive, lock_path
from melanoma_detect.utils.outputs import METRICS, check_is_path, check_run_folder
from melanoma_detect.utils.paths import expand_path

if TYPE_CHECKING:
    from melanoma_detect.inference.signatures import SignKey

LOGS = "logs"  # the folder of what named callbacks write


@dataclass(frozen=True, eq=False)
class Run:
    """The results of a run.

    Attributes:
        folder: The run folder.
        data: The dataset before balancing.
        detector: The trained detector.
        test: Its evaluation on the test split.
        validation: Its evaluation on the validation split, which early stopping and calibration used.
        files: The files in the run folder, sorted.
    """

    folder: Path
    data: Dataset
    detector: Detector
    test: Evaluation
    validation: Evaluation
    files: tuple[Path, ...]


def run(
    folder: "PathLike | Sequence[PathLike] | None",
    out: "str | os.PathLike[str]",
    *,
    images: PathLike | None = None,
    labels: PathLike | None = None,
    label_map: Mapping[str, str | None] | None = None,
    rare: str = "train",
    model: str = "cnn",
    options: Mapping[str, Any] | None = None,
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
    callbacks: Sequence[Any] = (),
    sign_key: "SignKey | None" = None,
) -> Run:
    """Load, balance, train, calibrate, evaluate, and write everything to a run folder, completely or not at all.

    Checkpoints are written to `.NAME.training` beside the run folder and deleted when the run folder is complete.

    Args:
        folder: A folder of images, a zip of one, or several; see `load_dataset`. None where `images` is given.
        out: The run folder to write.
        images: A folder of images, in place of `folder`; see `load_dataset`.
        labels: The table that labels those images.
        label_map: New names of labels; see `load_dataset`.
        rare: How to treat classes with too few images for every split; see `load_dataset`.
        model: The architecture's name.
        options: Options of the architecture, see `build_model`; `weights` among them where its backbone takes a file.
        add: Augmented copies to add to each class; see `balance`.
        to: Training images that each class is filled up to, or `"max"`; see `balance`.
        epochs: Maximum number of epochs.
        recipe: The training recipe's name.
        sensitivity: Sensitivity for melanoma on validation, which sets the alert threshold; 0 to 1.
        conflicts: How to treat images with conflicting labels; see `load_dataset`.
        image_size: `(height, width)` in pixels.
        batch_size: Images in a batch.
        seed: Random seed.
        overwrite: Replace a run folder that exists. A folder that holds an input is never replaced.
        progress: Draw progress bars.
        precision: See `Recipe`; None for the recipe's own.
        resume: Resume an interrupted run from its last checkpoint; without one, start from the beginning.
        devices: How many devices to train on, or `"auto"` for all; None for one.
        callbacks: Keras callbacks, or their names: see `training.callbacks_by_name.make_callbacks`. What named ones write is in
            the folder `logs` beside the checkpoint while the run trains, and in the run folder afterwards.
        sign_key: A private key to sign the detector with; see `Detector.save`.

    Returns:
        The run.

    Raises:
        OutputError: `out` exists, holds an input, or an interrupted run is there and neither `resume` nor `overwrite` is set.
        MelanomaDetectError: Another error of any of the steps.
        KeyboardInterrupt: Ctrl-C; its note says what was kept, and how to go on.

    Examples:
        >>> result = run(isic9, "runs/first", epochs=1, image_size=(32, 32), progress=False)
        >>> (result.folder / "metrics.json").is_file()
        True
    """
    # An unknown name or option is an error before the images are loaded.
    check_options(*find_builder(model), {"input_shape": (*image_size, 3), "num_classes": 2, **(options or {})})
    check_sign_key(sign_key)
    check_callback_names([name for name in callbacks if isinstance(name, str)])
    chosen = find_recipe(recipe)
    if precision:
        chosen = replace(chosen, precision=precision)
    # The checkpoints have a folder of their own: that of a failed run is kept to resume from, its run folder is not.
    check_is_path(out)
    out = expand_path(out)
    inputs = [path for path in (*source_paths(folder, images), labels) if path is not None]
    remove_finished_checkpoint(out)
    check_run_folder(out, overwrite=overwrite, inputs=inputs)
    loading: dict[str, Any] = {"images": images, "labels": labels, "label_map": label_map, "rare": rare}
    with (
        checkpoint_folder(out, overwrite=overwrite, resume=resume) as checkpoint,
        noting_interruption(lambda: _describe_interruption(checkpoint)),
        atomic_folder(out, replace=True) as partial,
    ):
        loading |= {"conflicts": conflicts, "seed": seed, "image_size": image_size, "batch_size": batch_size}
        data = load_dataset(folder, **loading, progress=progress)
        balanced = balance(data, add=add, to=to, seed=seed, progress=progress) if add or to else data
        shape = (*image_size, 3)
        network = build_model(model, num_classes=len(data.classes), input_shape=shape, seed=seed, **(options or {}))
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
            callbacks=resolve_callbacks(callbacks, checkpoint / LOGS),
        )
        test = detector.evaluate(data.test, shortcuts=True, seed=seed, progress=progress)
        # Early stopping and calibration have used the validation images: by default, all of them would be excluded.
        validation = detector.evaluate(data.validation, seen="keep", seed=seed, progress=progress)
        metrics = {evaluation.split: evaluation.to_dict() for evaluation in (test, validation)}
        measured = detector.predictor.with_metrics(metrics)
        detector = Detector(measured.config, measured.runtime, measured.files, measured.settings)
        with convert_write_errors(out):
            # Of "package/name" the name: the run folder itself holds the file.
            detector.save(partial / f"{model.rpartition('/')[2]}{SUFFIX}", sign_key=sign_key)
            _write_metrics(partial / METRICS, detector, data, test=test, validation=validation)
            _write_figures(partial, detector, data, balanced, test)
            write_html(test, partial / "report.html", validation=validation, detector=detector)
            if (checkpoint / LOGS).is_dir():
                shutil.copytree(checkpoint / LOGS, partial / LOGS)
        check_run_folder(out, overwrite=overwrite)  # what has appeared there meanwhile stays; so does the checkpoint
    files = tuple(sorted(file for file in out.iterdir() if file.is_file()))
    return Run(out, data, detector, test, validation, files)


def demo_lesions(*, seed: int, size: int) -> Path:
    """Return a cached folder of procedural lesions; the first call draws them.

    Args:
        seed: Random seed.
        size: Height and width in pixels.

    Returns:
        A folder for `load_dataset`: nine classes, as imbalanced as those of the nine-class ISIC set.

    Raises:
        OutputError: The cache cannot be written.

    Examples:
        >>> demo_lesions(seed=1, size=32).name
        'lesions-1-32'
    """
    folder = cache_folder("demo") / f"lesions-{seed}-{size}"
    if not folder.is_dir():  # drawing takes seconds
        with atomic_folder(folder) as partial:
            write_samples(partial, train=60, test=8, seed=seed, size=size, imbalanced=True)
    return folder


@contextlib.contextmanager
def checkpoint_folder(out: Path, *, overwrite: bool, resume: bool) -> Iterator[Path]:
    """Provide a checkpoint folder beside a run folder; it is deleted if the block succeeds and kept if it fails.

    Args:
        out: The run folder.
        overwrite: Delete the checkpoint of an interrupted run.
        resume: Keep that checkpoint, to resume from it.

    Yields:
        The folder's path; it may not exist yet.

    Raises:
        OutputError: An interrupted run is there, and neither `resume` nor `overwrite` is set; or another process trains there.

    Examples:
        >>> with checkpoint_folder(Path("runs/mine"), overwrite=False, resume=False) as folder:
        ...     folder.name
        '.mine.training'
    """
    folder = _checkpoint_folder(out)
    with contextlib.ExitStack() as stack:
        remove_finished_checkpoint(out)
        check_run_folder(out, overwrite=overwrite)
        with convert_write_errors(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive(lock_path(out), lambda: _busy_error(out)))
        _prepare_checkpoint(folder, out, overwrite=overwrite, resume=resume)
        check_run_folder(out, overwrite=overwrite)
        yield folder
        _remove_checkpoint(folder)


def _busy_error(out: Path) -> OutputError:
    return OutputError(f"{out}: another process is training into it; wait for that one, or choose another folder")


def _checkpoint_folder(out: Path) -> Path:
    return out.parent / f".{out.name}.training"


def remove_finished_checkpoint(out: Path) -> None:
    """Delete the checkpoint of a run that is complete: one that was killed before it could do so has left it.

    Args:
        out: The run folder. The checkpoint of a later run that is to replace it is newer, and stays.

    Examples:
        >>> remove_finished_checkpoint(Path("runs/mine"))
    """
    folder = _checkpoint_folder(out)
    with contextlib.suppress(OSError):  # one of the two is not there
        if (out / METRICS).stat().st_mtime_ns > checkpoints.checkpoint_path(folder).stat().st_mtime_ns:
            _remove_checkpoint(folder)


def _remove_checkpoint(folder: Path) -> None:
    shutil.rmtree(folder / LOGS, ignore_errors=True)
    checkpoints.remove(folder)


def _prepare_checkpoint(folder: Path, out: Path, *, overwrite: bool, resume: bool) -> None:
    """Delete a checkpoint that is not to be resumed; raise OutputError where it might be meant to be."""
    is_interrupted = checkpoints.checkpoint_path(folder).exists()
    if is_interrupted and not (resume or overwrite):
        raise OutputError(
            f"{out}: an earlier run was interrupted; resume it (resume=True), or start again (overwrite=True)"
        )
    if not (
        is_interrupted and resume
    ):  # what a run has left that is not resumed, or that ended before its first checkpoint
        _remove_checkpoint(folder)


def resolve_callbacks(callbacks: Sequence[Any], folder: Path) -> list[Any]:
    """Return callbacks with their names replaced by the callbacks that they stand for.

    Args:
        callbacks: Keras callbacks and names.
        folder: The folder of logs.

    Returns:
        Keras callbacks, in order.

    Raises:
        DetectorError: A name stands for no callback.

    Examples:
        >>> resolve_callbacks([], Path("logs"))
        []
    """
    return [
        made for each in callbacks for made in (make_callbacks([each], folder) if isinstance(each, str) else [each])
    ]


def _describe_interruption(checkpoint: Path) -> Interruption:
    """Say what a run has kept that was interrupted before or after its training."""
    path = checkpoints.checkpoint_path(checkpoint)
    if not path.exists():
        return Interruption("nothing was kept")
    return Interruption(f"the training is kept in {path}", "the same call with resume=True goes on from there", path)


def _write_metrics(path: Path, detector: Detector, data: Dataset, *, test: Evaluation, validation: Evaluation) -> None:
    config = detector.predictor.config
    values: dict[str, Any] = {
        "melanoma_detect": __version__,
        "architecture": config.architecture,
        "recipe": config.recipe,
        "best_epoch": config.best_epoch,
        "history": config.history,
        "distribution": data.distribution().to_dict("index"),
        "set_aside": [{"id": entry.record.id, "kind": entry.kind, "reason": entry.reason} for entry in data.set_aside],
        "test": test.to_dict(),
        "validation": validation.to_dict(),
        "made_with": config.made_with,
    }
    path.write_text(json.dumps(values, indent=1, default=str), encoding="utf-8", newline="\n")


def _write_figures(folder: Path, detector: Detector, data: Dataset, balanced: Dataset, test: Evaluation) -> None:
    config = detector.predictor.config
    figures = {
        "classes": plots.classes(data),
        "distribution": plots.distribution(data, balanced if balanced is not data else None),
        "training": plots.training(detector.history, config.best_epoch),
        "confusion": plots.confusion(test),
        "roc": plots.roc(test),
        "calibration": plots.calibration(test),
    }
    if options := config.recipe["augmentation"]:
        figures["augmentation"] = plots.augmentation(data.train, Augmentation(**options))
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png")
