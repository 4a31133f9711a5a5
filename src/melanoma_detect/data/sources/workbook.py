"""Excel workbooks: the sheet that names images becomes a table of text."""

import datetime as dt
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from melanoma_detect.data.sources.header import SAMPLE, Header, find_header
from melanoma_detect.data.sources.table_text import TextTable
from melanoma_detect.errors import DatasetError, DataWarning
from melanoma_detect.images.quiet_decoders import quiet_decoders
from melanoma_detect.utils.missing_packages import missing_package_error
from melanoma_detect.utils.user_warning import warn_user

_MAX_ROWS = 2**20  # of Excel
_MAX_BYTES = 2**29  # of the XML in a workbook, which is read into memory


def read_workbook(name: str, content: bytes) -> TextTable:
    """Read the sheet of a workbook that names images: the first such sheet, or the first of all.

    Args:
        name: What an error calls the file.
        content: An .xlsx file.

    Returns:
        The columns and the rows.

    Raises:
        DatasetError: openpyxl is not installed.
        ValueError: The workbook is damaged or empty.

    Warns:
        DataWarning: Further sheets name images too; they are not read.

    Examples:
        >>> import openpyxl
        >>> book = openpyxl.Workbook()
        >>> _ = [book.active.append(row) for row in [["PH2"], ["Image Name", "Melanoma"], ["IMD001", "X"]]]
        >>> book.save("ph2.xlsx")
        >>> from pathlib import Path
        >>> list(read_workbook("ph2.xlsx", Path("ph2.xlsx").read_bytes()).rows)
        [['IMD001', 'X']]
    """
    if importlib.util.find_spec("openpyxl") is None:
        raise DatasetError(f"{name}: {missing_package_error('openpyxl')}, or save the sheet as CSV")
    import openpyxl  # noqa: PLC0415 - the extra excel

    try:
        _check_size(content)
        with quiet_decoders():
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            sheets = [found for sheet in book.worksheets if (found := _open_sheet(sheet))]
    except Exception as error:
        # Of a damaged workbook come errors of zip, of XML and of openpyxl itself.
        raise ValueError(f"it is a damaged workbook: {error}") from error
    if not sheets:
        raise ValueError("the workbook is empty")
    named = [sheet for sheet in sheets if sheet[1].named]
    title, header, rows = (named or sheets)[0]
    if len(named) > 1:
        others = ", ".join(repr(sheet[0]) for sheet in named[1:])
        warn_user(
            f"{name}: the sheet {title!r} is read, and {others} is not; save it as a table of its own", DataWarning
        )
    return TextTable(header.columns, islice(rows, header.skip, None))


def _check_size(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        total = sum(member.file_size for member in file.infolist())
    if total > _MAX_BYTES:
        raise ValueError(
            f"it has {total / 2**20:,.0f} MiB unpacked, expected at most {_MAX_BYTES // 2**20}; save it as CSV"
        )


def to_text(value: Any) -> str:
    """Return the text of a cell: whole numbers without a point, nothing for a missing value.

    Args:
        value: A number, text, date, boolean or None.

    Returns:
        The text, as a table of text has it.

    Examples:
        >>> to_text(1.0), to_text(0.5), to_text(True), to_text(float("nan"))
        ('1', '0.5', 'True', '')
    """
    if isinstance(value, str):
        return value
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else repr(value)  # noqa: PLR0124
    item = getattr(value, "item", None)
    return to_text(item()) if callable(item) and getattr(value, "shape", None) == () else str(value)


def _sound(lines: Iterator[Any]) -> Iterator[Any]:
    try:
        while True:
            with quiet_decoders():  # not while whoever takes the line works on it
                line = next(lines, None)
            if line is None:
                return
            yield line
    except Exception as error:
        raise ValueError(f"it is a damaged workbook: {error}") from error


def _open_sheet(sheet: Any) -> tuple[str, Header, Iterator[list[str]]] | None:
    """Return the title, the header and all rows of a sheet, or None for an empty one."""
    if sheet.sheet_state != "visible" or not hasattr(sheet, "reset_dimensions"):
        return None
    sheet.reset_dimensions()  # some programs write a wrong size
    # Without a limit, a row that says it is the billionth would be reached through a billion empty ones.
    lines = sheet.iter_rows(values_only=True, max_row=_MAX_ROWS)
    cells = ([to_text(value) for value in row] for row in _sound(lines))
    rows = (row for row in cells if any(cell and not cell.isspace() for cell in row))
    sample = list(islice(rows, SAMPLE))
    if not sample:
        return None
    return sheet.title, find_header(sample), chain(sample, rows)
