"""Where images and tables lie: paths of this machine, and addresses such as `s3://bucket/folder`, by fsspec.

fsspec comes with the extra `ray`, and the package of each kind of store (`s3fs`, `gcsfs`, ...) with what fsspec says.
"""

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from melanoma_detect.errors import DatasetError

_CLUTTER = frozenset({"__macosx", "thumbs.db", "desktop.ini"})


def is_address(place: str) -> bool:
    """Return whether this is an address for fsspec, not a path.

    Args:
        place: A path or an address.

    Returns:
        Whether it has a scheme.

    Examples:
        >>> is_address("s3://bucket/a.jpg"), is_address("C:/a.jpg")
        (True, False)
    """
    return "://" in place


def filesystem(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path there.

    Args:
        address: As `s3://bucket/folder`.

    Returns:
        What fsspec calls a file system, and a path in it.

    Raises:
        DatasetError: fsspec, or its package for this kind of address, is not installed; or nobody knows the kind.

    Examples:
        >>> filesystem("memory://folder/a.jpg")[1]
        '/folder/a.jpg'
    """
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise DatasetError(
            f"{address}: an address, which needs an extra: pip install 'melanoma-detect[ray]'; or give a path"
        ) from error
    try:
        return cast("tuple[Any, str]", url_to_fs(address))
    except (ImportError, ValueError) as error:
        raise DatasetError(f"{address}: cannot be reached ({error}); install what it needs, or check it") from error


def opened(place: str) -> BinaryIO:
    """Open a file to read its bytes.

    Args:
        place: A path or an address.

    Returns:
        An open file.

    Raises:
        OSError: It cannot be opened.
        DatasetError: It is an address that cannot be reached.

    Examples:
        >>> with opened(str(isic9 / "metadata.csv")) as file:
        ...     file.read(8)
        b'image_id'
    """
    if not is_address(place):
        return Path(place).open("rb")
    system, path = filesystem(place)
    return cast("BinaryIO", system.open(path, "rb"))


def is_folder(place: str) -> bool:
    """Return whether a folder lies there.

    Args:
        place: A path or an address.

    Returns:
        Whether one does.

    Examples:
        >>> is_folder(str(isic9))
        True
    """
    if not is_address(place):
        return Path(place).is_dir()
    system, path = filesystem(place)
    return bool(system.isdir(path))


def exists(place: str) -> bool:
    """Return whether anything lies there.

    Args:
        place: A path or an address.

    Returns:
        Whether something does.

    Examples:
        >>> exists("nowhere.jpg")
        False
    """
    if not is_address(place):
        return os.path.lexists(place)
    system, path = filesystem(place)
    return bool(system.exists(path))


def joined(folder: str, name: str) -> str:
    """Return where a name in a folder lies.

    Args:
        folder: A path or an address.
        name: Relative to it; an absolute path or an address stays as it is.

    Returns:
        A path or an address.

    Examples:
        >>> joined("s3://bucket/lesions", "a/b.jpg"), joined("lesions", "s3://bucket/b.jpg")
        ('s3://bucket/lesions/a/b.jpg', 's3://bucket/b.jpg')
    """
    if is_address(name):
        return name
    return f"{folder.rstrip('/')}/{name}" if is_address(folder) else os.path.join(folder, name)  # noqa: PTH118


def folder_of(place: str) -> str:
    """Return the folder that a file lies in.

    Args:
        place: A path or an address.

    Returns:
        The folder's path or address.

    Examples:
        >>> folder_of("s3://bucket/lesions/table.csv"), folder_of("table.csv")
        ('s3://bucket/lesions', '.')
    """
    return posixpath.dirname(place) if is_address(place) else str(Path(place).parent)


def files_below(folder: str) -> Iterator[str]:
    """Yield every file of a folder and its subfolders in a fixed order, without hidden ones; one folder's names at a time.

    Args:
        folder: A path or an address.

    Yields:
        Names relative to the folder, with slashes.

    Raises:
        DatasetError: A folder cannot be listed.

    Examples:
        >>> next(files_below(str(isic9)))
        'metadata.csv'
    """

    def refuse(error: OSError) -> None:
        raise DatasetError(f"{folder}: cannot be listed ({error}); its images would be missed") from error

    if is_address(folder):
        system, root = filesystem(folder)
        walked = system.walk(root, on_error=refuse)
    else:
        root = folder
        walked = os.walk(root, onerror=refuse)
    start = len(root.rstrip("/" + os.sep))
    for place, below, names in walked:
        below[:] = sorted(name for name in below if not _hidden(name))
        inside = str(place)[start:].strip("/" + os.sep).replace(os.sep, "/")
        for name in sorted(name for name in names if not _hidden(name)):
            yield f"{inside}/{name}" if inside else name


def _hidden(name: str) -> bool:
    return not name or name.startswith(".") or name.lower() in _CLUTTER
