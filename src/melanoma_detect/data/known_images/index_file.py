"""The file of an index of known images: written whole, and checked when it is read, since others may have made it.

A file is, in this order: the mark `MDKNOWN1`; the length of the header, uint32; the header, JSON; the body, compressed with
zlib; the SHA-256 of all that. Numbers are little-endian. The body is the perceptual hashes (32 bytes an entry), the prefixes
of the SHA-256 (8 bytes), the rows of facts (uint16), and the ids as UTF-8 text, one a line. About 40 bytes an entry.
"""

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from melanoma_detect.data.known_images.index import DIGEST_BYTES, Facts, KnownImages, Membership
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import check_output
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import open_regular

SUFFIX = ".known"
_MARK = b"MDKNOWN1"
_LENGTH = struct.Struct("<I")
_CHECKSUM = hashlib.sha256().digest_size
_CODE_BYTES = 32
_ENTRY = _CODE_BYTES + DIGEST_BYTES + 2
_MAX_ENTRIES = 20_000_000
_MAX_ID = 100  # bytes, on average
_MAX_HEADER = 16 * 2**20
_MAX_FACTS = 2**16
_MAX_TEXT = 1000  # characters of a name
_ADVICE = "make it again with melanoma-detect fingerprint, or ask for the file again"


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
    out = check_index_output(path, overwrite=overwrite)
    with atomic_file(out, overwrite=overwrite) as partial:
        partial.write_bytes(pack_index(index))
    return out


def check_index_output(
    path: "str | os.PathLike[str]", *, overwrite: bool, inputs: "Iterable[str | os.PathLike[str]]" = ()
) -> Path:
    """Raise OutputError unless an index can be written to a path, before the work that it takes to make one.

    Args:
        path: The file.
        overwrite: Whether to replace a file of this name.
        inputs: What is read, and never overwritten.

    Returns:
        The path, with `~` expanded.

    Raises:
        OutputError: It exists, is an input, has another suffix, or its folder cannot be written to.

    Examples:
        >>> check_index_output("ours.known", overwrite=False).name
        'ours.known'
    """
    return check_output(path, overwrite=overwrite, inputs=inputs, suffixes=[SUFFIX])


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
    content = _MARK + _LENGTH.pack(len(header)) + header + zlib.compress(body, 9)
    return content + hashlib.sha256(content).digest()


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
    file = expand_path(path)
    try:
        with open_regular(file, DatasetError) as opened:
            content = opened.read()
    except OSError as error:
        raise DatasetError(
            f"{file}: cannot be read ({error.strerror}); expected an index of known images, a file that ends in {SUFFIX}"
        ) from error
    try:
        return unpack_index(content)
    except ValueError as error:
        raise DatasetError(f"{file}: {error}; {_ADVICE}") from error


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
    start = len(_MARK) + _LENGTH.size
    if not content.startswith(_MARK) or len(content) < start + _CHECKSUM:
        raise ValueError(f"is no index of known images; expected a file that begins with {_MARK.decode()}")
    content, checksum = content[:-_CHECKSUM], content[-_CHECKSUM:]
    if hashlib.sha256(content).digest() != checksum:
        raise ValueError("is damaged: its checksum does not fit its content")
    (length,) = _LENGTH.unpack(content[len(_MARK) : start])
    if length > min(_MAX_HEADER, len(content) - start):
        raise ValueError(f"is damaged: its header of {length} bytes does not fit in it")
    entries, facts = _read_header(content[start : start + length])
    body = _decompress(content[start + length :], entries * (_ENTRY + _MAX_ID))
    return _read_body(body, entries, facts)


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


def _decompress(body: bytes, limit: int) -> bytes:
    """Decompress no more than an honest file holds: a small one may name gigabytes."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise ValueError(f"is damaged: its body cannot be decompressed ({error})") from error
    if len(content) > limit or not stream.eof or stream.unused_data:
        raise ValueError("is damaged: its body has another length than its header says")
    return content


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
