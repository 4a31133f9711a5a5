"""Zip archives of images, unpacked safely: nothing outside the folder, nothing over a limit, completely or not at all."""

import hashlib
import stat
import zipfile
from pathlib import Path, PurePosixPath

from melanoma_detect.data.scan import digest
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.files import atomic_folder, cache_folder, convert_write_errors

MAX_BYTES = 64 * 2**30
MAX_FILES = 5_000_000
_MAX_RATIO = 200  # images hardly shrink; an archive that shrinks by more is made to fill a disk


def unpack(archive: Path) -> Path:
    """Unpack a zip archive into this library's cache, once.

    Args:
        archive: A zip file.

    Returns:
        The folder with its files.

    Raises:
        DatasetError: It is not a zip file, is damaged, encrypted, holds a link or a path outside itself, or has over 64 GiB, 5
            million files, or 200 times its own size unpacked.
        OutputError: The cache cannot be written.

    Examples:
        >>> with zipfile.ZipFile("images.zip", "w") as archive:
        ...     archive.write(isic9 / "metadata.csv", "set/metadata.csv")
        >>> sorted(path.name for path in unpack(Path("images.zip")).iterdir())
        ['set']
    """
    try:
        with zipfile.ZipFile(archive) as file:
            members = [member for member in file.infolist() if not member.is_dir()]
            _check_members(archive, members)
            folder = cache_folder("archives") / hashlib.sha256(digest(archive).encode()).hexdigest()[:24]
            if not folder.is_dir():
                _extract(file, members, folder)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise DatasetError(
            f"{archive}: cannot be unpacked ({error}); expected a sound, unencrypted zip file"
        ) from error
    return folder


def _extract(file: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path) -> None:
    with convert_write_errors(folder), atomic_folder(folder) as partial:
        for member in members:
            file.extract(member, partial)


def _check_members(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    total = sum(member.file_size for member in members)
    packed = max(archive.stat().st_size, 1)
    if len(members) > MAX_FILES or total > MAX_BYTES or total > _MAX_RATIO * packed + 2**20:
        raise DatasetError(
            f"{archive}: {len(members)} files of {total / 2**20:.0f} MiB from {packed / 2**20:.1f} MiB; expected at most "
            f"{MAX_FILES} files, {MAX_BYTES // 2**30} GiB and {_MAX_RATIO} times the archive's size; unpack it yourself if you "
            "trust it"
        )
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise DatasetError(
                f"{archive}: member {member.filename!r} lies outside the archive; do not trust this file"
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DatasetError(f"{archive}: member {member.filename!r} is a link; expected images and tables only")
