"""Copies that Augmentor left outside the class folders, in `output`, with their parents, by name and by content."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from melanoma_detect.data.groups import parent_name
from melanoma_detect.data.near_duplicates import find_near_duplicates
from melanoma_detect.data.record import Record
from melanoma_detect.data_audit.feature_duplicates import correlate_turned
from melanoma_detect.errors import ImageError
from melanoma_detect.images.fine_detail import MIN_CORRELATION
from melanoma_detect.images.perceptual_hash import Fingerprint, fingerprint
from melanoma_detect.images.reader import SUFFIXES, load_rgb

_MAX_COMPARED = 40  # copies: comparing one with its parent takes a twentieth of a second
_SIDE = 128  # pixels: what a fingerprint needs at least


@dataclass(frozen=True)
class Copies:
    """Copies and their parents.

    Attributes:
        by_name: Parent and copy, known by the copy's name.
        by_content: Parent and copy, known by their content.
        compared: How many of those known by name were compared with their parents.
        confirmed: How many of these show their parents, turned by up to 10 degrees.
    """

    by_name: tuple[tuple[Record, Record], ...] = ()
    by_content: tuple[tuple[Record, Record], ...] = ()
    compared: int = 0
    confirmed: int = 0


def find_copies(
    records: Sequence[Record], fingerprints: Sequence[Fingerprint | None], other_files: Sequence[Path]
) -> Copies:
    """Find copies of images: among them by name; outside the class folders by name or by content.

    Args:
        records: The images.
        fingerprints: The hashes of each.
        other_files: Files outside the class folders.

    Returns:
        The copies, each with its parent.

    Examples:
        >>> find_copies(data.records[:2], [None, None], ()).by_name
        ()
    """
    by_id, by_file = {record.id: record for record in records}, {record.path.name: record for record in records}
    named = [(by_id[record.parent], record) for record in records if record.parent in by_id]
    unknown: list[Path] = []
    for path in other_files:
        if path.suffix.lower() not in SUFFIXES:
            continue
        parent = by_file.get(parent_name(path) or "")
        if parent:
            named.append((parent, _copy_of(parent, path)))
        else:
            unknown.append(path)
    chosen = named[:: max(1, len(named) // _MAX_COMPARED)][:_MAX_COMPARED]
    confirmed = sum(correlate_turned(copy, parent) >= MIN_CORRELATION for parent, copy in chosen)
    return Copies(tuple(named), tuple(_find_by_content(records, fingerprints, unknown)), len(chosen), confirmed)


def _find_by_content(
    records: Sequence[Record], fingerprints: Sequence[Fingerprint | None], files: Sequence[Path]
) -> list[tuple[Record, Record]]:
    if not files:
        return []
    paths = [*(record.path for record in records), *files]
    pairs = find_near_duplicates(paths, [*fingerprints, *map(_read_fingerprint, files)])
    parents: dict[int, Record] = {}
    for pair in pairs:
        if pair.first < len(records) <= pair.second:
            parents.setdefault(pair.second, records[pair.first])
    return [(parent, _copy_of(parent, paths[index])) for index, parent in parents.items()]


def _read_fingerprint(path: Path) -> Fingerprint | None:
    try:
        return fingerprint(load_rgb(path, (_SIDE, _SIDE)))
    except ImageError:
        return None


def _copy_of(parent: Record, path: Path) -> Record:
    return replace(parent, id=f"{path.parent.name}/{path.name}", path=path, parent=parent.id)
