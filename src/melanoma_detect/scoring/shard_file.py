r"""The file of a shard of a score table: its rows as CSV, and a last line with their SHA-256.

A disk that was full, a file that was cut or one that somebody edited is told from what a run has saved.
"""

import csv
import hashlib
import io
from collections.abc import Iterable

from melanoma_detect.scoring.table import Row, format_rows, parse_rows

_END = b"sha256,"


def pack_rows(rows: Iterable[Row]) -> bytes:
    r"""Return the content of a shard's file.

    Args:
        rows: Its rows.

    Returns:
        UTF-8.

    Examples:
        >>> pack_rows([["a.jpg", "nevus"]])[:13]
        b'a.jpg,nevus\r\n'
    """
    content = format_rows(rows).encode("utf-8", "backslashreplace")
    return content + _END + hashlib.sha256(content).hexdigest().encode() + b"\r\n"


def unpack_rows(content: bytes) -> list[list[str]] | None:
    """Read the rows of a shard's file.

    Args:
        content: The file's bytes.

    Returns:
        The rows; None where this is not what `pack_rows` has returned.

    Examples:
        >>> unpack_rows(pack_rows([["a.jpg", "nevus"]]))
        [['a.jpg', 'nevus']]
        >>> unpack_rows(pack_rows([["a.jpg", "nevus"]])[1:]) is None
        True
    """
    rows, end, digest = content.rpartition(_END)
    if not end or digest != hashlib.sha256(rows).hexdigest().encode() + b"\r\n":
        return None
    try:
        return list(parse_rows(io.StringIO(rows.decode(), newline="")))
    except (UnicodeDecodeError, csv.Error):  # of another program, with its own SHA-256
        return None
