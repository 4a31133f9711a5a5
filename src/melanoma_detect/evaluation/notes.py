"""Notes of an evaluation: images seen in training, labels that look swapped, and which images take part in which metric."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.label_swaps import find_swaps, swap_text
from melanoma_detect.inference.operating_points import PLURALS, Target
from melanoma_detect.utils.counts import count_noun

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


def seen_notes(seen: int, images: int, lost: int, target: Target) -> tuple[str, ...]:
    """Say what a detector's training means for its evaluation.

    Args:
        seen: The number of evaluated images that the detector has seen, or their lesions, in training.
        images: The number of evaluated images.
        lost: The number of images of the target, all of which were set aside since they were seen; 0 where some are left.
        target: `"melanoma"` or `"malignant"`.

    Returns:
        Sentences.

    Examples:
        >>> print(*seen_notes(530, 600, 0, "melanoma"))
        The detector has seen 530 of 600 images, or their lesions, in training: the figures are too good, and say nothing of ...
    """
    notes = []
    if seen:
        notes.append(
            f"The detector has seen {seen} of {count_noun(images, 'image')}, or their lesions, in training: the figures are "
            "too good, and say nothing of images that are new to it."
        )
    if lost:
        notes.append(
            f"All {lost} images of {PLURALS[target]} are set aside, since the detector has seen them in training: "
            "sensitivity and AUC cannot be measured on the others."
        )
    return tuple(notes)


def _notes(answers: Answers) -> Iterator[str]:
    for pair in find_swaps(answers.probabilities, answers.labels, np.array(answers.groups), answers.classes):
        yield f"{_capital(swap_text(pair))}."
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
        yield from _unknown_notes(answers, unknown)
    yield from _malignancy_notes(answers)
    yield from _side_notes(answers)


def _unknown_notes(answers: Answers, unknown: NDArray[np.bool_]) -> Iterator[str]:
    """Yield which images are left out of melanoma against the rest, and why."""
    strange = unknown & np.array([_is_unheard_of(name) for name in answers.names.tolist()], dtype=bool)
    reasons = {
        "labels that cover melanoma and other diagnoses": unknown & ~strange,
        "labels that the taxonomy does not know, and that may mean melanoma; label_map can rename them": strange,
    }
    for reason, chosen in reasons.items():
        if count := int(chosen.sum()):
            take = "takes" if count == 1 else "take"
            yield (
                f"{count} of {len(answers)} images {take} no part in melanoma against the rest ({reason}: "
                f"{count_labels(answers, chosen)})."
            )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _is_unheard_of(name: str) -> bool:
    return not taxonomy.is_known(name) and not all(map(taxonomy.is_known, name.split(" or ")))


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
