"""Parts of a dataset: some of its classes, or the images that a condition holds for."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from melanoma_detect.data.record import COLUMNS, Record
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.suggest import did_you_mean

Condition: TypeAlias = Callable[[Record], Any]
_SHOWN = 8  # values that an error lists


def select_labels(
    classes: "str | Iterable[str]", known: Sequence[str], label_groups: Mapping[str, Sequence[str]]
) -> tuple[set[str], dict[str, tuple[str, ...]]]:
    """Return the classes that are asked for, and the label groups that all of their classes are left of.

    Args:
        classes: Names of classes; a label group stands for its classes.
        known: The dataset's classes.
        label_groups: Its label groups, each with its classes.

    Returns:
        The classes, and the label groups.

    Raises:
        DatasetError: A name is unknown, or there is none.

    Examples:
        >>> select_labels("akiec", ["bcc", "bowen", "keratosis"], {"akiec": ["bowen", "keratosis"]})[1]
        {'akiec': ('bowen', 'keratosis')}
    """
    names = [classes] if isinstance(classes, str) else list(classes)
    if not names:
        raise DatasetError(f"classes={classes!r}; expected one or more of {', '.join(known)}")
    for name in names:
        if name not in known and name not in label_groups:
            every = (*known, *label_groups)
            raise DatasetError(f"class {name!r}; {did_you_mean(str(name), every)}expected one of {', '.join(every)}")
    kept = {member for name in names for member in label_groups.get(name, (name,))}
    groups = {label: tuple(members) for label, members in label_groups.items() if set(members) <= kept}
    return kept, groups


def select_records(
    records: Sequence[Record], condition: "Condition | Mapping[str, Any] | None", columns: Mapping[str, Any]
) -> Condition:
    """Return a function that tells whether a record is asked for.

    Args:
        records: All records: the columns and values that there are.
        condition: A function of a record, or values by column; None for none.
        columns: Values by column. A value is a text or number, several of them, None for "no value", or a function of one.

    Returns:
        A function of a record.

    Raises:
        DatasetError: A column or value is unknown, or nothing is asked for.

    Examples:
        >>> is_asked = select_records(data.records, None, {"label": "nevus"})
        >>> {record.label for record in data.records if is_asked(record)}
        {'nevus'}
    """
    if isinstance(condition, Mapping):
        return select_records(records, None, {**condition, **columns})
    if condition is None and not columns:
        raise DatasetError(
            "where() without a condition; expected columns, such as sex='female', or a function of a record"
        )
    if condition is not None and not callable(condition):
        raise DatasetError(
            f"where({condition!r}): the condition is a {type(condition).__name__}; expected a function of a record, or values "
            "by column, such as {'sex': 'female'}"
        )
    named = {_find_column(name, records): value for name, value in columns.items()}
    matchers = [_matcher(column, value, records) for column, value in named.items()]

    def is_asked(record: Record) -> bool:
        return all(matches(record) for matches in matchers) and (condition is None or _ask(condition, record))

    return is_asked


def keep(records: Sequence[Record], is_asked: Condition) -> list[Record]:
    """Return the records that are asked for; a copy is judged with its parent's row of the table, and stays only with it.

    Args:
        records: Records, in any order.
        is_asked: Tells whether a record is asked for.

    Returns:
        Those records, in the same order.

    Examples:
        >>> len(keep(data.records, lambda record: record.split == "test")) == len(data.test)
        True
    """
    by_id = {record.id: record for record in records}
    judged: dict[str, bool] = {}

    def is_kept(record: Record) -> bool:
        if record.id not in judged:
            parent = by_id.get(record.parent) if record.parent else None
            judged[record.id] = (parent is None or is_kept(parent)) and is_asked(_with_row(record, parent))
        return judged[record.id]

    return [record for record in records if is_kept(record)]


def _with_row(record: Record, parent: Record | None) -> Record:
    # Copies that `balance` made are in no table.
    return replace(record, metadata=parent.metadata) if parent and not record.metadata else record


def _ask(condition: Condition, record: Record) -> bool:
    try:
        return bool(condition(record))
    except Exception as error:
        error.add_note(f"while the condition of where() was asked of {record.id}")
        raise


def _find_column(name: str, records: Sequence[Record]) -> str:
    columns = dict.fromkeys((*COLUMNS, *(column for record in records for column in record.metadata)))
    if name in columns:
        return name
    alike = [column for column in columns if _fold(column) == _fold(name)]
    if len(alike) == 1:
        return alike[0]
    raise DatasetError(f"column {name!r}; {did_you_mean(name, list(columns))}expected one of {', '.join(columns)}")


def _fold(name: object) -> str:
    return str(name).strip().casefold().replace("_", " ").replace("-", " ")


def _value(record: Record, column: str) -> str:
    value = getattr(record, column) if column in COLUMNS else record.metadata.get(column, "")
    return "" if value is None else str(value).strip()


def _number(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)  # Python reads the name "1_1" as 11
    except ValueError:
        return None


def _matcher(column: str, wanted: Any, records: Sequence[Record]) -> Condition:
    if callable(wanted):
        return lambda record: (
            bool(text := _value(record, column)) and wanted(text if (number := _number(text)) is None else number)
        )
    several = list(wanted) if isinstance(wanted, Iterable) and not isinstance(wanted, str) else [wanted]
    tests = [_value_test(value) for value in several]
    values = Counter(_value(record, column) for record in records)
    for value, test in zip(several, tests, strict=True):
        if not any(test(text) for text in values):
            raise DatasetError(_no_such_value(column, value, values))
    return lambda record: any(test(_value(record, column)) for test in tests)


def _value_test(wanted: Any) -> Callable[[str], bool]:
    if wanted is None:
        return lambda text: not text
    number = None if isinstance(wanted, bool) else _number(str(wanted))
    if number is not None:
        return lambda text: _number(text) == number or text == str(wanted)
    return lambda text: bool(text) and _fold(text) == _fold(wanted)


def _no_such_value(column: str, value: Any, values: Counter[str]) -> str:
    listed = [f"{text or 'none'} ({count:,})" for text, count in values.most_common(_SHOWN)]
    more = f" and {count_noun(len(values) - _SHOWN, 'other value')}" if len(values) > _SHOWN else ""
    hint = did_you_mean(str(value), [text for text in values if text])
    return f"{column}={value!r}: no image has it; {hint}there are {', '.join(listed)}{more}"
