"""External validation: a detector evaluated on several sets of images, one row per set."""

import contextlib
import itertools
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import pandas as pd

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DataWarning, DetectorError, MelanomaDetectError
from melanoma_detect.evaluation.evaluate import Seen, check_split, evaluate
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.external_columns import Column, columns, deciding, worst_set
from melanoma_detect.evaluation.external_table import class_codes, footnotes, table_parts
from melanoma_detect.inference.image_types import TYPE_PLURALS
from melanoma_detect.inference.operating_points import OperatingPoint, Target
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.printable import printable
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.random import check_seed
from melanoma_detect.utils.text_table import WIDTH, render_markdown, render_text
from melanoma_detect.utils.user_warning import warn_user

_Set = TypeVar("_Set")
Images: TypeAlias = Dataset | Split
Sets: TypeAlias = Mapping[str, Images] | Mapping[str, Callable[[], Images]] | Sequence[Images]


@dataclass(frozen=True, eq=False, repr=False)
class ExternalValidation:
    """The evaluations of a detector on several sets of images, such as those of other hospitals.

    Printing it shows one row per set with the most important figures, the worst set of each figure, and the unweighted mean
    of the sets. A detector that is to be used elsewhere is as good as its worst set, not as the mean.

    Attributes:
        evaluations: The evaluation of each set, by the set's name.
        problems: Why a set was not evaluated, by its name: the detector has seen all its images, for example.

    Examples:
        >>> validation = detector.evaluate({"ours": data, "again": data})
        >>> list(validation.evaluations)
        ['ours', 'again']
        >>> validation.worst  # the same images twice: no set is worse
        {}
        >>> bool(validation.to_frame().loc["again", "images"] == len(data.test))
        True
    """

    evaluations: Mapping[str, Evaluation]
    problems: Mapping[str, str] = field(default_factory=dict)

    _repr_html_ = notebook_view

    def __post_init__(self) -> None:
        if not self.evaluations:
            reasons = "; ".join(f"{name}: {problem}" for name, problem in self.problems.items())
            raise DetectorError(f"no set could be evaluated; {reasons or 'expected one or more'}")

    def __repr__(self) -> str:
        return f"<ExternalValidation on {self._size}: {printable(', '.join(self.evaluations))}>"

    @property
    def target(self) -> Target:
        """What sensitivity, specificity and calibration are measured for: `"melanoma"` or `"malignant"`."""
        return self._first.target

    @property
    def worst(self) -> dict[str, str]:
        """The name of the set with the worst value of each figure, of two sets or more.

        A figure in which the worst sets tie is left out, and one that a single set shows. A figure that rests on fewer than
        20 lesions in a set does not count there, unless it does so in every set. A set without melanomas is never the worst in
        what needs them.
        """
        found = {name: worst_set(self.evaluations, column) for name, column in self._columns.items()}
        return {name: worst for name, worst in found.items() if worst is not None}

    @property
    def mean(self) -> dict[str, float]:
        """The mean of each figure over the sets, each counting the same; the sets that count are those of `worst`."""
        found = {name: deciding(self.evaluations, column) for name, column in self._columns.items()}
        return {name: float(np.mean(list(values.values()))) for name, values in found.items() if values}

    def has_alerts(self, name: str) -> bool:
        """Return whether sensitivity and specificity are both defined for a set, as predictive values need.

        Args:
            name: The set's name.

        Returns:
            False where the set lacks melanomas or other images, or the detector an operating point.

        Examples:
            >>> detector.evaluate({"ours": data}).has_alerts("ours")
            True
        """
        figures = self.evaluations[name].figures
        return bool(np.isfinite([figures["sensitivity"].value, figures["specificity"].value]).all())

    def to_frame(self) -> pd.DataFrame:
        """Return the table: one row per set, each figure with its interval and the number of lesions that it rests on.

        Returns:
            Indexed by the sets' names; nan where a set does not show a figure. `melanomas` (or `malignant`) counts images, as
            does `cleared`; `classes` names the classes of `balanced_accuracy_common`. Sets that were not evaluated have
            the reason in `problem`, which is empty for the others.

        Examples:
            >>> bool(detector.evaluate({"ours": data}).to_frame()["melanoma_auc"].between(0, 1).all())
            True
        """
        rows = [self._row(evaluation) for evaluation in self.evaluations.values()]
        rows += [{"problem": problem} for problem in self.problems.values()]
        index = pd.Index([*self.evaluations, *self.problems], name="set")
        counts = [*self._counts(self._first), *(f"{name}_lesions" for name in self._columns)]
        return pd.DataFrame(rows, index=index).astype(dict.fromkeys(counts, "Int64"))

    def to_markdown(self) -> str:
        """Return the printed table as one table in Markdown, with the rows of the worst sets and of the mean.

        Returns:
            Markdown as GitHub reads it.

        Examples:
            >>> print(detector.evaluate({"ours": data}).to_markdown().splitlines()[0][:40])
            | set | images | lesions | melanomas | m
        """
        return render_markdown(table_parts(self.evaluations, self.problems))

    def to_dict(self) -> dict[str, Any]:
        """Return every figure of every set, as JSON holds it.

        Returns:
            `sets`: what `Evaluation.to_dict` gives, by the set's name; `worst`, `mean` and `problems`.

        Examples:
            >>> sorted(detector.evaluate({"ours": data}).to_dict())
            ['detector', 'mean', 'problems', 'sets', 'target', 'worst']
        """
        return {
            "detector": self._first.detector,
            "target": self.target,
            "sets": {name: evaluation.to_dict() for name, evaluation in self.evaluations.items()},
            "worst": self.worst,
            "mean": self.mean,
            "problems": dict(self.problems),
        }

    def __str__(self) -> str:
        images = sum(map(len, self.evaluations.values()))
        head = f"{self._first.detector or 'A detector'} on {self._size}, {count_noun(images, 'image')}"
        parts = [render_text(part) for part in table_parts(self.evaluations, self.problems)]
        notes = list(footnotes(self.evaluations, self.problems))
        notes += [f"Operating point{name}: {point}" for name, point in self._points.items()]
        wrapped = [textwrap.fill(printable(text), WIDTH) for text in notes]
        return "\n\n".join([textwrap.fill(printable(head), WIDTH), *parts, "\n".join(wrapped)])

    @property
    def _points(self) -> dict[str, OperatingPoint]:
        """The operating points that images of any set were judged by, by " for" their type."""
        used = {name: point for one in self.evaluations.values() for name, point in one.operating_points_used.items()}
        return {f" for {TYPE_PLURALS[name]}" if name else "": used[name] for name in sorted(used, reverse=True)}

    @property
    def _size(self) -> str:
        count = len(self.evaluations)
        return f"{count} {'set' if count == 1 else 'sets'}"

    @property
    def _first(self) -> Evaluation:
        return next(iter(self.evaluations.values()))

    @property
    def _columns(self) -> dict[str, Column]:
        shortcuts = any(evaluation.shortcuts for evaluation in self.evaluations.values())
        return columns(self.target, shortcuts=shortcuts)

    def _row(self, evaluation: Evaluation) -> dict[str, Any]:
        row: dict[str, Any] = self._counts(evaluation)
        for name, column in self._columns.items():
            value, low, high, lesions = column.of(evaluation)
            row |= {name: value, f"{name}_low": low, f"{name}_high": high, f"{name}_lesions": lesions}
        return row | {"classes": class_codes(evaluation.common_classes), "problem": ""}

    def _counts(self, evaluation: Evaluation) -> dict[str, int]:
        positive = evaluation.per_image.is_positive
        return {
            "images": len(evaluation),
            "lesions": evaluation.lesions,
            "melanomas" if self.target == "melanoma" else "malignant": int(positive.sum()),
            "cleared": int((positive & (evaluation.decisions == "clear")).sum()),
            "abstained": int(evaluation.abstained.sum()),
            "set_aside": evaluation.set_aside,
        }


def evaluate_all(
    predictor: Predictor, data: Images | Sets, *, seen: Seen = "set aside", shortcuts: bool = False, seed: int = 123
) -> Evaluation | ExternalValidation:
    """Evaluate a detector on one set of images or on several; see `Detector.evaluate`.

    Args:
        predictor: The detector.
        data: A dataset or split; or several, as `evaluate_sets` takes them.
        seen: What to do with images that the detector was trained on.
        shortcuts: Also test for shortcuts.
        seed: Seed of the bootstrap.

    Returns:
        The evaluation of one set, or of several.

    Examples:
        >>> evaluate_all(predictor, {"ours": data})
        <ExternalValidation on 1 set: ours>
    """
    if isinstance(data, (Mapping, list, tuple)):
        return evaluate_sets(predictor, data, seen=seen, shortcuts=shortcuts, seed=seed)
    return evaluate(predictor, cast("Images", data), seen=seen, shortcuts=shortcuts, seed=seed)


def evaluate_sets(
    predictor: Predictor,
    sets: Sets,
    *,
    seen: Seen = "set aside",
    shortcuts: bool = False,
    seed: int = 123,
) -> ExternalValidation:
    """Evaluate a detector on several sets of images, each on its own; see `Detector.evaluate`.

    A set that cannot be read or evaluated does not stop the others: `ExternalValidation.problems` gives the reason.

    Args:
        predictor: The detector.
        sets: Datasets (of which the test split is taken) or splits by name; or a list of them, which are then named by their
            sources. In place of one, a function without arguments that loads it when its turn comes.
        seen: What to do with images that the detector was trained on: set them aside, or keep them.
        shortcuts: Also test for shortcuts on each set.
        seed: Seed of the bootstrap.

    Returns:
        The evaluations.

    Raises:
        DetectorError: There is no set, a set is no dataset, two sets have one name, or none could be evaluated.

    Warns:
        DataWarning: Images of a set are set aside, since the detector was trained on them; the warning names the set.

    Examples:
        >>> evaluate_sets(predictor, [data.test]).evaluations.keys()
        dict_keys(['isic9'])
    """
    seed = check_seed(seed, DetectorError)
    named = _check_names(sets) if isinstance(sets, Mapping) else _name_sets(sets)
    for name, images in named.items():
        if not callable(images):
            check_split(images, seen, f"the set {name}")
    evaluations: dict[str, Evaluation] = {}
    problems: dict[str, str] = {}
    for name, images in named.items():
        try:
            with _naming_warnings(name):
                loaded = images() if callable(images) else images
                evaluations[name] = evaluate(predictor, loaded, seen=seen, shortcuts=shortcuts, seed=seed)
        except MelanomaDetectError as error:
            problems[name] = str(error)
    return ExternalValidation(evaluations, problems)


@contextlib.contextmanager
def _naming_warnings(name: str) -> Iterator[None]:
    """Put the name of a set before the warnings about it, which else are the same for each."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        for entry in caught:
            if issubclass(entry.category, DataWarning):
                warn_user(f"{name}: {entry.message}", entry.category)
            else:
                warnings.warn_explicit(entry.message, entry.category, entry.filename, entry.lineno)


def _check_names(sets: Mapping[Any, _Set]) -> dict[str, _Set]:
    """Return sets by their names as text; raise DetectorError where two names read alike, such as 1 and "1"."""
    named: dict[str, _Set] = {}
    for name, images in sets.items():
        if str(name) in named:
            raise DetectorError(f"two sets are named {str(name)!r}; expected a name of its own for each")
        named[str(name)] = images
    return named


def _name_sets(sets: Sequence[Images]) -> dict[str, Images]:
    """Name sets by the sources of their images; equal names get a number, the first that leaves no two names alike."""
    names = [_source_name(images) for images in sets]
    taken = {name for name in names if names.count(name) == 1}
    named: dict[str, Images] = {}
    for name, images in zip(names, sets, strict=True):
        numbered = (f"{name} {number}" for number in itertools.count(1))
        unique = name if name in taken else next(text for text in numbered if text not in taken and text not in named)
        named[unique] = images
    return named


def _source_name(images: Images) -> str:
    records = getattr(images, "records", ())
    sources = sorted({record.source for record in records if record.source})
    return " + ".join(sources) or "images"
