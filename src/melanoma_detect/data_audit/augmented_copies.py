"""Copies outside the class folders, as Augmentor leaves them in `output`: whose they are, by name and by content."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from melanoma_detect.data.lineage import parent_name
from melanoma_detect.data.near_duplicates import find_alike
from melanoma_detect.data.record import Record
from melanoma_detect.data_audit.feature_duplicates import agreement
from melanoma_detect.errors import ImageError
from melanoma_detect.images.perceptual_hash import Fingerprint, fingerprint
from melanoma_detect.images.reader import SUFFIXES, load

_LOOKED_AT = 40  # of the copies known by name: laying one over its parent takes a twentieth of a second
_SAME = 0.8


@dataclass(frozen=True)
class Copies:
    """Copies and their parents.

    Attributes:
        by_name: Parent and copy, known by the copy's name.
        by_content: Parent and copy, known by what they show.
        looked_at: How many of those known by name were laid over their parents.
        agreeing: How many of these show their parents, turned by up to 10 degrees.
    """

    by_name: tuple[tuple[Record, Record], ...] = ()
    by_content: tuple[tuple[Record, Record], ...] = ()
    looked_at: int = 0
    agreeing: int = 0


def find_copies(records: Sequence[Record], prints: Sequence[Fingerprint | None], others: Sequence[Path]) -> Copies:
    """Find copies of images: among them, by name; outside the class folders, by name or by content.

    Args:
        records: The images.
        prints: The hashes of each.
        others: Files outside the class folders.

    Returns:
        The copies, each with its parent.

    Examples:
        >>> find_copies(data.records[:2], [None, None], ()).by_name
        ()
    """
    by_id, by_file = {record.id: record for record in records}, {record.path.name: record for record in records}
    named = [(by_id[record.parent], record) for record in records if record.parent in by_id]
    strangers: list[Path] = []
    for path in others:
        if path.suffix.lower() not in SUFFIXES:
            continue
        parent = by_file.get(parent_name(path) or "")
        if parent:
            named.append((parent, _record(path, parent)))
        else:
            strangers.append(path)
    chosen = named[:: max(1, len(named) // _LOOKED_AT)][:_LOOKED_AT]
    agreeing = sum(agreement(copy, parent) >= _SAME for parent, copy in chosen)
    return Copies(tuple(named), tuple(_by_content(records, prints, strangers)), len(chosen), agreeing)


def _by_content(
    records: Sequence[Record], prints: Sequence[Fingerprint | None], strangers: Sequence[Path]
) -> list[tuple[Record, Record]]:
    if not strangers:
        return []
    paths = [*(record.path for record in records), *strangers]
    pairs = find_alike(paths, [*prints, *map(_fingerprint, strangers)])
    first: dict[int, Record] = {}
    for pair in pairs:
        if pair.first < len(records) <= pair.second:
            first.setdefault(pair.second, records[pair.first])
    return [(parent, _record(paths[at], parent)) for at, parent in first.items()]


def _fingerprint(path: Path) -> Fingerprint | None:
    try:
        return fingerprint(load(path, (128, 128)))
    except ImageError:
        return None


def _record(path: Path, parent: Record) -> Record:
    return replace(parent, id=f"{path.parent.name}/{path.name}", path=path, parent=parent.id)
