"""The training loop: a model is trained on the training split and stopped early by the validation split."""

import os
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
from melanoma_detect.training.callbacks import BestWeights, EpochProgress, assign_values, training_variables
from melanoma_detect.training.checkpoints import TrainingState
from melanoma_detect.training.devices import DeviceSetup, distribute
from melanoma_detect.training.earlier_training import remember_training
from melanoma_detect.training.fine_tuning import History, Phase, plan_phases
from melanoma_detect.training.finite_loss import FiniteLoss
from melanoma_detect.training.losses import count_labels, make_accuracy, make_loss
from melanoma_detect.training.mixup import MixImages
from melanoma_detect.training.optimizers import make_optimizer
from melanoma_detect.training.options import FitOptions
from melanoma_detect.training.precision import PrecisionChoice, choose_precision, clone_with_precision
from melanoma_detect.training.recipes import Recipe
from melanoma_detect.training.source_balancing import balance_sources
from melanoma_detect.training.user_callbacks import UserCallbacks, check_callbacks
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.interruption import Interruption, noting_interruption
from melanoma_detect.utils.progress import progress_bar
from melanoma_detect.utils.random import seeded
from melanoma_detect.utils.user_warning import warn_user

_SEEDS = 2**32  # the number of seeds that Keras takes
_MIXING_SEED_OFFSET = 2**31  # mixing and augmentation must not draw the same numbers


class TrainingResult(NamedTuple):
    """The result of a training.

    Attributes:
        history: For each epoch: epoch, loss, accuracy, val_loss, val_accuracy, seconds.
        best_epoch: The epoch with the lowest validation loss, from 1, whose weights the model has.
        precision: The precision of the training, `"float32"` or `"mixed_bfloat16"`.
        devices: The number of devices.
    """

    history: History
    best_epoch: int
    precision: str = "float32"
    devices: int = 1


class _Batches(NamedTuple):
    train: Any
    validation: Any


@dataclass(frozen=True)
class _Context:
    """What stays the same from phase to phase."""

    data: Dataset
    recipe: Recipe
    seed: int
    batches: _Batches
    setup: DeviceSetup
    progress: EpochProgress
    callbacks: UserCallbacks
    write: Callable[[TrainingState], None] | None


def train(model: Any, data: Dataset, options: FitOptions) -> TrainingResult:
    """Train a model in place.

    A clone of the model is trained, in the recipe's precision and on the devices of the options. At the end the model gets the
    clone's best weights; nothing else of it changes.

    Args:
        model: A model that keeps the contract. Its input shape decides the size of the images.
        data: The dataset; its test split is not used.
        options: How to train; `sensitivity` is not used.

    Returns:
        The history and the best epoch.

    Raises:
        DetectorError: The model and the data do not fit, a split is empty, a loss is no number (the message has the epoch, the
            batch and the likely cause), or the checkpoint belongs to another training.
        ImageError: An image cannot be decoded; the message names it.
        OutputError: The checkpoint cannot be written, or another process is training with it.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> train(model, data, FitOptions(epochs=1, seed=1, progress=False)).best_epoch
        1
    """
    check_model_and_data(model, data)
    _warn_of_other_size(model, data)
    recipe, epochs, seed, size = options.recipe, options.epochs, options.seed, model.input_shape[1:3]
    weighted = balance_sources(data) if recipe.balance_sources else data
    training = checkpoints.describe_training(model, weighted, recipe, epochs=epochs, seed=seed, size=size)
    batches = _Batches(weighted.train.batches(size, shuffle=True, seed=seed), weighted.validation.batches(size))
    # In place of Keras's own bar: this one draws on standard error and leaves one line for each epoch.
    with (
        seeded(seed),
        progress_bar("training", shown=options.progress) as bar,
        distribute(options.devices) as setup,
        checkpoints.one_training(options.checkpoint, setup.process),
    ):
        state = _initial_state(options, training)  # while no other process writes it
        progress = EpochProgress(epochs, bar, seconds=state.seconds, best=state.best)
        write = _checkpoint_writer(options.checkpoint, training, setup)
        user = UserCallbacks(check_callbacks(options.callbacks, recipe), state)
        context = _Context(weighted, recipe, seed, _divide(batches, setup), setup, progress, user, write)
        remember_training(model, data)  # before it begins: an interrupted one has shown its images too
        with noting_interruption(lambda: _describe_interruption(options, state)):
            _train_phases(model, context, state, epochs)
    if state.best_weights:
        model.set_weights(state.best_weights)
    return _make_result(state, setup)


def _train_phases(model: Any, context: _Context, state: TrainingState, epochs: int) -> None:
    """Train a clone of the model, phase by phase, from the given state on."""
    if not state.seconds:
        choice = _choose_precision(model, context)
        state.precision = choice.precision
        if choice.seconds:  # "auto" had a choice
            context.progress.note(choice)
    network = clone_with_precision(model, state.precision)
    for number, phase in enumerate(plan_phases(network, epochs, context.recipe)):
        if state.ended or number < state.phase or (number == state.phase and state.stopped):
            continue
        if number > state.phase:
            # Each phase starts from the best weights of the phases before it.
            if state.best_weights:
                network.set_weights(state.best_weights)
            state.begin(number)
        with phase.freeze_backbone(network):
            _train_phase(network, phase, context, state)
    context.callbacks.finish({column: values[-1] for column, values in state.history.items()})


def _train_phase(network: Any, phase: Phase, context: _Context, state: TrainingState) -> None:
    done = len(state.seconds)
    steps = phase.epochs * len(context.batches.train)
    trainer = _build_trainer(network, context, phase.learning_rate, steps=steps, seed=context.seed + done)
    if state.in_phase:
        # An optimiser has no variables until it is built, and so nothing to restore into.
        trainer.optimizer.build(trainer.trainable_variables)
        assign_values(training_variables(trainer), state.variables)
    best_weights = BestWeights(
        network,
        state,
        batches=context.batches.train,
        patience=context.recipe.patience,
        epochs=phase.epochs,
        seconds=context.progress.seconds,
        write=context.write,
    )
    trainer.fit(
        context.batches.train,
        validation_data=context.batches.validation,
        initial_epoch=done,
        epochs=done - state.in_phase + phase.epochs,
        shuffle=False,  # Keras would draw from Python's generator; the batches shuffle themselves by the seed
        # The user's before the best weights, which record where those stop the training.
        # Before all of them: a loss that is no number must reach neither the state nor a checkpoint.
        callbacks=[
            FiniteLoss(network, phase.learning_rate, state.precision),
            context.progress,
            context.callbacks,
            best_weights,
        ],
        verbose=0,
    )


def _build_trainer(network: Any, context: _Context, learning_rate: float, *, steps: int, seed: int) -> Any:
    """Return a compiled model that augments images and shares the weights of the network."""
    recipe = context.recipe
    pixels = x = keras.Input(network.input_shape[1:])
    for layer in augmentation_layers(recipe.augmentation, seed=seed % _SEEDS):
        x = layer(x)
    mixing_seed = (seed + _MIXING_SEED_OFFSET) % _SEEDS
    x, terms = MixImages(recipe.mixup, recipe.cutmix, recipe.label_smoothing, seed=mixing_seed)(x)
    logits = keras.Model(network.input, logits_of(network))(x)
    trainer = keras.Model(pixels, ops.concatenate([ops.cast(logits, "float32"), terms], axis=-1))
    labels = count_labels(context.data.train)
    optimizer = make_optimizer(recipe, learning_rate, steps)
    trainer.compile(optimizer, loss=make_loss(recipe, labels), metrics=[make_accuracy(labels)])
    return trainer


def _choose_precision(model: Any, context: _Context) -> PrecisionChoice:
    def build(precision: str) -> Any:
        clone = clone_with_precision(model, precision)
        return _build_trainer(clone, context, context.recipe.learning_rate, steps=1, seed=context.seed)

    requested = context.recipe.precision
    if requested == "auto" and context.setup.processes > 1:
        return PrecisionChoice("float32", {})  # each process would time for itself and could choose differently
    return choose_precision(requested, build, context.batches.train[0])


def _divide(batches: _Batches, setup: DeviceSetup) -> _Batches:
    """Divide the batches among the processes."""
    if setup.batch_multiple > 1:
        for split in batches:
            split.divide(multiple=setup.batch_multiple, process=setup.process, processes=setup.processes)
    return batches


def _initial_state(options: FitOptions, training: dict[str, Any]) -> TrainingState:
    """Return the state that a training starts from: a new one, or that of a checkpoint."""
    if options.checkpoint is None:
        return TrainingState()
    path = checkpoints.checkpoint_path(options.checkpoint)
    if not path.exists():
        return TrainingState()
    if not options.resume:
        raise DetectorError(
            f"{path}: is the checkpoint of an earlier training; resume it (resume=True), or delete it to train from the start"
        )
    return checkpoints.read(path, training)


def _checkpoint_writer(
    folder: "str | os.PathLike[str] | None", training: dict[str, Any], setup: DeviceSetup
) -> Callable[[TrainingState], None] | None:
    # Every process has the same state: one of them writes it.
    if folder is None or setup.process:
        return None
    return partial(checkpoints.write, Path(checkpoints.checkpoint_path(folder)), training=training)


def _describe_interruption(options: FitOptions, state: TrainingState) -> Interruption:
    """Say which epochs an interrupted training has kept."""
    done = len(state.seconds)
    if options.checkpoint is None:
        return Interruption(
            f"{count_noun(done, 'epoch')} of {options.epochs} done, none kept",
            "with checkpoint='a folder' a training can be resumed",
        )
    path = checkpoints.checkpoint_path(options.checkpoint)
    if not path.exists():
        return Interruption("no epoch was complete, so nothing was kept")
    advice = "the same call with resume=True goes on from there"
    return Interruption(f"{done} of {options.epochs} epochs are kept in {path}", advice, path)


def check_model_and_data(model: Any, data: Dataset) -> None:
    """Raise DetectorError unless a model can be trained on a dataset.

    Args:
        model: What should be a Keras model.
        data: What should be a dataset.

    Raises:
        DetectorError: They are something else, their numbers of classes differ, or a split is empty.

    Examples:
        >>> check_model_and_data(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)), data)
    """
    if not isinstance(data, Dataset):
        raise DetectorError(f"the data is a {type(data).__name__}; expected a Dataset: md.load_dataset(folder)")
    if not isinstance(model, keras.Model):
        raise DetectorError(f"the model is a {type(model).__name__}; expected a Keras model: md.build_model(name)")
    outputs = model.output_shape[-1]
    if outputs != len(data.classes):
        raise DetectorError(
            f"the model has {outputs} classes and the data has {len(data.classes)}; build the model with "
            f"num_classes={len(data.classes)}"
        )
    for split in (data.train, data.validation):
        if not len(split):
            raise DetectorError(f"the {split.name} split is empty; training needs a training and a validation split")


def _warn_of_other_size(model: Any, data: Dataset) -> None:
    (height, width), (data_height, data_width) = model.input_shape[1:3], data.image_size
    if (height, width) != (data_height, data_width):
        warn_user(
            f"the model reads images at {height}×{width}, the dataset was loaded for {data_height}×{data_width}: every "
            f"image is read at {height}×{width}, copies made by balance are scaled to it; build the model with "
            f"input_shape=({data_height}, {data_width}, 3), or load with image_size=({height}, {width})",
            DataWarning,
        )


def _make_result(state: TrainingState, setup: DeviceSetup) -> TrainingResult:
    history, seconds = state.history, state.seconds
    losses = history["val_loss"]  # finite, see `FiniteLoss`
    columns = ("loss", "accuracy", "val_loss", "val_accuracy")
    ordered: History = {"epoch": [float(epoch) for epoch in range(1, len(losses) + 1)]}
    ordered |= {column: history[column] for column in columns}
    best = losses.index(min(losses)) + 1
    return TrainingResult(ordered | {"seconds": seconds}, best, state.precision, setup.devices)
