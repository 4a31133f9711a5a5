"""The label of a row: of several columns the one that the taxonomy understands best, and the others where it is silent."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path

from melanoma_detect import taxonomy
from melanoma_detect.data.sources.columns import find_codes, find_label_columns, find_levels, find_malignancy_columns
from melanoma_detect.data.sources.label_readings import Cells, Reading, find_readings, number_of
from melanoma_detect.errors import DatasetError

_CODES = frozenset(diagnosis.code for diagnosis in taxonomy.DIAGNOSES)
# More rows than this share that contradict each other are two different things, and no slips.
_MAX_CONTRADICTING = 0.1


@dataclass(frozen=True)
class _Judged:
    """A reading, with what the taxonomy understands of it.

    Attributes:
        position: The reading, as its position among all.
        reading: The reading.
        words: How often it gives each label.
    """

    position: int
    reading: Reading
    words: Counter[str]

    @property
    def is_numeric(self) -> bool:
        return all(number_of(word) is not None for word in self.words)

    @property
    def known(self) -> float:
        """The share of its labels that the taxonomy knows."""
        return self._share(taxonomy.is_known)

    @property
    def rank(self) -> tuple[float, float]:
        """How well it is understood, in steps of 5 %: known labels, then those that are one of the nine diagnoses."""
        return -round(self.known * 20), -round(self._share(_is_fine) * 20)

    def _share(self, condition: Callable[[str], bool]) -> float:
        return sum(count for word, count in self.words.items() if condition(word)) / max(self.words.total(), 1)


class Labelling:
    """The labels of a table's rows.

    Attributes:
        columns: The columns that give them, the best first.
    """

    def __init__(self, path: Path, columns: Sequence[str], names: Sequence[str], rows: Sequence[Cells]) -> None:
        """Find the columns that give the labels.

        Args:
            path: The table, for messages.
            columns: Its columns.
            names: The image of each row.
            rows: The cells of each row.

        Raises:
            DatasetError: Two columns name different diagnoses, and neither is the better understood.

        Examples:
            >>> rows = [{"label": "1", "dx": "mel"}, {"label": "0", "dx": "nv"}]
            >>> Labelling(Path("t.csv"), ["label", "dx"], ["a", "b"], rows).labels(rows[0])
            ('mel',)
        """
        readings = find_readings(columns, names, rows)
        # Few different rows: what follows asks each of them once.
        counts: Counter[tuple[str, ...]] = Counter(tuple(reading.read(cells) for reading in readings) for cells in rows)
        judged = [_judge(position, reading, counts) for position, reading in enumerate(readings)]
        chosen = _choose(path, [entry for entry in judged if entry.words], counts)
        _check_contradictions(path, chosen, counts)
        self._readings = tuple(entry.reading for entry in chosen)
        self.columns = tuple(reading.name for reading in self._readings)

    def labels(self, cells: Cells) -> tuple[str, ...]:
        """Return the label of a row: none, one, or two where its columns contradict each other.

        Args:
            cells: The row's cells by column.

        Returns:
            The labels.

        Examples:
            >>> rows = [{"diagnosis": "nevus", "benign_malignant": "benign"}, {"benign_malignant": "benign"}]
            >>> labelling = Labelling(Path("t.csv"), ["diagnosis", "benign_malignant"], ["a", "b"], rows)
            >>> [labelling.labels(cells) for cells in rows]
            [('nevus',), ('benign',)]
        """
        return _merge(tuple(reading.read(cells) for reading in self._readings))


def has_labels(columns: Sequence[str]) -> bool:
    """Return whether a table's columns say what its images show.

    Args:
        columns: The columns.

    Returns:
        Whether one names a diagnosis, or two or more are named by one.

    Examples:
        >>> has_labels(["DX"]), has_labels(["MEL", "NV"]), has_labels(["age"])
        (True, True, False)
    """
    found = (find_label_columns(columns), find_malignancy_columns(columns), find_levels(columns), find_codes(columns))
    return any(found)


def _judge(position: int, reading: Reading, counts: Mapping[tuple[str, ...], int]) -> _Judged:
    words: Counter[str] = Counter()
    for texts, count in counts.items():
        if texts[position]:
            words[texts[position]] += count
    return _Judged(position, reading, words)


def _choose(path: Path, judged: Sequence[_Judged], counts: Mapping[tuple[str, ...], int]) -> list[_Judged]:
    """Return the readings that are used, the best first."""
    # Numbers name no diagnosis: they count only where nothing else does.
    naming = [entry for entry in judged if not entry.reading.fallback and not entry.is_numeric]
    fallbacks = [entry for entry in judged if entry.reading.fallback and not entry.is_numeric]
    if not naming and not fallbacks:
        return list(judged[:1])
    naming.sort(key=lambda entry: entry.rank)
    if naming and not naming[0].known and any(entry.known for entry in fallbacks):
        naming = []
    used = naming[:1] + [entry for entry in naming[1:] if entry.known >= 0.5]
    unknown = [entry for entry in naming[1:] if not entry.known and len(entry.words) > 1]
    if used and not used[0].known and len(used[0].words) > 1:
        for other in unknown:
            _check_same_classes(path, used[0], other, counts)
    fallbacks.sort(key=lambda entry: entry.rank[1])
    return [*used, *fallbacks]


def _check_same_classes(path: Path, first: _Judged, second: _Judged, counts: Iterable[tuple[str, ...]]) -> None:
    """Raise where two columns of names that the taxonomy does not know sort the images differently."""
    pairs = {(texts[first.position], texts[second.position]) for texts in counts}
    filled = [pair for pair in pairs if all(pair)]
    if len({one for one, _ in filled}) != len(filled) or len({two for _, two in filled}) != len(filled):
        one, two = (f"{entry.reading.name} ({', '.join(list(entry.words)[:3])})" for entry in (first, second))
        raise DatasetError(
            f"{path}: the columns {one} and {two} both name classes, and the taxonomy knows neither; remove or rename the one "
            "that is not the label"
        )


def _check_contradictions(path: Path, judged: Sequence[_Judged], counts: Mapping[tuple[str, ...], int]) -> None:
    """Raise where two columns contradict each other so often that they cannot both be the label."""
    for first, second in combinations(judged, 2):
        both = {texts: (texts[first.position], texts[second.position]) for texts in counts}
        against = [texts for texts, pair in both.items() if all(pair) and _contradict(*pair)]
        filled, wrong = (sum(counts[texts] for texts in own) for own in ((t for t in both if all(both[t])), against))
        if wrong > max(_MAX_CONTRADICTING * filled, 1):
            one, two = both[against[0]]
            raise DatasetError(
                f"{path}: the columns {first.reading.name} and {second.reading.name} contradict each other in {wrong} of "
                f"{filled} rows ({one!r} and {two!r}, say); remove or rename the one that is not the label"
            )


@lru_cache(maxsize=2**16)
def _merge(texts: tuple[str, ...]) -> tuple[str, ...]:
    filled = [text for text in texts if text]
    if not filled:
        return ()
    label = filled[0]
    for other in filled[1:]:
        if _contradict(label, other):
            return (label, other)
        # "nevus" says more than "benign"; what is outside the nine diagnoses does not replace a coarse label.
        if not _is_fine(label) and _is_fine(other) and taxonomy.covers(label, other):
            label = other
    return (label,)


@lru_cache(maxsize=2**16)
def _contradict(first: str, second: str) -> bool:
    """Return whether two labels exclude each other: two of the nine diagnoses, or benign and malignant."""
    one, two = (taxonomy.meaning(label) for label in (first, second))
    if one <= _CODES and two <= _CODES and max(len(one), len(two)) <= 2 and not one & two:
        return True
    return {taxonomy.malignancy(first), taxonomy.malignancy(second)} == {"benign", "malignant"}


@lru_cache(maxsize=2**16)
def _is_fine(label: str) -> bool:
    """Return whether a label is one of the nine diagnoses; `bkl`, say, is two."""
    return len(taxonomy.meaning(label)) == 1 and taxonomy.find(label) is not None
