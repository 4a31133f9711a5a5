"""KnownImages: an index of fingerprints that says which images of a folder are in a set that others know."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DatasetError
from melanoma_detect.images.hash_search import HashSearch
from melanoma_detect.images.perceptual_hash import SAME_BITS, Codes, Fingerprint
from melanoma_detect.printable import printable
from melanoma_detect.utils.counts import count_noun

DIGEST_BYTES = 8  # of SHA-256: among a billion files, the chance that any two agree is 3 %
_MAX_FACTS = 2**16
NO_DIGEST = bytes(DIGEST_BYTES)
_ARCHIVE_ID = re.compile(r"(ISIC_\d{7})(?!\d)")

_Key = TypeVar("_Key", bytes, str)
MatchedBy: TypeAlias = Literal["bytes", "hash", "id"]


class Membership(NamedTuple):
    """A set that an image is in.

    Attributes:
        set: The name of the set.
        label: The image's label there, as published; empty where it has none.
        split: Its split there; empty where the set has none.
    """

    set: str
    label: str = ""
    split: str = ""


class Facts(NamedTuple):
    """What an index knows of an image.

    Attributes:
        memberships: The sets that it is in.
        use: What a detector of this library's has to do with it: `"trained on"` or `"held out"` of the default detector; empty
            where that is not known.
    """

    memberships: tuple[Membership, ...]
    use: str = ""


class KnownImage(NamedTuple):
    """One entry of an index. An image has several where its whole and its centre crop look different.

    Attributes:
        code: Its perceptual hash, 32 bytes.
        digest: The first 8 bytes of the SHA-256 of its file; zeros where the published file is not known.
        id: Its id in its archive; empty where it has none that is public.
        facts: What is known of it.
    """

    code: bytes
    digest: bytes
    id: str
    facts: Facts


class Match(NamedTuple):
    """An entry of the index that an image agrees with.

    Attributes:
        entry: Its position in the index.
        by: `"bytes"`: the same file; `"hash"`: the same image, at most turned, mirrored, cropped to its centre, rescaled or
            compressed again; `"id"`: a file of the same ISIC id.
        bits: By how many of 256 bits the perceptual hashes differ; 0 where they were not compared.
    """

    entry: int
    by: MatchedBy
    bits: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class KnownImages:
    """An index of fingerprints: perceptual hash, SHA-256 prefix, sets, labels, splits and archive ids. It holds no image.

    `md.fingerprint` makes one of a folder, and `first | second` joins two. A hash keeps the signs of 255 coarse frequencies of
    grey levels: where it is lighter and darker, in patches of a sixteenth of the image's side, and no colour or detail.

    Attributes:
        codes: Perceptual hashes, uint8 `(n, 32)`, ascending.
        digests: The first bytes of the SHA-256 of each file, uint8 `(n, 8)`.
        ids: Archive ids.
        facts: What is known of the images, each once.
        rows: For each entry the position of its facts, uint16 `(n,)`.

    Examples:
        >>> md.fingerprint(isic9, name="ours", progress=False)
        <KnownImages of ours: ... entries>
    """

    codes: Codes
    digests: NDArray[np.uint8]
    ids: tuple[str, ...]
    facts: tuple[Facts, ...]
    rows: NDArray[np.uint16]

    @classmethod
    def of(cls, images: Iterable[KnownImage]) -> "KnownImages":
        """Make an index of entries. Entries of one hash, digest and id become one, with the sets of all.

        Args:
            images: The entries.

        Returns:
            The index, in an order that does not depend on theirs.

        Raises:
            DatasetError: They have over 65,536 combinations of sets, labels and splits.

        Examples:
            >>> image = KnownImage(bytes(32), bytes(8), "a", Facts((Membership("ours", "nevus"),)))
            >>> len(KnownImages.of([image, image]))
            1
        """
        joined: dict[tuple[bytes, str, bytes], list[Facts]] = defaultdict(list)
        for image in images:
            joined[image.code, image.id, image.digest].append(image.facts)
        keys = sorted(joined)
        facts = [_join(joined[key]) for key in keys]
        unique = sorted(set(facts))
        if len(unique) > _MAX_FACTS:
            raise DatasetError(
                f"the images have {len(unique):,} combinations of sets, labels and splits; expected at most {_MAX_FACTS:,}: "
                "make several indexes"
            )
        position = {own: number for number, own in enumerate(unique)}
        return cls(
            codes=_to_array([code for code, _, _ in keys], 32),
            digests=_to_array([digest for _, _, digest in keys], DIGEST_BYTES),
            ids=tuple(id_ for _, id_, _ in keys),
            facts=tuple(unique),
            rows=np.array([position[own] for own in facts], dtype=np.uint16),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[KnownImage]:
        for code, digest, id_, row in zip(self.codes, self.digests, self.ids, self.rows, strict=True):
            yield KnownImage(code.tobytes(), digest.tobytes(), id_, self.facts[row])

    def __or__(self, other: "KnownImages") -> "KnownImages":
        return KnownImages.of([*self, *other])

    def __repr__(self) -> str:
        return f"<KnownImages of {printable(', '.join(self.sets)) or 'no set'}: {count_noun(len(self), 'entry', 'entries')}>"

    @property
    def sets(self) -> tuple[str, ...]:
        """The names of its sets, sorted."""
        return tuple(sorted({own.set for facts in self.facts for own in facts.memberships}))

    def facts_of(self, entry: int) -> Facts:
        """Return what is known of an entry.

        Args:
            entry: Its position.

        Returns:
            Its facts.

        Examples:
            >>> image = KnownImage(bytes(32), bytes(8), "a", Facts((Membership("ours", "nevus"),)))
            >>> KnownImages.of([image]).facts_of(0).memberships[0].label
            'nevus'
        """
        return self.facts[int(self.rows[entry])]

    def find(
        self,
        fingerprints: Sequence[Fingerprint | Codes | None],
        *,
        digests: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
    ) -> list[tuple[Match, ...]]:
        """Find images in the index: by the bytes of their files, by their perceptual hashes, and by ISIC ids in their names.

        Args:
            fingerprints: The hashes of each image; or the codes to look up, uint8 `(m, 32)`; None where it has none.
            digests: The SHA-256 of each file, in hexadecimal digits, or anything else where it is not known; None to compare no
                bytes.
            names: The name of each file; None to compare no ids.

        Returns:
            For each image the entries that it agrees with, in order; mostly none.

        Examples:
            >>> index = md.fingerprint(isic9, name="ours", progress=False)
            >>> matches = index.find([None], digests=[data.records[0].digest])
            >>> index.facts_of(matches[0][0].entry).memberships[0].set
            'ours'
        """
        found: list[dict[int, Match]] = [{} for _ in fingerprints]
        for number, name in enumerate(names or ()):
            for entry in self._by_id.get(archive_id(name), ()):
                found[number][entry] = Match(entry, "id")
        for number, match in self._find_hashes(fingerprints):
            earlier = found[number].get(match.entry)
            if earlier is None or earlier.by == "id" or match.bits < earlier.bits:
                found[number][match.entry] = match
        for number, digest in enumerate(digests or ()):
            for entry in self._by_digest.get(_prefix_of(digest), ()):
                found[number][entry] = Match(entry, "bytes")
        return [tuple(own[entry] for entry in sorted(own)) for own in found]

    def _find_hashes(self, fingerprints: Sequence[Fingerprint | Codes | None]) -> Iterator[tuple[int, Match]]:
        known = [(number, _queries(own)) for number, own in enumerate(fingerprints) if own is not None]
        if not known:
            return
        owners = np.repeat([number for number, _ in known], [len(queries) for _, queries in known])
        near = self._search.find(np.concatenate([queries for _, queries in known]), radius=SAME_BITS)
        for query, entry, bits in zip(near.query.tolist(), near.code.tolist(), near.bits.tolist(), strict=True):
            yield int(owners[query]), Match(entry, "hash", bits)

    @cached_property
    def _search(self) -> HashSearch:
        return HashSearch(self.codes)

    @cached_property
    def _by_digest(self) -> dict[bytes, list[int]]:
        known = np.flatnonzero(self.digests.any(axis=1)).tolist()
        return positions_by_key((self.digests[entry].tobytes(), entry) for entry in known)

    @cached_property
    def _by_id(self) -> dict[str, list[int]]:
        return positions_by_key((id_, entry) for entry, id_ in enumerate(self.ids) if archive_id(id_))


def archive_id(name: str) -> str:
    """Return the ISIC id in a file's name, which is the same in every copy of the archive's sets.

    Args:
        name: A file's name.

    Returns:
        The id; empty where there is none.

    Examples:
        >>> archive_id("ISIC_0024306_downsampled.jpg"), archive_id("IMG_0024306.jpg")
        ('ISIC_0024306', '')
    """
    found = _ARCHIVE_ID.search(name)
    return found[1] if found else ""


def positions_by_key(pairs: Iterable[tuple[_Key, int]]) -> dict[_Key, list[int]]:
    """Return where each key is found.

    Args:
        pairs: Keys with their positions.

    Returns:
        The positions of each key, in order.

    Examples:
        >>> positions_by_key([("a", 0), ("b", 1), ("a", 2)])
        {'a': [0, 2], 'b': [1]}
    """
    positions: dict[_Key, list[int]] = defaultdict(list)
    for key, position in pairs:
        positions[key].append(position)
    return dict(positions)


def _join(facts: Sequence[Facts]) -> Facts:
    memberships = sorted({own for one in facts for own in one.memberships})
    return Facts(tuple(memberships), max(one.use for one in facts))


def _queries(fingerprint: Fingerprint | Codes) -> Codes:
    return fingerprint.queries if isinstance(fingerprint, Fingerprint) else fingerprint


def _prefix_of(digest: str) -> bytes:
    try:
        return bytes.fromhex(digest)[:DIGEST_BYTES]
    except ValueError:  # records may be made by hand, with a digest that is none
        return b""


def _to_array(values: Sequence[bytes], width: int) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(values), np.uint8).reshape(len(values), width)
