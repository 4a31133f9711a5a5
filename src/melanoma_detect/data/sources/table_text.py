"""Tables as text: comma, semicolon, tab or bar between the cells, in UTF-8, UTF-16, UTF-32 or Windows-1252."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple

from melanoma_detect.data.sources.damaged_rows import UNCLOSED, DamagedCell, parse_all
from melanoma_detect.data.sources.header import SAMPLE, Header, find_header
from melanoma_detect.errors import DataWarning
from melanoma_detect.utils.user_warning import warn_user

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# Which bytes of four are zero in the characters of English text.
_ZEROS = {"utf-32-le": (0, 1, 1, 1), "utf-32-be": (1, 1, 1, 0), "utf-16-le": (0, 1, 0, 1), "utf-16-be": (1, 0, 1, 0)}
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x19\x1b-\x1f]")
_STRANGE = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f]")
_SURROGATE = re.compile("[\udc80-\udcff]")
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # the line that Excel understands
_DELIMITERS = ",;\t|"
# Zero bytes and control characters that a few strange cells bring into a text: so many, or this share of its first bytes.
_FEW, _SHARE = 8, 0.02
_MAX_LINE = 2**24  # characters


class TextTable(NamedTuple):
    """A table of text whose header has been read.

    Attributes:
        columns: The names in its header.
        rows: The other rows, which are read while they are iterated over; none is blank.
    """

    columns: tuple[str, ...]
    rows: Iterator[list[str]]


def find_encoding(head: bytes, *, strict: bool = True) -> str:
    """Return the encoding of a text.

    Args:
        head: Its first bytes.
        strict: Take a zero byte or a control character for the sign of a file that is no text; otherwise many of them.

    Returns:
        Python's name of the encoding: by the byte order mark, or by the zeros of UTF-16 and UTF-32; otherwise UTF-8.

    Raises:
        ValueError: The bytes are no text.

    Examples:
        >>> find_encoding("image,label".encode("utf-16")), find_encoding(b"image,label")
        ('utf-16', 'utf-8-sig')
    """
    if marked := next((encoding for mark, encoding in _BYTE_ORDER_MARKS if head.startswith(mark)), None):
        return marked
    zeros = [sum(byte == 0 for byte in head[place::4]) / max(len(head[place::4]), 1) for place in range(4)]
    for encoding, pattern in _ZEROS.items():
        if all(share > 0.6 if expected else share < 0.1 for share, expected in zip(zeros, pattern, strict=True)):
            return encoding
    strange = head[:SAMPLE].count(0) + len(_CONTROL.findall(head)) if strict else len(_STRANGE.findall(head))
    if strange > (0 if strict else min(max(_FEW, _SHARE * len(head)), len(head) / 4)):
        raise ValueError("it is no text")
    return "utf-8-sig"


def open_text(file: io.BufferedReader, *, strict: bool = True) -> io.TextIOWrapper:
    """Open a file of bytes as text in its encoding.

    Args:
        file: The file.
        strict: Raise for what is no character, also later; otherwise it is replaced.

    Returns:
        Its text. Bytes that are not UTF-8 become surrogates, which `read_text` reads as Windows-1252.

    Raises:
        ValueError: The bytes are no text.

    Examples:
        >>> open_text(io.BufferedReader(io.BytesIO("naevus".encode("utf-16")))).read()
        'naevus'
    """
    encoding = find_encoding(file.peek(2**16)[: 2**16], strict=strict)
    errors = "surrogateescape" if encoding == "utf-8-sig" else "strict" if strict else "replace"
    return io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")


def read_text(name: str, text: io.TextIOWrapper, *, strict: bool) -> TextTable:
    r"""Read the header of a table of text.

    Args:
        name: What a warning calls the file.
        text: The file, open as `open_text` opens it.
        strict: Raise for a row with more cells than the header, or one that cannot be read; otherwise the last cells are
            ignored, and a `DamagedCell` stands for the row.

    Returns:
        The columns and the rows.

    Raises:
        ValueError: The file is empty, no text, or a row is too long; also while rows are read.

    Warns:
        DataWarning: A line is not UTF-8 and is read as Windows-1252.

    Examples:
        >>> text = open_text(io.BufferedReader(io.BytesIO(b"sep=;\nimage;age\na;5\n")))
        >>> table = read_text("a.csv", text, strict=True)
        >>> table.columns, list(table.rows)
        (('image', 'age'), [['a', '5']])
    """
    lines = decode_lines(name, text, strict=strict)
    # Blank lines above the header, and Excel's own line, say nothing.
    first = next((line for line in lines if line.strip("\ufeff \t\r\n")), None)
    if first is None:
        raise ValueError("the file is empty")
    separator = _SEPARATOR.fullmatch(first.strip("\ufeff"))
    sample = [*([] if separator else [first]), *islice(lines, SAMPLE)]
    delimiter, header = _find_delimiter(sample, separator[1] if separator else _candidates(name), strict=strict)
    if not strict:
        return TextTable(header.columns, islice(_parse_all(chain(sample, lines), delimiter), header.skip, None))
    rows = _parse(chain(sample, lines), delimiter)
    for _ in range(header.skip):
        next(rows)
    return TextTable(header.columns, _check_lengths(rows, len(header.columns)))


def _candidates(name: str) -> str:
    return "\t,;|" if name.lower().endswith((".tsv", ".tab")) else _DELIMITERS


def decode_lines(name: str, text: io.TextIOWrapper, *, strict: bool) -> Iterator[str]:
    r"""Yield the lines of a text; those that are not UTF-8 are read as Windows-1252.

    Args:
        name: What a warning calls the file.
        text: The file, open as `open_text` opens it.
        strict: Raise for a zero byte, for what neither encoding has, and for a line of more than 16 million characters;
            otherwise the first stays, the second is replaced, and of the third the first characters are read.

    Yields:
        The lines, with their ends.

    Raises:
        ValueError: See above.

    Warns:
        DataWarning: A line is not UTF-8.

    Examples:
        >>> text = open_text(io.BufferedReader(io.BytesIO(b"a.jpg\nb.jpg\n")))
        >>> list(decode_lines("a.txt", text, strict=True))
        ['a.jpg\n', 'b.jpg\n']
    """
    warned = False
    for number, line in enumerate(_read_lines(text, strict=strict), start=1):
        shown = line
        if strict and "\0" in line:
            raise ValueError(f"line {number} holds a zero byte")
        if not line.isascii() and _SURROGATE.search(line):
            shown = _from_windows(line, number, strict=strict)
            if not warned:
                warned = True
                warn_user(
                    f"{name}: line {number} is not UTF-8 and is read as Windows-1252 ({shown.strip()[:60]!r}); save the table "
                    "as UTF-8 if that is wrong",
                    DataWarning,
                )
        yield shown


def _read_lines(text: io.TextIOWrapper, *, strict: bool) -> Iterator[str]:
    """Yield lines, none of them so long that it would fill the memory."""
    whole = True
    while line := text.readline(_MAX_LINE):
        if whole:
            yield line
        whole = len(line) < _MAX_LINE or line.endswith("\n")
        if strict and not whole:
            raise ValueError(f"a line has more than {_MAX_LINE:,} characters")


def _from_windows(line: str, number: int, *, strict: bool) -> str:
    try:
        return line.encode("utf-8", "surrogateescape").decode("cp1252", "strict" if strict else "replace")
    except UnicodeDecodeError as error:
        raise ValueError(f"line {number} is neither UTF-8 nor Windows-1252: save the table as UTF-8") from error


def _find_delimiter(sample: list[str], candidates: str, *, strict: bool) -> tuple[str, Header]:
    """Return the first delimiter by which a row names images; or else the first that divides the header."""
    headers: dict[str, Header] = {}
    problem: ValueError | None = None
    # A mark that stands in no line divides nothing; without any, the table has one column.
    text = "".join(sample)
    for delimiter in [mark for mark in candidates if mark in text] or candidates[:1]:
        try:
            rows = (
                (row for _, row in _parse(sample, delimiter, partly=True)) if strict else _parse_all(sample, delimiter)
            )
            headers[delimiter] = find_header(list(islice(rows, SAMPLE)))
        except (ValueError, csv.Error) as error:
            problem = problem or (error if isinstance(error, ValueError) else ValueError(str(error)))
    named = {mark: header for mark, header in headers.items() if header.named}
    if chosen := max(named, key=lambda mark: len(headers[mark].columns), default=None):
        return chosen, named[chosen]
    if problem:
        raise problem
    first = next((mark for mark, header in headers.items() if len(header.columns) > 1), next(iter(headers)))
    return first, headers[first]


def _parse(lines: Iterable[str], delimiter: str, *, partly: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of its last line and the cells of each row that is not blank.

    Raises:
        ValueError: A quotation mark is never closed, unless the lines are only part of the file.
    """
    at_end = False

    def read_lines() -> Iterator[str]:
        nonlocal at_end
        yield from lines
        at_end = True

    rows = csv.reader(read_lines(), delimiter=delimiter)
    for row in rows:
        # csv has asked for another line before it gave this row: without an error, the rest of the file would be one cell.
        if at_end and not partly:
            raise ValueError(UNCLOSED)
        if _is_filled(row):
            yield rows.line_num, row


def _parse_all(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the rows that are not blank, and those that are damaged."""
    return (row for row in parse_all(lines, delimiter) if _is_filled(row) or (row and isinstance(row[0], DamagedCell)))


def _is_filled(row: list[str]) -> bool:
    return any(cell and not cell.isspace() for cell in row)


def _check_lengths(rows: Iterable[tuple[int, list[str]]], columns: int) -> Iterator[list[str]]:
    for number, row in rows:
        if len(row) > columns and any(row[columns:]):
            raise ValueError(f"line {number} has {len(row)} cells for {columns} columns")
        yield row
