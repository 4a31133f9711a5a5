"""The file of an index of known images: written whole, and checked when it is read, since others may have made it.

A file is, in this order: the mark `MDKNOWN1`; the length of the header, uint32; the header, JSON; the body, compressed with
zlib; the SHA-256 of all that. Numbers are little-endian. The body is the perceptual hashes (32 bytes an entry), the prefixes
of the SHA-256 (8 bytes), the rows of facts (uint16), and the ids as UTF-8 text, one a line. About 40 bytes an entry.
"""

import json
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from melanoma_detect.data.known_images.index import DIGEST_BYTES, Facts, KnownImages, Membership
from melanoma_detect.utils.sealed_file import SealedFile, decompress

_LENGTH = struct.Struct("<I")
_CODE_BYTES = 32
_ENTRY = _CODE_BYTES + DIGEST_BYTES + 2
_MAX_ENTRIES = 20_000_000
_MAX_ID = 100  # bytes, on average
_MAX_HEADER = 16 * 2**20
_MAX_FACTS = 2**16
_MAX_TEXT = 1000  # characters of a name
KNOWN_FILE = SealedFile(
    kind="index of known images",
    suffix=".known",
    mark=b"MDKNOWN1",
    most=_MAX_HEADER + _MAX_ENTRIES * (_ENTRY + _MAX_ID),
    advice="make it again with melanoma-detect fingerprint, or ask for the file again",
)


def write_index(index: KnownImages, path: "str | os.PathLike[str]", *, overwrite: bool = False) -> Path:
    """Write an index to a file.

    Args:
        index: The index.
        path: The file; its name ends in `.known`.
        overwrite: Whether to replace a file of this name.

    Returns:
        The file.

    Raises:
        OutputError: It cannot be written.

    Examples:
        >>> write_index(md.fingerprint(isic9, name="ours", progress=False), "ours.known").name
        'ours.known'
    """
    return KNOWN_FILE.write(pack_index(index), path, overwrite=overwrite)


def pack_index(index: KnownImages) -> bytes:
    """Return an index as the bytes of its file. Equal indexes give equal bytes.

    Args:
        index: The index.

    Returns:
        The bytes.

    Examples:
        >>> pack_index(KnownImages.of([]))[:8]
        b'MDKNOWN1'
    """
    facts = [[[list(own) for own in facts.memberships], facts.use] for facts in index.facts]
    header = json.dumps({"entries": len(index), "facts": facts}, separators=(",", ":")).encode()
    body = b"".join(
        [
            index.codes.tobytes(),
            index.digests.tobytes(),
            index.rows.astype("<u2").tobytes(),
            "\n".join(index.ids).encode("utf-8", "replace"),
        ]
    )
    return KNOWN_FILE.seal([_LENGTH.pack(len(header)), header, zlib.compress(body, 9)])


def read_index(path: "str | os.PathLike[str]") -> KnownImages:
    """Read an index from a file.

    Args:
        path: The file.

    Returns:
        The index.

    Raises:
        DatasetError: It cannot be read, is no index, or is damaged.

    Examples:
        >>> index = md.fingerprint(isic9, name="ours", progress=False)
        >>> len(read_index(write_index(index, "ours.known"))) == len(index)
        True
    """
    return KNOWN_FILE.read(path, unpack_index)


def unpack_index(content: bytes) -> KnownImages:
    """Return the index that the bytes of a file hold.

    Args:
        content: The bytes.

    Returns:
        The index.

    Raises:
        ValueError: They are none of an index, or damaged; the message says what is wrong.

    Examples:
        >>> unpack_index(pack_index(KnownImages.of([])))
        <KnownImages of no set: 0 entries>
    """
    sealed = KNOWN_FILE.unseal(content, least=_LENGTH.size)
    (length,) = _LENGTH.unpack(sealed[: _LENGTH.size])
    rest = sealed[_LENGTH.size :]
    if length > min(_MAX_HEADER, len(rest)):
        raise ValueError(f"is damaged: its header of {length} bytes does not fit in it")
    entries, facts = _read_header(bytes(rest[:length]))
    return _read_body(decompress(rest[length:], entries * (_ENTRY + _MAX_ID), "body"), entries, facts)


def _read_header(header: bytes) -> tuple[int, tuple[Facts, ...]]:
    try:
        values = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise ValueError("is damaged: its header is no JSON") from error
    if not isinstance(values, dict) or set(values) != {"entries", "facts"}:
        raise ValueError("is damaged: its header has not the members entries and facts")
    entries, facts = values["entries"], values["facts"]
    if type(entries) is not int or not 0 <= entries <= _MAX_ENTRIES:
        raise ValueError(f"has {entries!r:.50} entries; expected 0 to {_MAX_ENTRIES:,}")
    if not isinstance(facts, list) or len(facts) > _MAX_FACTS:
        raise ValueError(f"has facts that are no list of at most {_MAX_FACTS:,}")
    return entries, tuple(_read_facts(own) for own in facts)


def _read_facts(values: Any) -> Facts:
    if not isinstance(values, list) or len(values) != 2 or not isinstance(values[0], list) or not _is_text(values[1]):
        raise ValueError(f"has facts of another form ({values!r:.80}); expected a list of sets and a use")
    for own in values[0]:
        if not isinstance(own, list) or len(own) != 3 or not all(map(_is_text, own)) or not own[0]:
            raise ValueError(f"has a set of another form ({own!r:.80}); expected its name, a label and a split")
    return Facts(tuple(Membership(*own) for own in values[0]), values[1])


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT


def _read_body(body: bytes, entries: int, facts: tuple[Facts, ...]) -> KnownImages:
    codes_end = entries * _CODE_BYTES
    digests_end = codes_end + entries * DIGEST_BYTES
    rows_end = digests_end + entries * 2
    if len(body) < rows_end:
        raise ValueError("is damaged: its body has another length than its header says")
    try:
        ids = tuple(body[rows_end:].decode("utf-8").split("\n")) if entries else ()
    except UnicodeDecodeError as error:
        raise ValueError("is damaged: its ids are no UTF-8 text") from error
    if len(ids) != entries:
        raise ValueError(f"has {len(ids)} ids for {entries} entries")
    rows = np.frombuffer(body[digests_end:rows_end], "<u2").astype(np.uint16)
    if entries and int(rows.max()) >= len(facts):
        raise ValueError(f"has an entry with the facts {int(rows.max())}, of which there are {len(facts)}")
    return KnownImages(
        codes=np.frombuffer(body[:codes_end], np.uint8).reshape(entries, _CODE_BYTES),
        digests=np.frombuffer(body[codes_end:digests_end], np.uint8).reshape(entries, DIGEST_BYTES),
        ids=ids,
        facts=facts,
        rows=rows,
    )
