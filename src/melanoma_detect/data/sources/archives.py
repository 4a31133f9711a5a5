"""Zip archives of images, unpacked safely: nothing outside the folder, nothing over a limit, completely or not at all."""

import hashlib
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from melanoma_detect.data.scan import digest
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.files import atomic_folder, cache_folder, convert_write_errors, is_hidden
from melanoma_detect.utils.regular_files import open_regular

MAX_BYTES = 64 * 2**30
MAX_FILES = 5_000_000
_MAX_RATIO = 200  # images hardly shrink; an archive that shrinks by more is made to fill a disk
_LAYOUT = "2"  # how members become files; a folder that was unpacked in another way is not used again
_UTF8_FLAG = 0x800
_CHUNK = 2**20
_MAX_PATH, _MAX_NAME = 2048, 255  # bytes; with the cache before it, systems take 4096
# What zipfile and the decompressors raise for damaged, encrypted and unknown members.
_ERRORS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, ValueError, EOFError, OSError)


def unpack(archive: Path) -> Path:
    """Unpack a zip archive into this library's cache, once.

    Hidden files and what systems add to archives are left out.

    Args:
        archive: A zip file.

    Returns:
        The folder with its files.

    Raises:
        DatasetError: It is not a zip file, is damaged, encrypted, holds a link, a path outside itself or two files of one
            name, or a name that no file can have, or has over 64 GiB, 5 million files, or 200 times its own size unpacked.
        OutputError: The cache cannot be written.

    Examples:
        >>> with zipfile.ZipFile("images.zip", "w") as archive:
        ...     archive.write(isic9 / "metadata.csv", "set/metadata.csv")
        >>> sorted(path.name for path in unpack(Path("images.zip")).iterdir())
        ['set']
    """
    try:
        opened = open_regular(archive, DatasetError)
    except OSError as error:
        raise _unsound(archive, error) from error
    with opened:
        return _unpack(archive, opened)


def _unpack(archive: Path, opened: BinaryIO) -> Path:
    try:
        file = zipfile.ZipFile(opened)
    except _ERRORS as error:
        raise _unsound(archive, error) from error
    with file:
        members = [member for member in file.infolist() if not member.filename.endswith("/")]
        _check_size(archive, members)
        targets = _targets(archive, members)
        folder = cache_folder("archives") / hashlib.sha256((_LAYOUT + digest(archive)).encode()).hexdigest()[:24]
        if not folder.is_dir():
            with convert_write_errors(folder), atomic_folder(folder) as partial:
                for path, member in targets.items():
                    _extract(archive, file, member, partial / path)
    return folder


def _unsound(archive: Path, error: Exception) -> DatasetError:
    return DatasetError(f"{archive}: cannot be unpacked ({error}); expected a sound, unencrypted zip file")


def _extract(archive: Path, file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        for chunk in _read(archive, file, member):
            out.write(chunk)


def _read(archive: Path, file: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    # Only what reading raises is the archive's fault; bz2 raises OSError for damaged data, as a full disk does.
    try:
        with file.open(member) as data:
            while chunk := data.read(_CHUNK):
                yield chunk
    except _ERRORS as error:
        raise _unsound(archive, error) from error


def _check_size(archive: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    total = sum(member.file_size for member in members)
    packed = max(archive.stat().st_size, 1)
    if len(members) > MAX_FILES or total > MAX_BYTES or total > _MAX_RATIO * packed + 2**20:
        raise DatasetError(
            f"{archive}: {len(members)} files of {total / 2**20:.0f} MiB from {packed / 2**20:.1f} MiB; expected at most "
            f"{MAX_FILES} files, {MAX_BYTES // 2**30} GiB and {_MAX_RATIO} times the archive's size; unpack it yourself if you "
            "trust it"
        )


def _targets(archive: Path, members: Sequence[zipfile.ZipInfo]) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Return the path that each member is unpacked to."""
    targets: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for member in members:
        path = PurePosixPath(_name(member).replace("\\", "/"))  # some Windows programs write backslashes
        if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
            raise DatasetError(
                f"{archive}: member {member.filename!r} lies outside the archive; do not trust this file"
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DatasetError(f"{archive}: member {member.filename!r} is a link; expected images and tables only")
        if not member.filename or not _fits(path):
            raise DatasetError(
                f"{archive}: holds a member {member.filename[:60]!r} without a name, or with one that is too long for a file; "
                "unpack it yourself, and rename it"
            )
        if not path.parts or any(map(is_hidden, path.parts)):  # "." is the folder itself
            continue
        twin = targets.setdefault(path, member)
        if (twin.CRC, twin.file_size) != (member.CRC, member.file_size):
            raise DatasetError(
                f"{archive}: holds two different files named {path}; unpack it yourself, and rename one of them"
            )
    for path in targets:
        if both := next((parent for parent in path.parents if parent in targets), None):
            raise DatasetError(
                f"{archive}: {both} is both a file and a folder; unpack it yourself, and rename one of them"
            )
    return targets


def _fits(path: PurePosixPath) -> bool:
    """Return whether a file system takes a path."""
    return len(os.fsencode(path)) <= _MAX_PATH and all(len(os.fsencode(part)) <= _MAX_NAME for part in path.parts)


def _name(member: zipfile.ZipInfo) -> str:
    """Return the name of a member. Without the flag for UTF-8, zipfile reads code page 437; macOS writes UTF-8 all the same."""
    if member.flag_bits & _UTF8_FLAG or member.filename.isascii():
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename
