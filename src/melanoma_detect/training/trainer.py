"""Training: a model learns from the training split and stops by the validation split."""

import contextlib
import math
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import keras
from keras import ops

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.models.contract import logits_of
from melanoma_detect.training import checkpoints
from melanoma_detect.training.augmentation import augmentation_layers
from melanoma_detect.training.callbacks import BestWeights, assign, state_of
from melanoma_detect.training.checkpoints import TrainingState
from melanoma_detect.training.copying import training_copy
from melanoma_detect.training.devices import Share, several_devices
from melanoma_detect.training.fine_tuning import History, Phase, phases
from melanoma_detect.training.losses import accuracy_of, labels_of, loss_of
from melanoma_detect.training.mixup import Mix
from melanoma_detect.training.optimizers import optimizer_of
from melanoma_detect.training.precision import Choice, choose_precision
from melanoma_detect.training.progress import Progress
from melanoma_detect.training.recipes import Recipe
from melanoma_detect.training.sampling import balance_sources
from melanoma_detect.utils.random import seeded

_SEEDS = 2**32  # one more than the highest seed there is
_MIXING = 2**31  # how far the seeds of mixing lie from those of augmentation


class Training(NamedTuple):
    """What a training came to.

    Attributes:
        history: For each epoch: epoch, loss, accuracy, val_loss, val_accuracy, seconds.
        best_epoch: The epoch, from 1, whose weights the model keeps: the lowest validation loss.
        precision: What it computed in: `"float32"` or `"mixed_bfloat16"`.
        devices: On how many devices.
    """

    history: History
    best_epoch: int
    precision: str = "float32"
    devices: int = 1


class _Batches(NamedTuple):
    train: Any
    validation: Any


@dataclass(frozen=True)
class _Plan:
    """What stays the same from phase to phase."""

    data: Dataset
    recipe: Recipe
    seed: int
    batches: _Batches
    share: Share
    watch: Progress
    write: Callable[[TrainingState], None] | None


def train(
    model: Any,
    data: Dataset,
    *,
    epochs: int,
    recipe: Recipe,
    seed: int,
    progress: bool,
    checkpoint: "str | os.PathLike[str] | None" = None,
    resume: bool = False,
    devices: str | int | None = None,
) -> Training:
    """Train a model in place.

    A copy of it is trained, in the recipe's precision and on the devices asked for; the model takes the best weights in the end
    and is otherwise as it was.

    Args:
        model: A model that keeps the contract; its input shape decides the size of the images.
        data: The dataset; its test split is not touched.
        epochs: How many epochs at most.
        recipe: How to train.
        seed: Where the order of the images and their augmentation come from.
        progress: Draw a progress bar.
        checkpoint: A folder to write a checkpoint into after each epoch, or None.
        resume: Go on from the checkpoint in that folder; where there is none, from the start.
        devices: None for one; `"auto"`, or how many; see `several_devices`.

    Returns:
        The history and the best epoch.

    Raises:
        DetectorError: The model and the data do not fit, there is nothing to learn from, training diverged, or the
            checkpoint is another training's.
        ImageError: An image cannot be decoded; the message names it.
        OutputError: The checkpoint cannot be written.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> train(model, data, epochs=1, recipe=Recipe(), seed=1, progress=False).best_epoch
        1
    """
    _refuse_misfits(model, data, epochs)
    _warn_of_other_size(model, data)
    size = model.input_shape[1:3]
    chosen = balance_sources(data) if recipe.balance_sources else data
    training = checkpoints.identity(model, chosen, recipe, epochs=epochs, seed=seed, size=size)
    standing = _standing(checkpoint, training, resume=resume)
    batches = _Batches(chosen.train.batches(size, shuffle=True, seed=seed), chosen.validation.batches(size))
    # Keras's own bar is off: ours draws on standard error and leaves one line an epoch.
    watch = Progress(epochs, shown=progress, seconds=standing.seconds, best=standing.best)
    with seeded(seed), contextlib.closing(watch), several_devices(devices) as share:
        write = _writer(checkpoint, training, share)
        plan = _Plan(chosen, recipe, seed, _divided(batches, share), share, watch, write)
        _run(model, plan, standing, epochs)
    if standing.best_weights:
        model.set_weights(standing.best_weights)
    return _training(standing, share)


def _run(model: Any, plan: _Plan, standing: TrainingState, epochs: int) -> None:
    """Train a copy of the model, phase by phase, from where the training stands."""
    if not standing.seconds:
        choice = _precision(model, plan)
        standing.precision = choice.precision
        plan.watch.note(choice)
    network = training_copy(model, standing.precision)
    for number, phase in enumerate(phases(network, epochs, plan.recipe)):
        if number < standing.phase or (number == standing.phase and standing.stopped):
            continue
        if number > standing.phase:
            # Each phase starts from the best weights of those before.
            if standing.best_weights:
                network.set_weights(standing.best_weights)
            standing.begin(number)
        with phase.prepared(network):
            _fit(network, phase, plan, standing)


def _fit(network: Any, phase: Phase, plan: _Plan, standing: TrainingState) -> None:
    steps = phase.epochs * len(plan.batches.train)
    trainer = _trainer(network, plan, phase.learning_rate, steps=steps, seed=plan.seed + len(standing.seconds))
    if standing.in_phase:
        trainer.optimizer.build(trainer.trainable_variables)
        assign(state_of(trainer), standing.state)
    done = len(standing.seconds)
    keeper = BestWeights(
        network,
        standing,
        batches=plan.batches.train,
        patience=plan.recipe.patience,
        epochs=phase.epochs,
        seconds=plan.watch.seconds,
        write=plan.write,
    )
    trainer.fit(
        plan.batches.train,
        validation_data=plan.batches.validation,
        initial_epoch=done,
        epochs=done - standing.in_phase + phase.epochs,
        shuffle=False,  # Keras would draw from Python's generator; the batches have an order of their own
        callbacks=[plan.watch, keras.callbacks.TerminateOnNaN(), keeper],
        verbose=0,
    )


def _trainer(network: Any, plan: _Plan, learning_rate: float, *, steps: int, seed: int) -> Any:
    """Return a compiled model that augments and shares the given network's weights."""
    recipe = plan.recipe
    pixels = x = keras.Input(network.input_shape[1:])
    for layer in augmentation_layers(recipe.augmentation, seed=seed % _SEEDS):
        x = layer(x)
    x, terms = Mix(recipe.mixup, recipe.cutmix, recipe.label_smoothing, seed=(seed + _MIXING) % _SEEDS)(x)
    logits = keras.Model(network.input, logits_of(network))(x)
    trainer = keras.Model(pixels, ops.concatenate([ops.cast(logits, "float32"), terms], axis=-1))
    labels = labels_of(plan.data.train)
    optimizer = optimizer_of(recipe, learning_rate, steps)
    trainer.compile(optimizer, loss=loss_of(recipe, labels), metrics=[accuracy_of(labels)])
    return trainer


def _precision(model: Any, plan: _Plan) -> Choice:
    """Choose the precision; what is tried is thrown away."""

    def build(precision: str) -> Any:
        return _trainer(training_copy(model, precision), plan, plan.recipe.learning_rate, steps=1, seed=plan.seed)

    asked = plan.recipe.precision
    if asked == "auto" and plan.share.processes > 1:
        return Choice("float32", {})  # two machines could choose differently
    return choose_precision(asked, build, plan.batches.train[0])


def _divided(batches: _Batches, share: Share) -> _Batches:
    if share.multiple > 1:
        for part in batches:
            part.divide(multiple=share.multiple, process=share.process, processes=share.processes)
    return batches


def _standing(folder: "str | os.PathLike[str] | None", training: dict[str, Any], *, resume: bool) -> TrainingState:
    """Return where a training stands: at its start, or where a checkpoint says."""
    if folder is None:
        if resume:
            raise DetectorError("resume=True without a folder to resume from; expected checkpoint='a folder'")
        return TrainingState()
    place = checkpoints.place_of(folder)
    if not place.exists():
        return TrainingState()
    if not resume:
        raise DetectorError(
            f"{place}: holds a training that was begun; go on with it (resume=True), or delete it to start anew"
        )
    return checkpoints.read(place, training)


def _writer(
    folder: "str | os.PathLike[str] | None", training: dict[str, Any], share: Share
) -> Callable[[TrainingState], None] | None:
    # Every process has the same state; one writes.
    if folder is None or share.process:
        return None
    return partial(checkpoints.write, Path(checkpoints.place_of(folder)), training=training)


def _refuse_misfits(model: Any, data: Dataset, epochs: int) -> None:
    if not isinstance(data, Dataset):
        raise DetectorError(f"the data is a {type(data).__name__}; expected a Dataset: md.load_dataset(folder)")
    if not isinstance(model, keras.Model):
        raise DetectorError(f"the model is a {type(model).__name__}; expected what md.build_model(name) returns")
    outputs = model.output_shape[-1]
    if outputs != len(data.classes):
        raise DetectorError(
            f"the model tells {outputs} classes apart and the data has {len(data.classes)}; build it with "
            f"num_classes={len(data.classes)}"
        )
    if epochs < 1:
        raise DetectorError(f"epochs={epochs}; expected 1 or more")
    for part in (data.train, data.validation):
        if not len(part):
            raise DetectorError(f"the {part.name} split is empty; training needs images to learn from and to stop by")


def _warn_of_other_size(model: Any, data: Dataset) -> None:
    (height, width), (own_height, own_width) = model.input_shape[1:3], data.image_size
    if (height, width) != (own_height, own_width):
        warnings.warn(
            f"the model reads images at {height}×{width}, the dataset was loaded for {own_height}×{own_width}: the "
            "model's size is used, but copies made by balance have the dataset's; load with the model's image_size",
            DataWarning,
            stacklevel=5,
        )


def _training(standing: TrainingState, share: Share) -> Training:
    history, seconds = standing.history, standing.seconds
    losses = history.get("val_loss", [math.nan])
    if not any(map(math.isfinite, losses)) or not math.isfinite(history["loss"][-1]):
        raise DetectorError(
            f"training diverged in epoch {len(seconds) or 1}: the loss is not finite any more; lower the recipe's "
            "learning_rate"
        )
    columns = ("loss", "accuracy", "val_loss", "val_accuracy")
    kept: History = {"epoch": [float(epoch) for epoch in range(1, len(losses) + 1)]}
    kept |= {column: history[column] for column in columns}
    best = losses.index(min(losses)) + 1
    return Training(kept | {"seconds": seconds}, best, standing.precision, share.devices)
