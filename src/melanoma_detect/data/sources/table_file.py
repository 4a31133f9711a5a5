"""The one reader of table files: text, Parquet and Excel, told apart by their content. Imports no pandas."""

import contextlib
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from melanoma_detect.data.sources.damaged_rows import DamagedCell
from melanoma_detect.data.sources.header import clean_name
from melanoma_detect.data.sources.table_text import TextTable, open_text, read_text
from melanoma_detect.data.sources.workbook import read_workbook, to_text
from melanoma_detect.errors import DatasetError

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".parquet", ".xlsx", ".xlsm"})
_BATCH = 4096  # rows of a Parquet file that are held in memory at once
# What a file is that begins with these bytes, and what to do with it.
_REFUSED = (
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind (.xls): save it as .xlsx or as CSV"),
    (b"version https://git-lfs", "a pointer of Git LFS and not the table itself: fetch it with git lfs pull"),
    (b"<", "a page of HTML or XML and not a table: download the file itself, or save it as CSV"),
    (b"{", "JSON: save it as CSV, such as with pandas.read_json(...).to_csv(...)"),
    (b"[{", "JSON: save it as CSV, such as with pandas.read_json(...).to_csv(...)"),
    (b"\x89HDF", "an HDF5 file: expected the table beside it"),
    (b"BZh", "compressed: unpack it"),
    (b"\xfd7zXZ", "compressed: unpack it"),
    (b"%PDF", "a PDF: save the table as CSV"),
)


@dataclass(frozen=True)
class TableFile:
    """An open table file.

    Attributes:
        columns: The names in its header, without blanks around them.
        read: Called with positions of columns, yields for each row the cells of these columns as text.
    """

    columns: tuple[str, ...]
    read: Callable[[Sequence[int]], Iterator[list[str]]]


@contextlib.contextmanager
def open_table(name: str, file: BinaryIO, *, strict: bool = True) -> Iterator[TableFile]:
    r"""Read the header of a table file; its rows are read while they are iterated over.

    Read are text (comma, semicolon, tab or bar; UTF-8, UTF-16, UTF-32 or Windows-1252; gzip), Parquet and Excel (.xlsx). The
    content tells what a file is, whatever its suffix.

    Args:
        name: The path or address.
        file: The file, open to read bytes. It is closed.
        strict: Raise for a row with more cells than the header, or one that cannot be read; otherwise the last cells are
            ignored, and each cell of such a row is a `DamagedCell`.

    Yields:
        The columns, and a reader of the rows. Missing cells are empty; blank lines are left out.

    Raises:
        DatasetError: The file is none of these, or is damaged; also while rows are read inside the block.

    Warns:
        DataWarning: Text is not UTF-8 and is read as Windows-1252; further sheets of a workbook are not read.

    Examples:
        >>> with open_table("a.csv", io.BytesIO(b"image;age\na.jpg;50\nb.jpg")) as table:
        ...     table.columns, list(table.read([0, 1]))
        (('image', 'age'), [['a.jpg', '50'], ['b.jpg', '']])
    """
    kind = _expected(name)
    try:
        with contextlib.ExitStack() as closing:
            buffered = closing.enter_context(io.BufferedReader(cast("Any", file), 2**16))
            yield _open(name, buffered, closing, strict=strict)
    except DatasetError:
        raise
    # UnicodeDecodeError and pyarrow's ArrowInvalid are ValueErrors; two columns of one name are pyarrow's KeyError.
    except (OSError, ValueError, KeyError, EOFError, zlib.error, csv.Error) as error:
        raise DatasetError(
            f"{name}: cannot be read as a table ({error}); expected {kind}: correct it or remove it"
        ) from error


def _expected(name: str) -> str:
    kinds = {".parquet": "a Parquet file", ".xlsx": "an Excel workbook", ".xlsm": "an Excel workbook"}
    return kinds.get(PurePosixPath(name).suffix.lower(), "UTF-8 text with a header, such as a CSV file")


def _open(name: str, file: io.BufferedReader, closing: contextlib.ExitStack, *, strict: bool) -> TableFile:
    head = file.peek(2**16)
    if head.startswith(b"PAR1"):
        return _open_parquet(file)
    if head.startswith(b"PK\x03\x04"):
        return _from_text(_open_zip(name, file.read()))
    if head.startswith(b"\x1f\x8b"):
        unpacked = io.BufferedReader(cast("Any", closing.enter_context(gzip.GzipFile(fileobj=file, mode="rb"))), 2**16)
        return _open(name.removesuffix(".gz"), closing.enter_context(unpacked), closing, strict=strict)
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".parquet" or suffix in {".xlsx", ".xlsm"}:
        raise ValueError(f"its content is not that of a {suffix} file; if it is text, name it .csv")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if refused := next((reason for mark, reason in _REFUSED if start.startswith(mark)), None):
        raise ValueError(f"it is {refused}")
    return _from_text(read_text(name, closing.enter_context(open_text(file, strict=strict)), strict=strict))


def _from_text(table: TextTable) -> TableFile:
    def read(chosen: Sequence[int]) -> Iterator[list[str]]:
        return (
            [row[index] if index < len(row) else row[0] if isinstance(row[0], DamagedCell) else "" for index in chosen]
            for row in table.rows
        )

    return TableFile(table.columns, read)


def _open_zip(name: str, content: bytes) -> TextTable:
    if b"opendocument" in content[:200]:
        raise ValueError("it is an OpenDocument spreadsheet (.ods): save it as .xlsx or as CSV")
    if b"xl/" not in content:
        raise ValueError("it is a zip archive and not a table: unpack it")
    return read_workbook(name, content)


def _open_parquet(file: BinaryIO) -> TableFile:
    import pyarrow as pa  # noqa: PLC0415 - takes a fifth of a second, which few tables need
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pq.ParquetFile(file if file.seekable() else pa.BufferReader(file.read()))
    names = table.schema_arrow.names

    def read(chosen: Sequence[int]) -> Iterator[list[str]]:
        for batch in table.iter_batches(batch_size=_BATCH, columns=[names[index] for index in chosen]):
            cells = [batch.column(names[index]).to_pylist() for index in chosen]
            yield from ([to_text(cell) for cell in row] for row in zip(*cells, strict=True))

    return TableFile(tuple(clean_name(name) for name in names), read)
