"""Labels in a detector's own words: collections write the same diagnosis in other ways, and some do not tell two apart."""

from dataclasses import replace

from melanoma_detect import taxonomy
from melanoma_detect.data.dataset import Split
from melanoma_detect.errors import DetectorError


def translated(part: Split, classes: tuple[str, ...]) -> Split:
    """Say what each label of a split means among a detector's classes.

    Args:
        part: The split.
        classes: The detector's classes.

    Returns:
        The same images with those classes, in their order. A label that means one of them is that one; a label that may mean
        several stays, as a coarse one.

    Raises:
        DetectorError: A class of the split is none that the detector knows.

    Examples:
        >>> translated(replace(data.test, classes=data.classes[::-1]), data.classes).classes == data.classes
        True
    """
    meanings = {label: _meaning(label, part, classes) for label in (*part.classes, *part.coarse)}
    strange = sorted(label for label, found in meanings.items() if not found)
    if strange:
        raise DetectorError(
            f"the detector does not know the classes {', '.join(strange)}; it knows {', '.join(classes)}"
        )
    names = {label: found[0] if len(found) == 1 else label for label, found in meanings.items()}
    records = tuple(replace(record, label=names[record.label]) for record in part.records)
    coarse = {label: found for label, found in meanings.items() if len(found) > 1}
    return replace(part, records=records, classes=classes, coarse=coarse)


def _meaning(label: str, part: Split, classes: tuple[str, ...]) -> tuple[str, ...]:
    if label in classes:
        return (label,)
    codes = frozenset[str]().union(*(taxonomy.meaning(one) for one in part.coarse.get(label, (label,))))
    return tuple(one for one in classes if taxonomy.meaning(one) <= codes)
