"""Several sources as one list of records, with one list of classes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from melanoma_detect import taxonomy
from melanoma_detect.data.record import Record
from melanoma_detect.data.sources.folders import Contents
from melanoma_detect.data.sources.table import image_name
from melanoma_detect.errors import DatasetError

_ISIC = re.compile(r"ISIC_\d{7}")


def name_sources(sources: Sequence[Contents]) -> list[Contents]:
    """Give the records of several sources ids that say which one they come from.

    Args:
        sources: What was read.

    Returns:
        The same, each record's id with its source's name in front where there are several.

    Raises:
        DatasetError: One folder is given twice.

    Examples:
        >>> from melanoma_detect.data.sources.folders import read_folder
        >>> name_sources([read_folder(isic9)])[0].records[0].id.startswith("Train/")
        True
    """
    if len(sources) < 2:
        return list(sources)
    roots = [contents.root for contents in sources]
    if twice := next((root for root in roots if roots.count(root) > 1), None):
        raise DatasetError(f"{twice}: is given twice; expected different sources")
    names = _names(roots)
    return [
        replace(
            contents,
            records=[_named(record, name) for record in contents.records],
            set_aside=tuple(replace(entry, record=_named(entry.record, name)) for entry in contents.set_aside),
        )
        for contents, name in zip(sources, names, strict=True)
    ]


def image_key(record: Record) -> str | None:
    """Return by which name an image is known in every collection: its id in the ISIC archive, or None.

    Args:
        record: A record.

    Returns:
        The id, or None for a name that means something in its own folder only.

    Examples:
        >>> image_key(replace(data.records[0], path=Path("ISIC_0025601(1).jpg")))
        'ISIC_0025601'
    """
    name = image_name(record.path)
    return name if _ISIC.fullmatch(name) else None


def unite_labels(records: Sequence[Record]) -> tuple[list[Record], tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Map the labels of several sources into one list of classes.

    Labels that mean the same diagnosis become one class, under the taxonomy's name. A label that covers several diagnoses, of
    which another source has one at least, is no class: it stays on its records as a coarse label.

    Args:
        records: The records of all sources.

    Returns:
        The records with their new labels, the classes, and for each coarse label the classes that it covers.

    Examples:
        >>> labels = ("akiec", "mel", "AK", "melanoma", "SCC")
        >>> _, classes, coarse = unite_labels([replace(r, label=label) for r, label in zip(data.records, labels)])
        >>> classes
        ('actinic keratosis', 'melanoma', 'squamous cell carcinoma')
        >>> coarse
        {'akiec': ('actinic keratosis', 'squamous cell carcinoma')}
    """
    meanings = {label: taxonomy.meaning(label) for label in dict.fromkeys(record.label for record in records)}
    every = set(meanings.values())
    fine = {meaning for meaning in every if not any(other < meaning for other in every)}
    names = {meaning: _class_name(meaning, meanings) for meaning in every}
    classes = tuple(sorted(names[meaning] for meaning in fine))
    coarse = {
        names[meaning]: tuple(sorted(names[other] for other in fine if other < meaning))
        for meaning in sorted(every - fine, key=sorted)
    }
    return [replace(record, label=names[meanings[record.label]]) for record in records], classes, coarse


def _class_name(meaning: frozenset[str], labels: Mapping[str, frozenset[str]]) -> str:
    own = [diagnosis.name for diagnosis in taxonomy.DIAGNOSES if frozenset([diagnosis.code]) == meaning]
    shared = [coarse.name for coarse in taxonomy.COARSE if frozenset(coarse.codes) == meaning]
    return next(iter(own + shared), min(label for label, found in labels.items() if found == meaning))


def _named(record: Record, source: str) -> Record:
    return replace(record, id=f"{source}/{record.id}", group=f"{source}/{record.group}", source=source)


def _names(roots: Sequence[Path]) -> list[str]:
    """Return the shortest ends of the paths that tell them apart; "images" alone says nothing."""
    for depth in range(1, max(len(root.parts) for root in roots) + 1):
        names = [_end(root, depth) for root in roots]
        if len(set(names)) == len(names):
            return names
    return [str(root) for root in roots]


def _end(root: Path, depth: int) -> str:
    parts = root.parts[:-1] if root.name.lower() in ("images", "train", "images", "data") else root.parts
    return "/".join(parts[-depth:])
