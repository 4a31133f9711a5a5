"""The tables of an external validation: a row per set of images, the worst set of each figure, and the mean of the sets."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from melanoma_detect import taxonomy
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.external_columns import UNDEFINED, Column, columns, deciding, worst_set
from melanoma_detect.evaluation.notes import count_labels
from melanoma_detect.evaluation.subgroups import MIN_LESIONS
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.inference.prediction import Decision
from melanoma_detect.utils.text_table import TextTable

NOTHING = "–"

Texts: TypeAlias = Mapping[str, Callable[[Evaluation], str]]  # columns without an interval, by title


def class_codes(classes: Sequence[str]) -> str:
    """Return short names of classes: their codes in the taxonomy, where it has one.

    Args:
        classes: Class names; merged ones are joined with "or".

    Returns:
        The codes, with a slash between merged classes.

    Examples:
        >>> class_codes(["melanoma", "actinic keratosis or squamous cell carcinoma", "scar"])
        'MEL, AK/SCC, scar'
    """
    return ", ".join("/".join(_code(part) for part in label.split(" or ")) for label in classes)


def _code(label: str) -> str:
    diagnosis = taxonomy.find(label)
    return diagnosis.code if diagnosis else label


def table_parts(evaluations: Mapping[str, Evaluation], problems: Mapping[str, str]) -> list[TextTable]:
    """Return the table of an external validation in parts that fit a line.

    Args:
        evaluations: The evaluation of each set; one or more.
        problems: Why the other sets were not evaluated.

    Returns:
        The parts; the first has a row for each set that was not evaluated too.

    Examples:
        >>> [part.title for part in table_parts({"ours": detector.evaluate(data)}, {})][:2]
        ['Images, ranking and calibration', 'Melanomas at the operating point']
    """
    first = next(iter(evaluations.values()))
    target = first.target
    shortcuts = any(evaluation.shortcuts for evaluation in evaluations.values())
    used = columns(target, shortcuts=shortcuts)
    counts: Texts = {
        "images": lambda evaluation: str(len(evaluation)),
        "lesions": lambda evaluation: str(evaluation.lesions),
        PLURALS[target]: lambda evaluation: str(int(evaluation.per_image.is_positive.sum())),
    }
    referred: Texts = {f"{PLURALS[target]} referred": _referred}
    classes: Texts = {"over the classes": lambda evaluation: class_codes(evaluation.common_classes) or NOTHING}

    def part(title: str, names: Sequence[str], before: Texts | None = None, after: Texts | None = None) -> TextTable:
        chosen = {name: used[name] for name in names}
        return TextTable(title, *_cells(evaluations, chosen, PLURALS[target], before or {}, after or {}))

    parts = [
        part("Images, ranking and calibration", [f"{target}_auc", "ece"], before=counts),
        part(
            f"{PLURALS[target].capitalize()} at the operating point",
            ["sensitivity", "false_negative_rate"],
            after=referred,
        ),
        part("Other images at the operating point", ["specificity", "false_positive_rate", "clearance_rate"]),
        part("All images", ["referral_rate", "abstention_rate"]),
        part("Classes with 20 images or more", ["balanced_accuracy_common"], after=classes),
        part("Recall of each class, with its images", [], after=_recalls(evaluations.values()))._replace(summary=()),
    ]
    if shortcuts:
        parts.append(
            part("Melanoma AUC with the lesion covered: over 0.5, something else reveals melanomas", ["background_auc"])
        )
    failed = tuple((name, *[""] * len(counts), "not evaluated", "") for name in problems)
    parts[0] = parts[0]._replace(rows=(*parts[0].rows, *failed))
    return parts


def _cells(
    evaluations: Mapping[str, Evaluation], chosen: Mapping[str, Column], targets: str, before: Texts, after: Texts
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]:
    """Return the titles, rows and summary of a part."""
    headers = ("set", *before, *(column.title.format(targets=targets) for column in chosen.values()), *after)
    rows = tuple(
        (
            name,
            *(text(evaluation) for text in before.values()),
            *(_cell(figure, column.of(evaluation), evaluation) for figure, column in chosen.items()),
            *(text(evaluation) for text in after.values()),
        )
        for name, evaluation in evaluations.items()
    )
    if len(evaluations) < 2:
        return headers, rows, ()
    left, right = [""] * len(before), [""] * len(after)
    worst = [worst_set(evaluations, column) or NOTHING for column in chosen.values()]
    means = [_mean(evaluations, column) for column in chosen.values()]
    return headers, rows, (("worst set", *left, *worst, *right), ("mean of the sets", *left, *means, *right))


def _recalls(evaluations: Iterable[Evaluation]) -> Texts:
    """Return a column for each class that a set shows, by its code."""
    classes = dict.fromkeys(label for evaluation in evaluations for label in evaluation.classes)

    def recall_of(label: str) -> Callable[[Evaluation], str]:
        return lambda evaluation: _recall(evaluation, label)

    return {class_codes([label]): recall_of(label) for label in classes}


def _recall(evaluation: Evaluation, label: str) -> str:
    figure = evaluation.recall.get(label, UNDEFINED)
    if not np.isfinite(figure.value):
        return NOTHING
    images = evaluation.confusion[evaluation.classes.index(label)].sum()
    return f"{figure.value:.2f}{'*' if figure.lesions < MIN_LESIONS else ''}\n({images})"


def _cell(name: str, figure: Figure, evaluation: Evaluation) -> str:
    if not np.isfinite(figure.value):
        return NOTHING
    text = f"{figure}{'*' if figure.lesions < MIN_LESIONS else ''}"
    if name != "false_negative_rate":
        return text
    return f"{text} ({_count(evaluation, 'clear')})"


def _referred(evaluation: Evaluation) -> str:
    return _count(evaluation, "refer") if evaluation.per_image.is_positive.any() else NOTHING


def _count(evaluation: Evaluation, decision: Decision) -> str:
    positive = evaluation.per_image.is_positive
    return f"{(positive & (evaluation.decisions == decision)).sum()} of {positive.sum()}"


def _mean(evaluations: Mapping[str, Evaluation], column: Column) -> str:
    values = deciding(evaluations, column)
    return f"{np.mean(list(values.values())):.3f}" if values else NOTHING


def footnotes(evaluations: Mapping[str, Evaluation], problems: Mapping[str, str]) -> Iterator[str]:
    """Yield what a reader of the table must know, as sentences.

    Args:
        evaluations: The evaluation of each set; one or more.
        problems: Why the other sets were not evaluated.

    Yields:
        Sentences.

    Examples:
        >>> list(footnotes({"ours": detector.evaluate(data)}, {"theirs": "no image is left"}))[-1]
        'Not evaluated: theirs: no image is left'
    """
    target = next(iter(evaluations.values())).target
    yield (
        "Counts are images. The 95 % intervals count lesions, or patients where a table names them. Images with neither an "
        "alert nor cleared are referred to a person, since the detector abstains or finds another cancer likely."
    )
    yield from _comparability(evaluations)
    without = [name for name, evaluation in evaluations.items() if not evaluation.per_image.is_positive.any()]
    if without:
        yield f"No {PLURALS[target]} in {', '.join(without)}: {NOTHING} where a figure needs them."
    for name, evaluation in evaluations.items():
        yield from (f"{name}: {note}" for note in _left_out(evaluation))
    for name, problem in problems.items():
        yield f"Not evaluated: {name}: {problem}"


def _comparability(evaluations: Mapping[str, Evaluation]) -> Iterator[str]:
    """Yield why figures of different sets may not be compared."""
    used = columns(next(iter(evaluations.values())).target, shortcuts=True).values()
    figures = [column.of(evaluation) for evaluation in evaluations.values() for column in used]
    figures += [figure for evaluation in evaluations.values() for figure in evaluation.recall.values()]
    if any(np.isfinite(figure.value) and figure.lesions < MIN_LESIONS for figure in figures):
        yield (
            f"* rests on fewer than {MIN_LESIONS} lesions; such a figure counts for the worst set and for the mean only "
            "where no set has more."
        )
    if len({evaluation.common_classes for evaluation in evaluations.values()}) > 1:
        yield "Balanced accuracies over different classes compare the sets only roughly."


def _left_out(evaluation: Evaluation) -> Iterator[str]:
    """Yield which images of a set some or all figures leave out."""
    answers = evaluation.per_image
    if evaluation.seen_in_training:
        yield f"images that the detector has seen in training: {evaluation.seen_in_training}; the figures are too good."
    if evaluation.set_aside:
        yield f"images set aside, since the detector has seen them or their lesions: {evaluation.set_aside}."
    if (outside := ~answers.has_class).any():
        yield (
            f"images whose label is no class of the detector, or covers several: {outside.sum()} "
            f"({count_labels(answers, outside)}); recalls and balanced accuracy leave them out."
        )
    if (unknown := ~(answers.is_positive | answers.is_negative)).any():
        yield (
            f"images whose label leaves open whether they are {PLURALS[answers.target]}: {unknown.sum()} "
            f"({count_labels(answers, unknown)}); they count neither there nor among the others."
        )
