"""Copies that someone made before: Augmentor's output among the images as they came."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from melanoma_detect.data.record import Record

# Augmentor saves "melanoma_original_ISIC_0000002.jpg_1f3e....jpg": class, parent's file name, a random number.
_NAME = re.compile(r"_original_(?P<parent>.+?\.\w{3,4})_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.\w+$", re.IGNORECASE)


def parent_name(path: Path) -> str | None:
    """Return the file that an image was made from, as its name says in Augmentor's way.

    Args:
        path: An image file.

    Returns:
        The parent's file name, or None for an image that came as it is.

    Examples:
        >>> parent_name(Path("output/nevus_original_ISIC_0000001.jpg_03c4ba74-dc5c-4f4e-9b23-0c1f7d8a9e10.jpg"))
        'ISIC_0000001.jpg'
    """
    found = _NAME.search(path.name)
    return found["parent"] if found else None


def find_parents(records: Sequence[Record]) -> list[Record]:
    """Name the parents of copies that Augmentor made and that stand among the images.

    Args:
        records: The records as they were read.

    Returns:
        The same, in order; copies whose parent is there name it. One of their own class and split goes before others.

    Examples:
        >>> parent = data.records[0]
        >>> name = f"x_original_{parent.path.name}_03c4ba74-dc5c-4f4e-9b23-0c1f7d8a9e10.jpg"
        >>> copy = replace(parent, id="copy", path=parent.path.with_name(name))
        >>> find_parents([parent, copy])[1].parent == parent.id
        True
    """
    by_name: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_name[record.path.name].append(record)
    return [_with_parent(record, by_name) for record in records]


def _with_parent(record: Record, by_name: dict[str, list[Record]]) -> Record:
    candidates = by_name.get(parent_name(record.path) or "", [])
    if not candidates:
        return record
    best = max(candidates, key=lambda other: (other.label == record.label, other.split == record.split))
    return replace(record, parent=best.id)
