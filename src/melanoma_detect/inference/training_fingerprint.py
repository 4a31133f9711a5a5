"""The fingerprint of the training data: which images a detector was trained on, so that it is not evaluated on them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.images.perceptual_hash import SAME_BITS
from melanoma_detect.inference.value_checks import check_list, check_text

if TYPE_CHECKING:
    from melanoma_detect.data.record import Record

_HASH = re.compile(r"[0-9a-fA-F]{64}")
_ISIC_ID = re.compile(r"(ISIC_\d{7})(?!\d)")


@dataclass(frozen=True)
class TrainingFingerprint:
    """Identifiers of the training images, which recognise these images without storing them.

    Attributes:
        digests: SHA-256 of each file.
        ids: ISIC image ids and HAM10000 lesion ids, which are the same in every copy of these collections.
        fingerprints: Perceptual hashes, 64 hexadecimal digits each.
    """

    digests: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()

    @classmethod
    def of(cls, records: "Iterable[Record]") -> "TrainingFingerprint":
        """Collect the identifiers of records.

        Args:
            records: The images that a detector was trained and calibrated on.

        Returns:
            Their fingerprint.

        Examples:
            >>> len(TrainingFingerprint.of(data.train).digests) == len({record.digest for record in data.train})
            True
        """
        records = tuple(records)
        return cls(
            frozenset(record.digest for record in records),
            frozenset(id_ for record in records for id_ in _ids(record)),
            frozenset(record.fingerprint for record in records if record.fingerprint),
        )

    def __or__(self, other: "TrainingFingerprint") -> "TrainingFingerprint":
        return TrainingFingerprint(
            self.digests | other.digests, self.ids | other.ids, self.fingerprints | other.fingerprints
        )

    def __len__(self) -> int:
        return len(self.digests)

    def __bool__(self) -> bool:
        # A detector's file may leave out the digests, which say no more than the hashes.
        return bool(self.digests or self.ids or self.fingerprints)

    def contains(self, records: "Iterable[Record]") -> NDArray[np.bool_]:
        """Return which images show an image or a lesion of the training data.

        Args:
            records: The images.

        Returns:
            bool `(n,)`: True for the same bytes, the same ISIC image id or HAM10000 lesion id, or a perceptual hash within
            24 of 256 bits, as `load_dataset` finds near duplicates.

        Examples:
            >>> bool(TrainingFingerprint.of(data.train).contains(data.train).all())
            True
        """
        records = tuple(records)
        known = np.array(
            [record.digest in self.digests or bool(self.ids.intersection(_ids(record))) for record in records],
            dtype=np.bool_,
        )
        return known | self._are_near_duplicates([record.fingerprint for record in records])

    def to_dict(self) -> dict[str, list[str]]:
        """Return plain lists, as the detector's file holds them.

        Returns:
            Sorted lists by name.
        """
        return {name: sorted(getattr(self, name)) for name in ("digests", "ids", "fingerprints")}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainingFingerprint":
        """Return a fingerprint from what `to_dict` returned.

        Args:
            values: Lists by name.

        Returns:
            The fingerprint.

        Raises:
            KeyError: A list is missing.
            TypeError: It is no list of texts.
            ValueError: A perceptual hash has not 64 hexadecimal digits.
        """
        names = ("digests", "ids", "fingerprints")
        lists = {name: [check_text(text, name) for text in check_list(values[name], name)] for name in names}
        if not all(map(_HASH.fullmatch, lists["fingerprints"])):
            raise ValueError("fingerprints has values that are not 64 hexadecimal digits")
        return cls(*map(frozenset, lists.values()))

    def _are_near_duplicates(self, fingerprints: list[str]) -> NDArray[np.bool_]:
        # A prediction never comes here, and must not wait for the import of faiss.
        from melanoma_detect.data.near_duplicates import near_any  # noqa: PLC0415

        near = np.zeros(len(fingerprints), dtype=np.bool_)
        hashed = [index for index, fingerprint in enumerate(fingerprints) if fingerprint]
        known, queries = _bits(sorted(self.fingerprints)), _bits([fingerprints[index] for index in hashed])
        near[hashed] = near_any(known, queries, radius=SAME_BITS)
        return near


def _bits(fingerprints: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(fingerprints)), np.uint8).reshape(len(fingerprints), 32)


def _ids(record: "Record") -> list[str]:
    isic = _ISIC_ID.search(record.path.name)
    lesion = record.metadata.get("lesion_id", "")
    # Lesion ids of other collections may be plain numbers, which mean another lesion elsewhere.
    return [*([isic[1]] if isic else []), *([lesion] if lesion.startswith("HAM_") else [])]
