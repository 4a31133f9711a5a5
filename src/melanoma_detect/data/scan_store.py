"""Scans of files kept on disk, so that a folder that has not changed is not read again.

A scan counts while its file has the same path, size and times, for 90 days. It has a checksum, and lies in one SQLite database
of the cache folder, which several processes may use at once, and which holds up to 1 GB. The store only saves time: where it
cannot be read or written, or is damaged, files are scanned as if there were none.
"""

import contextlib
import hashlib
import os
import sqlite3
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np
import PIL

from melanoma_detect.data.near_duplicates import NearDuplicate
from melanoma_detect.data.properties import Header
from melanoma_detect.data.scan import ImageFile, Scan, file_stamp
from melanoma_detect.images.perceptual_hash import Fingerprint
from melanoma_detect.images.reader import Resize, Size, StretchedImage, min_decode_size
from melanoma_detect.utils.files import cache_folder

T = TypeVar("T")

_SCHEMA = 1  # raise it when a scan of the same file gives another result
_SETTLED = (
    2_000_000_000  # nanoseconds: a file that was changed later than this before its scan may change within one tick
)
_MAX_AGE = 90 * 24 * 3600  # seconds until a file is scanned anew
_MAX_BYTES = 2**30
_PATIENCE = 3.0  # seconds to wait for another process that writes
# What says nothing about the database itself: it is locked or cannot be written, the disk is full, memory is short.
_PASSING = (
    *(
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    ),
    *(
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_PROTOCOL,
    ),
)
_CHUNK = 500  # paths in one query: SQLite takes at most 999 in its older versions
_CODE = 32  # bytes
_HEAD = struct.Struct("<IqqqB32s")  # checksum, stamp, number of queries with 255 for no fingerprint, digest
_FACTS = struct.Struct("<IIq")  # height, width, quantisation
_NO_FINGERPRINT = 255
_TABLES = """
    CREATE TABLE IF NOT EXISTS scans (setting TEXT, path BLOB, stored INTEGER, scan BLOB, PRIMARY KEY (setting, path))
        WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS pairs (files BLOB PRIMARY KEY, stored INTEGER, pairs BLOB);
"""


class ScanStore:
    """The scans on disk.

    Unreadable files are not kept: what is missing to read them may be installed, or given, at any time.

    Args:
        size: `(height, width)` in pixels that files are scanned for.
        resize: How they are brought to that size.
        path: The database; in the cache folder where it is None.

    Examples:
        >>> files = [isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"]
        >>> store = ScanStore((32, 32), "squash", Path("scans.sqlite"))
        >>> store.find(files)
        [None]
    """

    def __init__(self, size: Size, resize: Resize, path: Path | None = None) -> None:
        # A JPEG is decoded at a scale that depends on the size, by a decoder that comes with Pillow.
        self._setting = f"{_SCHEMA} {min_decode_size(size, resize)} Pillow {PIL.__version__}"
        self._path = path

    def find(self, images: Sequence[ImageFile]) -> list[Scan | None]:
        """Find the scans of files that have not changed since.

        Args:
            images: The files.

        Returns:
            The scan of each; None for those that are to be scanned.

        Examples:
            >>> ScanStore((32, 32), "squash").find([])
            []
        """
        names = [_name(image) for image in images]

        def read(database: sqlite3.Connection) -> dict[bytes, bytes]:
            query = "SELECT path, scan FROM scans WHERE setting = ? AND stored > ? AND path IN ({})"
            found: dict[bytes, bytes] = {}
            for start in range(0, len(names), _CHUNK):
                chunk = names[start : start + _CHUNK]
                marks = ",".join("?" * len(chunk))
                found.update(database.execute(query.format(marks), (self._setting, _oldest(), *chunk)))
            return found

        nothing: dict[bytes, bytes] = {}
        rows = self._use(read, default=nothing)
        return [
            _unpack(name, rows[name], image) if name in rows else None
            for name, image in zip(names, images, strict=True)
        ]

    def keep(self, images: Sequence[ImageFile], scans: Sequence[Scan], *, started: int) -> None:
        """Keep the scans of files.

        A file that was changed within two seconds before is not kept: another change within one tick of the file system's clock
        would not show.

        Args:
            images: The files.
            scans: The scan of each.
            started: When the first was scanned, in nanoseconds since 1970.

        Examples:
            >>> ScanStore((32, 32), "squash").keep([], [], started=0)
        """
        now = int(time.time())
        rows = [
            (self._setting, _name(image), now, _pack(_name(image), scan, scan.stamp))
            for image, scan in zip(images, scans, strict=True)
            if scan.error is None and scan.stamp is not None and max(scan.stamp[1:]) < started - _SETTLED
        ]
        if rows:
            self._write("INSERT OR REPLACE INTO scans VALUES (?, ?, ?, ?)", rows)

    def find_pairs(self, images: Sequence[ImageFile], scans: Sequence[Scan]) -> list[NearDuplicate] | None:
        """Return the near duplicates among readable files, where they have been looked for before.

        Args:
            images: The files.
            scans: The scan of each.

        Returns:
            The pairs by position; None where they are not known.

        Examples:
            >>> ScanStore((32, 32), "squash").find_pairs([], []) or "none"
            'none'
        """
        key = self._key(images, scans)

        def read(database: sqlite3.Connection) -> bytes:
            query = "SELECT pairs FROM pairs WHERE files = ? AND stored > ?"
            row = database.execute(query, (key, _oldest())).fetchone()
            return bytes(row[0]) if row else b""

        blob = self._use(read, default=b"")
        if len(blob) % 16 != 4 or zlib.crc32(key + blob[4:]) != int.from_bytes(blob[:4], "little"):
            return None
        rows = np.frombuffer(blob[4:], "<i4").reshape(-1, 4).tolist()
        return [
            NearDuplicate(first, second, bits, "lesion" if lesion else "image") for first, second, bits, lesion in rows
        ]

    def keep_pairs(self, images: Sequence[ImageFile], scans: Sequence[Scan], pairs: Sequence[NearDuplicate]) -> None:
        """Keep the near duplicates among readable files.

        Args:
            images: The files.
            scans: The scan of each.
            pairs: The pairs by position.

        Examples:
            >>> ScanStore((32, 32), "squash", Path("scans.sqlite")).keep_pairs([], [], [])
        """
        key = self._key(images, scans)
        rows = np.array(
            [[pair.first, pair.second, pair.bits, pair.kind == "lesion"] for pair in pairs], "<i4"
        ).tobytes()
        blob = zlib.crc32(key + rows).to_bytes(4, "little") + rows
        self._write("INSERT OR REPLACE INTO pairs VALUES (?, ?, ?)", [(key, int(time.time()), blob)])

    def _key(self, images: Sequence[ImageFile], scans: Sequence[Scan]) -> bytes:
        """Return the key of several files: by their content, wherever they lie."""
        hashed = hashlib.sha256(self._setting.encode())
        for image, scan in zip(images, scans, strict=True):
            hashed.update(f"{scan.digest}{_aspect(image)}\n".encode())
        return hashed.digest()

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        now = int(time.time())

        def write(database: sqlite3.Connection) -> None:
            with database:
                for before in (_oldest(), now + 1):  # what has expired; all, where that is not enough
                    if _size(database) > _MAX_BYTES:
                        database.execute("DELETE FROM scans WHERE stored < ?", (before,))
                        database.execute("DELETE FROM pairs WHERE stored < ?", (before,))
                database.executemany(statement, rows)

        self._use(write, default=None)

    def _use(self, action: Callable[[sqlite3.Connection], T], default: T) -> T:
        """Call an action with the database; without one where there can be none."""
        try:
            path = self._path or cache_folder("scans") / f"scans-{_SCHEMA}.sqlite"
            if not path.is_absolute() and self._path is None:  # no home folder is known
                return default
            path.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(path) and not path.is_file():  # a pipe would be waited for, and a folder cannot be read
                return default
        except (OSError, RuntimeError):
            return default
        try:
            with closing(sqlite3.connect(path, timeout=_PATIENCE)) as database:
                database.executescript(_TABLES)
                return action(database)
        except (sqlite3.Error, OverflowError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING:
                return default
            _remove(path)  # damaged, or another program's: the next scan makes it anew
            return default


def _remove(path: Path) -> None:
    """Delete a database, and the journal by which another one of its name would be changed."""
    for file in (path, path.with_name(f"{path.name}-journal")):
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)


def _oldest() -> int:
    return int(time.time()) - _MAX_AGE


def _size(database: sqlite3.Connection) -> int:
    pages, free, page = (
        database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * page)


def _name(image: ImageFile) -> bytes:
    """Return what a file is known by: its absolute path, and what it is stretched to."""
    return os.fsencode(os.path.abspath(image)) + _aspect(image).encode()  # noqa: PTH100 - also for stretched images


def _aspect(image: ImageFile) -> str:
    return f"@{image.aspect!r}" if isinstance(image, StretchedImage) else ""


def _pack(name: bytes, scan: Scan, stamp: tuple[int, int, int] | None) -> bytes:
    fingerprint, header = scan.fingerprint, scan.header
    queries = _NO_FINGERPRINT if fingerprint is None else len(fingerprint.queries)
    parts = [] if fingerprint is None else [fingerprint.code, fingerprint.orientations, fingerprint.queries]
    content = b"".join(part.tobytes() for part in parts)
    if header:
        facts = _FACTS.pack(header.height, header.width, header.quantisation)
        content += facts + f"{header.format}\0{header.camera}".encode("utf-8", "surrogatepass")
    head = _HEAD.pack(0, *(stamp or (0, 0, 0)), queries, bytes.fromhex(scan.digest))[4:]
    return zlib.crc32(name + head + content).to_bytes(4, "little") + head + content


def _unpack(name: bytes, blob: bytes, image: ImageFile) -> Scan | None:
    """Return a stored scan; None if it is damaged, or if the file has changed since."""
    if len(blob) < _HEAD.size or zlib.crc32(name + blob[4:]) != int.from_bytes(blob[:4], "little"):
        return None
    _, size, modified, changed, queries, digest = _HEAD.unpack_from(blob)
    stamp = size, modified, changed
    if stamp != file_stamp(image):
        return None
    rest, fingerprint, header = blob[_HEAD.size :], None, None
    if queries != _NO_FINGERPRINT:
        codes = np.frombuffer(rest, np.uint8, (9 + queries) * _CODE).reshape(-1, _CODE)
        fingerprint = Fingerprint(codes[0], codes[9:], codes[1:9])
        rest = rest[codes.size :]
    if rest:
        height, width, quantisation = _FACTS.unpack_from(rest)
        kind, camera = rest[_FACTS.size :].decode("utf-8", "surrogatepass").split("\0", 1)
        header = Header(height, width, kind, camera, quantisation)
    return Scan(digest.hex(), None, fingerprint, stamp, header)
