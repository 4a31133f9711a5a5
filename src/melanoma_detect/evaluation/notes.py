"""Notes of an evaluation: which images take part in which metric, where labels and classes differ."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.inference.operating_points import PLURALS

_MAX_NAMES = 8  # of labels that a sentence names


def measuring_notes(answers: Answers) -> tuple[str, ...]:
    """Say what was measured on which images.

    Args:
        answers: The detector's answers.

    Returns:
        Sentences; none where every label is a class of the detector, every class occurs, and nothing is left out.

    Examples:
        >>> names = ("melanoma", "lentigo", "nevus")
        >>> probabilities, labels = np.full((3, 2), 0.5), np.array([0, -1, 1])
        >>> answers = Answers(probabilities, labels, names, ("melanoma", "nevus"), np.zeros(3, bool), label_names=names)
        >>> measuring_notes(answers)[0].split(":")[0]
        '1 of 3 images has a label that is no class of the detector, or covers several (lentigo 1)'
    """
    return tuple(_notes(answers))


def _notes(answers: Answers) -> Iterator[str]:
    total, outside = len(answers), ~answers.has_class
    if count := int(outside.sum()):
        has, leave = ("has a label that is", "it") if count == 1 else ("have labels that are", "them")
        yield (
            f"{count} of {total} images {has} no class of the detector, or cover{'s' * (count == 1)} several "
            f"({count_labels(answers, outside)}): accuracy, recall and precision leave {leave} out; melanoma is measured "
            "against all images that are known to show none."
        )
    coarse = answers.has_class & _are_coarse(answers)
    if count := int(coarse.sum()):
        has, it = ("has a label", "it") if count == 1 else ("have labels", "them")
        yield (
            f"{count} of {total} images {has} of which the detector knows just one diagnosis "
            f"({count_labels(answers, coarse)}): accuracy, recall and precision count {it} as that one."
        )
    missing = [label for column, label in enumerate(answers.classes) if not (answers.labels == column).any()]
    if missing and not outside.all():
        yield f"No image here has the label {' or '.join(missing)}: a prediction of it counts as wrong."
    melanoma = replace(answers, target="melanoma")
    unknown = ~(melanoma.is_positive | melanoma.is_negative)
    if unknown.any():
        yield (
            f"{unknown.sum()} of {total} images take no part in melanoma against the rest: their labels cover melanoma and "
            f"other diagnoses ({count_labels(answers, unknown)})."
        )
    yield from _malignancy_notes(answers)
    yield from _side_notes(answers)


def _are_coarse(answers: Answers) -> NDArray[np.bool_]:
    """Return which images have a label that means more diagnoses than the class that it counts as."""
    names, classes = answers.names.tolist(), answers.classes
    pairs = {
        (name, column): _is_coarse(name, classes[column]) for name, column in zip(names, answers.labels, strict=True)
    }
    return np.array([pairs[pair] for pair in zip(names, answers.labels, strict=True)], dtype=bool)


def _is_coarse(name: str, label: str) -> bool:
    return taxonomy.is_known(label) and taxonomy.meaning(name) > taxonomy.meaning(label)


def _malignancy_notes(answers: Answers) -> Iterator[str]:
    malignant, benign = answers.is_malignant, answers.is_benign
    left_out = ~malignant & ~benign
    if left_out.any():
        yield (
            f"Malignant against benign is measured on {malignant.sum()} malignant and {benign.sum()} benign images; "
            f"{left_out.sum()} are neither by their label ({count_labels(answers, left_out)})."
        )


def _side_notes(answers: Answers) -> Iterator[str]:
    singular = {"melanoma": "melanoma", "malignant": "malignant lesion"}[answers.target]
    if not answers.is_positive.any():
        yield f"These images show no {singular}: sensitivity cannot be measured on them."
    elif not answers.is_negative.any():
        yield f"These images show nothing but {PLURALS[answers.target]}: specificity cannot be measured on them."


def count_labels(answers: Answers, chosen: NDArray[np.bool_]) -> str:
    """Return the labels of chosen images with their counts, the most frequent first.

    Args:
        answers: The detector's answers.
        chosen: Which images, `(n,)`.

    Returns:
        Text; of many labels the first eight and the number of the others.

    Examples:
        >>> answers = Answers(np.eye(2)[[0, 1, 1]], np.array([0, 1, 1]), ("a", "b", "c"), ("nevus", "scar"), np.zeros(3, bool))
        >>> count_labels(answers, np.ones(3, bool))
        'scar 2, nevus 1'
    """
    counts = Counter(answers.names[chosen].tolist()).most_common()
    listed = ", ".join(f"{name} {count}" for name, count in counts[:_MAX_NAMES])
    more = len(counts) - _MAX_NAMES
    return f"{listed} and {more} other labels" if more > 0 else listed
