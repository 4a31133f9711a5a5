"""What a training takes as wrong: cross-entropy from the logits, by how frequent and how hard a class is.

A label may cover several classes, as HAM10000's akiec does: what counts is then the sum of their probabilities. Everything is
computed in float32 from the logits, whose softmax is never rounded.

What the training network gives is `(batch, classes + 2)`: the logits, the share of the image that is its own (`Mix`), and
how far its target is smoothed.
"""

from typing import Any, NamedTuple

import numpy as np
from keras import ops
from numpy.typing import NDArray

from melanoma_detect.data.dataset import Split
from melanoma_detect.training.recipes import Recipe

TERMS = 2  # numbers beside the logits
_NEVER = -1e9  # a logit that no softmax sees; infinity would give no gradient but NaN


class Labels(NamedTuple):
    """What the labels of a training split are.

    Attributes:
        targets: Which classes each label covers, float32 `(labels, classes)`.
        prior: How frequent each class is in training, float32 `(classes,)`; sums to 1.
    """

    targets: NDArray[np.float32]
    prior: NDArray[np.float32]


def labels_of(part: Split) -> Labels:
    """Count what a training split shows: each image as often as its weight, a coarse label among what it covers.

    Args:
        part: The training split.

    Returns:
        What each label covers, and how frequent each class is.

    Examples:
        >>> round(float(labels_of(data.train).prior.sum()), 5)
        1.0
    """
    targets = part.targets.astype(np.float32)
    weights = np.array([record.weight for record in part.records])
    counts = np.bincount(part.labels, weights=weights, minlength=len(targets))
    fine = counts[: targets.shape[1]]
    # A coarse label's images are shared out as the fine ones are; evenly, where there are none.
    shares = targets[targets.shape[1] :] * (fine + 1e-6)
    prior = fine + (counts[targets.shape[1] :, None] * shares / shares.sum(axis=1, keepdims=True)).sum(axis=0)
    return Labels(targets, (prior / prior.sum()).astype(np.float32))


def loss_of(recipe: Recipe, labels: Labels) -> Any:
    """Return a recipe's loss.

    Outside training nothing is mixed or smoothed, so the validation loss is the plain value of the same loss.

    Args:
        recipe: Which loss.
        labels: What the labels cover and how frequent the classes are.

    Returns:
        A function of labels `(batch,)` and the network's output `(batch, classes + 2)`, as Keras takes it; it gives `(batch,)`.

    Examples:
        >>> labels = Labels(np.eye(2, dtype=np.float32), np.array([0.5, 0.5], np.float32))
        >>> float(loss_of(Recipe(), labels)(np.array([1]), np.array([[0.0, 0.0, 1.0, 0.0]], np.float32))[0])
        0.693...
    """
    added = _adjustment(recipe, labels.prior)
    weights = _weights(labels) if recipe.loss == "weighted" else np.ones(len(labels.targets), np.float32)
    focus = recipe.focus if recipe.loss == "focal" else 0.0
    classes = labels.targets.shape[1]

    def loss(truth: Any, output: Any) -> Any:
        logits, own, smoothing = output[:, :classes] + added, output[:, classes], output[:, classes + 1]
        answers = logits - ops.logsumexp(logits, axis=-1, keepdims=True)

        def one(chosen: Any) -> Any:
            sharp = _log_covered(answers, ops.take(ops.convert_to_tensor(labels.targets), chosen, axis=0))
            found = -(1 - smoothing) * sharp - smoothing * ops.mean(answers, axis=-1)
            if focus:
                found *= (1 - ops.exp(sharp)) ** focus
            return found * ops.take(ops.convert_to_tensor(weights), chosen, axis=0)

        chosen = ops.cast(ops.reshape(truth, (-1,)), "int32")
        if not (recipe.mixup or recipe.cutmix):
            return one(chosen)
        return own * one(chosen) + (1 - own) * one(ops.roll(chosen, 1, axis=0))

    return loss


def accuracy_of(labels: Labels) -> Any:
    """Return the share of answers that lie within what the label covers; for a mixed image, the larger part's label.

    Args:
        labels: What the labels cover.

    Returns:
        A function of labels and the network's output, named accuracy, as Keras takes it.

    Examples:
        >>> labels = Labels(np.array([[1, 0, 0], [0, 1, 1]], np.float32), np.full(3, 1 / 3, np.float32))
        >>> output = np.array([[0.2, 0.1, 0.7, 1.0, 0.0]], np.float32)
        >>> float(accuracy_of(labels)(np.array([1]), output)[0])
        1.0
    """
    classes = labels.targets.shape[1]

    def accuracy(truth: Any, output: Any) -> Any:
        chosen = ops.cast(ops.reshape(truth, (-1,)), "int32")
        answers = ops.one_hot(ops.argmax(output[:, :classes], axis=-1), classes, dtype="float32")
        return ops.sum(answers * ops.take(ops.convert_to_tensor(labels.targets), chosen, axis=0), axis=-1)

    return accuracy


def _log_covered(answers: Any, covered: Any) -> Any:
    """Return the logarithm of the sum of the probabilities that a label covers."""
    return ops.logsumexp(ops.where(covered > 0, answers, _NEVER), axis=-1)


def _adjustment(recipe: Recipe, prior: NDArray[np.float32]) -> NDArray[np.float32]:
    if recipe.loss != "logit_adjusted":
        return np.zeros_like(prior)
    # A class that training never shows is held down as if it were the most frequent: nothing else would teach the model
    # not to name it.
    return np.asarray(recipe.tau * np.log(np.where(prior > 0, prior, 1.0)), np.float32)


def _weights(labels: Labels) -> NDArray[np.float32]:
    """Return what an image of each label counts for: the inverse of its frequency, 1 on average over the training set."""
    seen = labels.prior > 0
    frequency = labels.targets @ labels.prior
    covered = labels.targets @ seen.astype(np.float32)
    return np.asarray(covered / np.maximum(frequency, 1e-9) / seen.sum(), np.float32)
