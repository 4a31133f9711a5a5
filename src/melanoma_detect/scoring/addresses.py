"""Paths on this machine and addresses such as `s3://bucket/folder`: open, list and join both in the same way.

Addresses are handled by fsspec. It comes with the extra `ray`; each kind of store needs a package of its own (`s3fs`,
`gcsfs`, ...), which fsspec's error message names.
"""

import os
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.folder_walk import relative_names, walk_files
from melanoma_detect.utils.missing_packages import missing_package_error
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import open_regular


def is_address(path: str) -> bool:
    """Return whether this is an address for fsspec and not a path of this machine.

    Args:
        path: A path or an address.

    Returns:
        Whether it has a scheme.

    Examples:
        >>> is_address("s3://bucket/a.jpg"), is_address("C:/a.jpg")
        (True, False)
    """
    return "://" in path


def local_path(path: str) -> Path | None:
    """Return the path on this machine that a path or an address stands for.

    Args:
        path: A path or an address.

    Returns:
        The path, with `~` expanded; None for an address of another store.

    Examples:
        >>> local_path("s3://bucket/a.csv") is None, local_path("a.csv").name
        (True, 'a.csv')
    """
    if not is_address(path):
        return expand_path(path)
    if path.partition("://")[0] in ("file", "local"):
        return Path(filesystem(path)[1])
    return None


def filesystem(address: str) -> tuple[Any, str]:
    """Return the fsspec file system of an address, and the path within it.

    Args:
        address: Such as `s3://bucket/folder`.

    Returns:
        An fsspec file system and a path in it.

    Raises:
        DatasetError: fsspec or its package for this kind of address is not installed, or the kind is unknown.

    Examples:
        >>> filesystem("memory://folder/a.jpg")[1]
        '/folder/a.jpg'
    """
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise DatasetError(f"{address}: {missing_package_error('fsspec')}, or give a path") from error
    try:
        return cast("tuple[Any, str]", url_to_fs(address))
    except (ImportError, ValueError) as error:
        raise DatasetError(
            f"{address}: cannot be reached ({error}); check the address, or install the package that it needs"
        ) from error


def open_binary(path: str) -> BinaryIO:
    """Open a file to read its bytes.

    Args:
        path: A path or an address.

    Returns:
        An open file.

    Raises:
        OSError: It cannot be opened.
        DatasetError: It is an address that cannot be reached.

    Examples:
        >>> with open_binary(str(isic9 / "metadata.csv")) as file:
        ...     file.read(8)
        b'image_id'
    """
    if not is_address(path):
        return open_regular(path, DatasetError)
    system, inner = filesystem(path)
    return cast("BinaryIO", system.open(inner, "rb"))


def is_folder(path: str) -> bool:
    """Return whether there is a folder at a path or an address.

    Args:
        path: A path or an address.

    Returns:
        Whether it is a folder.

    Examples:
        >>> is_folder(str(isic9))
        True
    """
    if not is_address(path):
        return Path(path).is_dir()
    system, inner = filesystem(path)
    return bool(system.isdir(inner))


def exists(path: str) -> bool:
    """Return whether there is a file or a folder at a path or an address.

    Args:
        path: A path or an address.

    Returns:
        Whether it exists; a broken link does.

    Examples:
        >>> exists("nowhere.jpg")
        False
    """
    if not is_address(path):
        return os.path.lexists(path)
    system, inner = filesystem(path)
    return bool(system.exists(inner))


def join_path(folder: str, name: str) -> str:
    """Join a folder and a name.

    Args:
        folder: A path or an address.
        name: Relative to the folder; an absolute path or an address is returned as it is.

    Returns:
        A path or an address.

    Examples:
        >>> join_path("s3://bucket/lesions", "a/b.jpg"), join_path("lesions", "s3://bucket/b.jpg")
        ('s3://bucket/lesions/a/b.jpg', 's3://bucket/b.jpg')
    """
    if is_address(name):
        return name
    return f"{folder.rstrip('/')}/{name}" if is_address(folder) else os.path.join(folder, name)  # noqa: PTH118


def parent_folder(path: str) -> str:
    """Return the folder that a file is in.

    Args:
        path: A path or an address.

    Returns:
        The folder's path or address.

    Examples:
        >>> parent_folder("s3://bucket/lesions/table.csv"), parent_folder("table.csv")
        ('s3://bucket/lesions', '.')
    """
    return posixpath.dirname(path) if is_address(path) else str(Path(path).parent)


def list_files(folder: str, on_outward: Callable[[str], object] = lambda _: None) -> Iterator[str]:
    """Yield every file of a folder and its subfolders, sorted, without hidden ones.

    The names of one folder are held at a time, so that the number of files does not matter.

    Args:
        folder: A path or an address.
        on_outward: Called with the path of each link that leads out of the folder, before its name is yielded.

    Yields:
        Names relative to the folder, with slashes.

    Raises:
        DatasetError: A folder cannot be listed.

    Examples:
        >>> next(list_files(str(isic9)))
        'metadata.csv'
    """

    def raise_error(error: OSError) -> None:
        raise DatasetError(f"{folder}: cannot be listed ({error}); make it readable, or leave it out") from error

    if not is_address(folder):
        yield from walk_files(folder, on_error=raise_error, on_outward=on_outward)
        return
    system, root = filesystem(folder)
    yield from relative_names(system.walk(root, on_error=raise_error), root)
