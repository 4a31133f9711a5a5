"""Overlap: how many images of a dataset are in sets that an index knows, and what that means."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from melanoma_detect import taxonomy
from melanoma_detect.data.known_images.index import Facts, KnownImages
from melanoma_detect.data.known_images.index_file import read_index, unpack_index
from melanoma_detect.data.record import Record
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.perceptual_hash import Codes, Fingerprint
from melanoma_detect.images.reader import StretchedImage
from melanoma_detect.printable import printable
from melanoma_detect.utils.counts import count_noun, is_or_are

# Indexes beside the shipped one; or None to look nothing up.
Known: TypeAlias = "KnownImages | str | os.PathLike[str] | Sequence[KnownImages | str | os.PathLike[str]] | None"

_SHIPPED = "public.known"
_EXPECTED = "expected an index that md.fingerprint made, the path of its .known file, a list of them, or None"


@dataclass(frozen=True)
class Overlap:
    """The images of a dataset that are in known sets.

    Attributes:
        images: How many images were looked up.
        sets: The positions of the images that are in each set, by its name; the largest set first.
        held_out: For each set, how many of its images here the default detector was not trained on.
        other_diagnosis: For each set, the positions of the images that have another diagnosis there; sets without one are
            left out.

    Examples:
        >>> index = md.fingerprint(isic9, name="ours", progress=False)
        >>> overlap = find_overlap(data.records[:3], index, [None] * 3)
        >>> print(overlap)
        3 of 3 images are in ours
    """

    images: int
    sets: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    held_out: Mapping[str, int] = field(default_factory=dict)
    other_diagnosis: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.sets)

    def __str__(self) -> str:
        parts = [self._describe(name, positions) for name, positions in self.sets.items()]
        return "; ".join([*parts, *filter(None, [self.describe_other_diagnoses()])])

    @property
    def positions(self) -> tuple[int, ...]:
        """The positions of all images that are in any set."""
        return tuple(sorted({position for own in self.sets.values() for position in own}))

    def describe_other_diagnoses(self) -> str:
        """Say which images have another diagnosis in a known set.

        Returns:
            A sentence with counts; empty where there is none.

        Examples:
            >>> Overlap(3, {"ISIC 2019": (0, 1)}, {}, {"ISIC 2019": (1,)}).describe_other_diagnoses()
            '1 is in ISIC 2019 under another diagnosis'
        """
        return "; ".join(
            f"{len(own):,} {is_or_are(len(own))} in {printable(name)} under another diagnosis"
            for name, own in self.other_diagnosis.items()
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain values.

        Returns:
            `images`, and for each set `images`, `held_out` and `other_diagnosis`.

        Examples:
            >>> Overlap(3, {"ours": (0, 1)}).to_dict()
            {'images': 3, 'sets': {'ours': {'images': 2, 'held_out': 0, 'other_diagnosis': 0}}}
        """
        sets = {
            name: {
                "images": len(own),
                "held_out": self.held_out.get(name, 0),
                "other_diagnosis": len(self.other_diagnosis.get(name, ())),
            }
            for name, own in self.sets.items()
        }
        return {"images": self.images, "sets": sets}

    def _describe(self, name: str, positions: Sequence[int]) -> str:
        text = (
            f"{len(positions):,} of {count_noun(self.images, 'image')} {is_or_are(len(positions))} in {printable(name)}"
        )
        held_out = self.held_out.get(name, 0)
        return f"{text}, {held_out:,} of them in the held-out part of the default detector" if held_out else text


def find_overlap(
    records: Sequence[Record], index: KnownImages, fingerprints: Sequence[Fingerprint | Codes | None]
) -> Overlap:
    """Find which images of a dataset are in the sets of an index.

    Args:
        records: The images.
        index: The index.
        fingerprints: The hashes of each, or the codes to look up; None where it has none.

    Returns:
        The overlap.

    Examples:
        >>> bool(find_overlap(data.records[:3], KnownImages.of([]), [None] * 3))
        False
    """
    # Not by the ids in the names of files: a name is no evidence of what a file shows.
    matches = index.find(fingerprints, digests=[record.digest for record in records])
    sets: dict[str, list[int]] = {}
    other: dict[str, list[int]] = {}
    held_out: Counter[str] = Counter()
    for position, (record, own) in enumerate(zip(records, matches, strict=True)):
        facts = [index.facts_of(match.entry) for match in own]
        # An index that others made knows nothing of the default detector, and does not contradict what the shipped one says.
        is_held_out = {one.use for one in facts if one.use} == {"held out"}
        for name, labels in _labels_by_set(facts).items():
            sets.setdefault(name, []).append(position)
            if is_held_out:
                held_out[name] += 1
            if _is_another(record.label, labels):
                other.setdefault(name, []).append(position)
    order = sorted(sets, key=lambda name: (-len(sets[name]), name))
    return Overlap(
        images=len(records),
        sets={name: tuple(sets[name]) for name in order},
        held_out={name: held_out[name] for name in order},
        other_diagnosis={name: tuple(other[name]) for name in order if name in other},
    )


def codes_to_look_up(
    records: Sequence[Record], scanned: Callable[[Path | StretchedImage], Fingerprint | None]
) -> list[Fingerprint | Codes | None]:
    """Return the hashes by which images are looked up, without reading a file again.

    Args:
        records: The images.
        scanned: Returns the hashes of a file that has been scanned, as `ScanCache.fingerprint_of` does; None for others.

    Returns:
        All hashes of a file; of one that has not been scanned the code that its record has; None where it has none.

    Examples:
        >>> [codes.shape for codes in codes_to_look_up(data.records[:1], lambda image: None)]
        [(1, 32)]
    """
    return [scanned(record.image) or _code_of(record) for record in records]


def known_images(known: Known = ()) -> KnownImages:
    """Return the index of public images that the package ships, with further indexes joined to it.

    Args:
        known: Further indexes, or the paths of their files; None for no index at all, not even the shipped one.

    Returns:
        The index.

    Raises:
        DatasetError: A file cannot be read, or is no index; or it is none of these.

    Examples:
        >>> "HAM10000" in known_images().sets, len(known_images(None))
        (True, 0)
    """
    if known is None:
        return KnownImages.of([])
    further = [known] if isinstance(known, (KnownImages, str, os.PathLike)) else known
    if isinstance(further, (bytes, Mapping)) or not isinstance(further, Iterable):
        raise DatasetError(f"known={known!r:.80}; {_EXPECTED}")
    index = _read_shipped()
    for one in further:
        index |= one if isinstance(one, KnownImages) else _read(one)
    return index


def _read(path: Any) -> KnownImages:
    if not isinstance(path, (str, os.PathLike)) or path == "":
        raise DatasetError(f"known={path!r:.80}; {_EXPECTED}")
    return read_index(path)


def _code_of(record: Record) -> Codes | None:
    return np.frombuffer(bytes.fromhex(record.fingerprint), np.uint8)[None] if record.fingerprint else None


@cache
def _read_shipped() -> KnownImages:
    return unpack_index(files("melanoma_detect.shipped").joinpath(_SHIPPED).read_bytes())


def _labels_by_set(facts: Sequence[Facts]) -> dict[str, set[str]]:
    labels: dict[str, set[str]] = {}
    for one in facts:
        for own in one.memberships:
            labels.setdefault(own.set, set()).add(own.label)
    return labels


def _is_another(label: str, published: set[str]) -> bool:
    """Return whether a label means another diagnosis than every label that an image has in a set."""
    if not taxonomy.is_known(label) or not all(map(taxonomy.is_known, published)):
        return False
    return not any(taxonomy.meaning(label) & taxonomy.meaning(other) for other in published)
