"""Which records show one image, and which one lesion or patient: groups that no split may tear apart."""

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from melanoma_detect.data.labels import image_key
from melanoma_detect.data.near_duplicates import Alike
from melanoma_detect.data.record import Record
from melanoma_detect.data.splits import join_groups


class Grouped(NamedTuple):
    """Records with their groups.

    Attributes:
        records: The records in order, each with its group.
        images: For the id of each record, which image it shows.
    """

    records: list[Record]
    images: dict[str, str]


def group(records: Sequence[Record], said: Mapping[str, Sequence[str]], alike: Sequence[Alike]) -> Grouped:
    """Join the records of one image, lesion or patient.

    Args:
        records: The records, with their digests and parents.
        said: For a record's id, the lesion and the patient that a table names.
        alike: Which of the records look the same, by position.

    Returns:
        The records with their groups, directly or by way of others; and which image each shows.

    Examples:
        >>> pairs = [Alike(0, 1, 3, "image"), Alike(1, 2, 40, "lesion")]
        >>> grouped = group(data.records[:3], {}, pairs)
        >>> len({record.group for record in grouped.records}), len(set(grouped.images.values()))
        (1, 2)
    """
    same_image: dict[str, list[Hashable]] = {record.id: _own_keys(record) for record in records}
    same_lesion: dict[str, list[Hashable]] = {
        record.id: [*said.get(record.id, ()), ("copy", record.parent or record.id)] for record in records
    }
    for number, pair in enumerate(alike):
        joined = same_image if pair.kind == "image" else same_lesion
        for at in (pair.first, pair.second):
            joined[records[at].id].append(("alike", number))
    images = {record.id: record.group for record in join_groups(records, same_image)}
    every = {record.id: [*same_image[record.id], *same_lesion[record.id]] for record in records}
    return Grouped(join_groups(records, every), images)


def _own_keys(record: Record) -> list[Hashable]:
    name = image_key(record)
    # A copy carries its parent's name and shows another image.
    return [record.digest, *([("ISIC", name)] if name and not record.parent else [])]
