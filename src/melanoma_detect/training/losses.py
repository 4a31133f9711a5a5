"""Training losses: cross-entropy, class-weighted, focal, logit-adjusted.

A label may cover several classes, as HAM10000's akiec does: the loss then takes the sum of their probabilities. Everything is
computed in float32 from the logits, through the logarithm of the softmax, which does not underflow.

The output of the training network is `(batch, classes + 2)`: the logits, the share of the image that is its own (see
`mixup.MixImages`), and the label smoothing.
"""

from typing import Any, NamedTuple

import numpy as np
from keras import ops
from numpy.typing import NDArray

from melanoma_detect.data.split import Split
from melanoma_detect.training.recipes import Recipe
from melanoma_detect.utils.arrays import Float32Array

_MASKED = -1e9  # exp of it is 0; minus infinity would make the gradient NaN


class LabelStatistics(NamedTuple):
    """The classes that each label covers, and how frequent the classes are.

    Attributes:
        targets: 1 for each class that a label covers, else 0; float32 `(labels, classes)`.
        prior: The share of each class in the training split, float32 `(classes,)`; sums to 1.
    """

    targets: Float32Array
    prior: Float32Array


def count_labels(split: Split) -> LabelStatistics:
    """Count the classes of a training split, each image by its weight.

    Args:
        split: The training split.

    Returns:
        The classes that each label covers, and the share of each class.

    Examples:
        >>> round(float(count_labels(data.train).prior.sum()), 5)
        1.0
    """
    targets = split.targets.astype(np.float32)
    weights = np.array([record.weight for record in split.records])
    counts = np.bincount(split.labels, weights=weights, minlength=len(targets))
    fine = counts[: targets.shape[1]]
    # The images of a coarse label are divided among its classes in proportion to the fine labels' counts; evenly if those
    # are 0. A label that covers none of the classes says nothing of them.
    shares = targets[targets.shape[1] :] * (fine + 1e-6)
    totals = shares.sum(axis=1, keepdims=True)
    shares = np.divide(shares, totals, out=np.zeros_like(shares), where=totals > 0)
    prior = fine + (counts[targets.shape[1] :, None] * shares).sum(axis=0)
    return LabelStatistics(targets, (prior / prior.sum()).astype(np.float32))


def make_loss(recipe: Recipe, labels: LabelStatistics) -> Any:
    """Return a recipe's loss.

    Images are mixed and targets smoothed in training only, so that the validation loss is the plain value of the same loss.

    Args:
        recipe: The loss's name and parameters.
        labels: The classes that each label covers, and their frequencies.

    Returns:
        A Keras loss: a function of labels `(batch,)` and the network's output `(batch, classes + 2)` that returns `(batch,)`.

    Examples:
        >>> labels = LabelStatistics(np.eye(2, dtype=np.float32), np.array([0.5, 0.5], np.float32))
        >>> float(make_loss(Recipe(), labels)(np.array([1]), np.array([[0.0, 0.0, 1.0, 0.0]], np.float32))[0])
        0.693...
    """
    adjustment = _logit_adjustment(recipe, labels.prior)
    weights = _label_weights(labels) if recipe.loss == "weighted" else np.ones(len(labels.targets), np.float32)
    weights = weights * labels.targets.any(axis=1)  # an image whose label covers none of the classes teaches nothing
    gamma = recipe.focus if recipe.loss == "focal" else 0.0
    classes = labels.targets.shape[1]

    def loss(y_true: Any, output: Any) -> Any:
        logits, own_share, smoothing = output[:, :classes] + adjustment, output[:, classes], output[:, classes + 1]
        log_probabilities = logits - ops.logsumexp(logits, axis=-1, keepdims=True)

        def cross_entropy(label: Any) -> Any:
            targets = ops.take(ops.convert_to_tensor(labels.targets), label, axis=0)
            log_true = _log_sum(log_probabilities, targets)
            values = -(1 - smoothing) * log_true - smoothing * ops.mean(log_probabilities, axis=-1)
            if gamma:
                values *= (1 - ops.exp(log_true)) ** gamma  # Lin et al. 2017, arXiv:1708.02002, equation 4
            return values * ops.take(ops.convert_to_tensor(weights), label, axis=0)

        label = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        if not (recipe.mixup or recipe.cutmix):
            return cross_entropy(label)
        # The other image of a mixed one is the image before it in the batch.
        return own_share * cross_entropy(label) + (1 - own_share) * cross_entropy(ops.roll(label, 1, axis=0))

    return loss


def make_accuracy(labels: LabelStatistics) -> Any:
    """Return the accuracy: the share of predictions among the classes that the label covers.

    A mixed image counts with the label of its larger part.

    Args:
        labels: The classes that each label covers.

    Returns:
        A Keras metric: a function of labels and the network's output, named `accuracy`.

    Examples:
        >>> labels = LabelStatistics(np.array([[1, 0, 0], [0, 1, 1]], np.float32), np.full(3, 1 / 3, np.float32))
        >>> output = np.array([[0.2, 0.1, 0.7, 1.0, 0.0]], np.float32)
        >>> float(make_accuracy(labels)(np.array([1]), output)[0])
        1.0
    """
    classes = labels.targets.shape[1]

    def accuracy(y_true: Any, output: Any) -> Any:
        label = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        predicted = ops.one_hot(ops.argmax(output[:, :classes], axis=-1), classes, dtype="float32")
        return ops.sum(predicted * ops.take(ops.convert_to_tensor(labels.targets), label, axis=0), axis=-1)

    return accuracy


def _log_sum(log_probabilities: Any, targets: Any) -> Any:
    """Return the logarithm of the sum of the probabilities of a label's classes."""
    return ops.logsumexp(ops.where(targets > 0, log_probabilities, _MASKED), axis=-1)


def _logit_adjustment(recipe: Recipe, prior: Float32Array) -> Float32Array:
    """Return tau × log(prior), which is added to the logits (Menon et al. 2021, arXiv:2007.07314, equation 10)."""
    if recipe.loss != "logit_adjusted":
        return np.zeros_like(prior)
    # A class without training images gets no adjustment, like a class of frequency 1: with minus infinity nothing would
    # teach the model not to predict it.
    return np.asarray(recipe.tau * np.log(np.where(prior > 0, prior, 1.0)), np.float32)


def _label_weights(labels: LabelStatistics) -> NDArray[np.float32]:
    """Return the weight of each label: the inverse of its classes' frequency, 1 on average over the training images."""
    present = labels.prior > 0
    frequency = labels.targets @ labels.prior
    covered = labels.targets @ present.astype(np.float32)
    return np.asarray(covered / np.maximum(frequency, 1e-9) / present.sum(), np.float32)
