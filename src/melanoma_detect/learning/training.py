"""Training: a model learns from the training split and stops by the validation split."""

import contextlib
import math
import warnings
from typing import Any, NamedTuple

import keras

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.operations import seeded
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.learning.coarse import coarse_accuracy, coarse_loss
from melanoma_detect.learning.phases import History, Phase, phases
from melanoma_detect.learning.progress import Progress
from melanoma_detect.learning.recipes import Augmentation, Recipe


class Training(NamedTuple):
    """What a training came to.

    Attributes:
        history: For each epoch: epoch, loss, accuracy, val_loss, val_accuracy, seconds.
        best_epoch: The epoch, from 1, whose weights the model keeps: the lowest validation loss.
    """

    history: History
    best_epoch: int


class _Batches(NamedTuple):
    train: Any
    validation: Any


def train(model: Any, data: Dataset, *, epochs: int, recipe: Recipe, seed: int, progress: bool) -> Training:
    """Train a model in place.

    Args:
        model: A model that keeps the contract; its input shape decides the size of the pictures.
        data: The dataset; its test split is not touched.
        epochs: How many epochs at most.
        recipe: How to train.
        seed: Where the order of the pictures and their augmentation come from.
        progress: Draw a progress bar.

    Returns:
        The history and the best epoch.

    Raises:
        DetectorError: The model and the data do not fit, there is nothing to learn from, or training diverged.
        ImageError: A picture cannot be decoded; the message names it.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> train(model, data, epochs=1, recipe=Recipe(), seed=1, progress=False).best_epoch
        1
    """
    _refuse_misfits(model, data, epochs)
    _warn_of_other_size(model, data)
    size = model.input_shape[1:3]
    batches = _Batches(data.train.batches(size, shuffle=True, seed=seed), data.validation.batches(size))
    # Keras's own bar is off: ours draws on standard error and leaves one line an epoch.
    watch = Progress(epochs, shown=progress)
    whole: History = {}
    with seeded(seed), contextlib.closing(watch):
        for phase in phases(model, epochs, recipe):
            earlier, weights = min(whole.get("val_loss", [math.inf])), model.get_weights()
            with phase.prepared(model):
                history = _fit(model, data, phase=phase, recipe=recipe, batches=batches, watch=watch)
            for column, values in history.items():
                whole[column] = whole.get(column, []) + values
            if earlier <= min(history["val_loss"]):
                model.set_weights(weights)
    return _training(whole, watch.seconds)


def augmentation_layers(augmentation: Augmentation | None) -> list[Any]:
    """Return the layers that change pictures at random while training.

    Args:
        augmentation: What to change, or None.

    Returns:
        Keras layers on pictures from 0 to 255; empty for None.

    Examples:
        >>> len(augmentation_layers(Augmentation()))
        3
    """
    if augmentation is None:
        return []
    chosen = [
        keras.layers.RandomFlip(augmentation.flip) if augmentation.flip else None,
        keras.layers.RandomRotation(augmentation.rotation) if augmentation.rotation else None,
        keras.layers.RandomZoom(augmentation.zoom) if augmentation.zoom else None,
    ]
    return [layer for layer in chosen if layer is not None]


def _fit(model: Any, data: Dataset, *, phase: Phase, recipe: Recipe, batches: _Batches, watch: Progress) -> History:
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=recipe.patience, restore_best_weights=True)
    done = len(watch.seconds)
    result = _trainer(model, recipe, data, phase.learning_rate).fit(
        batches.train,
        validation_data=batches.validation,
        initial_epoch=done,
        epochs=done + phase.epochs,
        callbacks=[watch, stop, keras.callbacks.TerminateOnNaN()],
        verbose=0,
    )
    history: History = result.history
    return history


def _trainer(model: Any, recipe: Recipe, data: Dataset, learning_rate: float) -> Any:
    """Return a compiled model that augments and shares the given model's weights."""
    pixels = x = keras.Input(model.input_shape[1:])
    for layer in augmentation_layers(recipe.augmentation):
        x = layer(x)
    trainer = keras.Model(pixels, model(x))
    optimizer = keras.optimizers.get({"class_name": recipe.optimizer, "config": {"learning_rate": learning_rate}})
    if data.coarse:
        loss, accuracy = coarse_loss(data.train.targets), coarse_accuracy(data.train.targets)
        trainer.compile(optimizer, loss=loss, metrics=[accuracy])
    else:
        trainer.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return trainer


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
            raise DetectorError(f"the {part.name} split is empty; training needs pictures to learn from and to stop by")


def _warn_of_other_size(model: Any, data: Dataset) -> None:
    (height, width), (own_height, own_width) = model.input_shape[1:3], data.image_size
    if (height, width) != (own_height, own_width):
        warnings.warn(
            f"the model reads pictures at {height}×{width}, the dataset was loaded for {own_height}×{own_width}: the "
            "model's size is used, but copies made by balance have the dataset's; load with the model's image_size",
            DataWarning,
            stacklevel=5,
        )


def _training(history: History, seconds: list[float]) -> Training:
    losses = history.get("val_loss", [math.nan])
    if not any(map(math.isfinite, losses)) or not math.isfinite(history["loss"][-1]):
        raise DetectorError(
            f"training diverged in epoch {len(seconds) or 1}: the loss is not finite any more; lower the recipe's "
            "learning_rate"
        )
    columns = ("loss", "accuracy", "val_loss", "val_accuracy")
    kept: History = {"epoch": [float(epoch) for epoch in range(1, len(losses) + 1)]}
    kept |= {column: [float(value) for value in history[column]] for column in columns}
    return Training(kept | {"seconds": seconds}, best_epoch=losses.index(min(losses)) + 1)
