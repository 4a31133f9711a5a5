"""The fingerprint of the training data: which images a detector has seen, so that nobody measures it on them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from melanoma_detect.data.record import Record

_ARCHIVE = re.compile(r"(ISIC_\d{7})(?!\d)")


@dataclass(frozen=True)
class TrainingFingerprint:
    """What tells the images of a training apart, without the images.

    Attributes:
        digests: SHA-256 of each file.
        ids: Names in the ISIC archive, and names of lesions: the ones that mean the same in every copy of a collection.
        fingerprints: Perceptual hashes, 64 hexadecimal digits each.
    """

    digests: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()

    @classmethod
    def of(cls, records: "Iterable[Record]") -> "TrainingFingerprint":
        """Collect what tells records apart.

        Args:
            records: The images that a detector was trained and calibrated on.

        Returns:
            Their fingerprint.

        Examples:
            >>> len(TrainingFingerprint.of(data.train).digests) == len({record.digest for record in data.train})
            True
        """
        kept = tuple(records)
        return cls(
            frozenset(record.digest for record in kept),
            frozenset(name for record in kept for name in _names(record)),
            frozenset(record.fingerprint for record in kept if record.fingerprint),
        )

    def __or__(self, other: "TrainingFingerprint") -> "TrainingFingerprint":
        return TrainingFingerprint(
            self.digests | other.digests, self.ids | other.ids, self.fingerprints | other.fingerprints
        )

    def __len__(self) -> int:
        return len(self.digests)

    def holds(self, records: "Iterable[Record]") -> NDArray[np.bool_]:
        """Say which images, or which lesions, a detector has seen.

        Args:
            records: The images.

        Returns:
            `(n,)`: True for the same bytes, the same name in the ISIC archive or of the lesion, or an image that looks the
            same (within 24 of 256 bits, as the gate's).

        Examples:
            >>> bool(TrainingFingerprint.of(data.train).holds(data.train).all())
            True
        """
        kept = tuple(records)
        known = np.array(
            [record.digest in self.digests or bool(self.ids.intersection(_names(record))) for record in kept],
            dtype=np.bool_,
        )
        return known | self._alike([record.fingerprint for record in kept])

    def to_dict(self) -> dict[str, list[str]]:
        """Return plain lists, as the detector's file keeps them.

        Returns:
            Sorted lists by name.
        """
        return {name: sorted(getattr(self, name)) for name in ("digests", "ids", "fingerprints")}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainingFingerprint":
        """Take what `to_dict` gave.

        Args:
            values: Lists by name.

        Returns:
            The fingerprint.

        Raises:
            KeyError: A list is missing.
        """
        return cls(*(frozenset(map(str, values[name])) for name in ("digests", "ids", "fingerprints")))

    def _alike(self, fingerprints: list[str]) -> NDArray[np.bool_]:
        # Who only predicts never comes here, and needs neither faiss nor what compares details.
        from melanoma_detect.data.near_duplicates import SAME  # noqa: PLC0415
        from melanoma_detect.data.neighbours import near_any  # noqa: PLC0415

        found = np.zeros(len(fingerprints), dtype=np.bool_)
        asked = [at for at, code in enumerate(fingerprints) if code]
        known, sought = _codes(sorted(self.fingerprints)), _codes([fingerprints[at] for at in asked])
        found[asked] = near_any(known, sought, radius=SAME)
        return found


def _codes(fingerprints: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(fingerprints)), np.uint8).reshape(len(fingerprints), 32)


def _names(record: "Record") -> list[str]:
    archive = _ARCHIVE.search(record.path.name)
    lesion = record.metadata.get("lesion_id", "")
    return [*([archive[1]] if archive else []), *([lesion] if lesion.startswith("HAM_") else [])]
