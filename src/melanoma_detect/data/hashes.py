"""Digests: which files are the same, byte for byte."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from melanoma_detect.errors import ImageError


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Args:
        path: A file.

    Returns:
        64 hexadecimal digits.

    Raises:
        ImageError: The file cannot be opened.

    Examples:
        >>> len(digest(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"))
        64
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImageError(f"{path}: cannot be opened ({error.strerror}); check its permissions") from error


def digests(paths: Iterable[Path]) -> list[str]:
    """Return the digests of many files, read by several threads (hashing releases the interpreter's lock).

    Args:
        paths: Files.

    Returns:
        One digest a file, in order.

    Raises:
        ImageError: A file cannot be opened.

    Examples:
        >>> digests([])
        []
    """
    with ThreadPoolExecutor() as pool:
        return list(pool.map(digest, paths))
