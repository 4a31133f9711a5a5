"""The score table: its columns, the row of an image, and CSV and Parquet files of rows.

A row is a list of texts, as CSV (RFC 4180) writes them. A cell is empty where there is no such number or diagnosis.
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from melanoma_detect import taxonomy
from melanoma_detect.errors import DatasetError, OutputError
from melanoma_detect.inference.prediction import Prediction
from melanoma_detect.utils.csv_cells import csv_cell, plain_cell
from melanoma_detect.utils.regular_files import open_regular

__all__ = [
    "columns",
    "csv_rows",
    "find_writer",
    "format_rows",
    "is_score_table",
    "number_columns",
    "parse_rows",
    "plain_cell",
]
__all__ += ["prediction_row", "unreadable_row", "write_csv", "write_parquet"]

Row: TypeAlias = Sequence[str]
Writer: TypeAlias = Callable[[Path, Sequence[str], Iterable[Row]], None]

UNREADABLE = "unreadable"
_CODES = tuple(diagnosis.code for diagnosis in taxonomy.DIAGNOSES)
_SUMS = ("melanoma", "malignant")
_BOOLEANS = ("alert", "abstained")

# Rows are formatted in blocks: a block of lists takes five times the memory of its CSV text, so few are held as lists.
_BLOCK_ROWS = 512
_GROUP_BLOCKS = 16  # blocks in a row group of a Parquet file: 8,192 rows, a few MB


def columns(classes: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of a detector's score table.

    Args:
        classes: The detector's classes. One that is not in the taxonomy gets a column of its own after the nine.

    Returns:
        `path`, `diagnosis`, `p_AK` to `p_VASC`, `melanoma`, `malignant`, `decision`, `alert`, `abstained`, `image_type`,
        `reason`, `error`.

    Examples:
        >>> columns(["nevus", "melanoma"])[:4]
        ('path', 'diagnosis', 'p_AK', 'p_BCC')
        >>> columns(["nevus", "akiec"])[9:13]
        ('p_SCC', 'p_VASC', 'p_akiec', 'melanoma')
    """
    codes = dict.fromkeys((*_CODES, *map(_code, classes)))
    numbers = (*(f"p_{code}" for code in codes), *_SUMS)
    return ("path", "diagnosis", *numbers, "decision", *_BOOLEANS, "image_type", "reason", "error")


def number_columns(names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that hold numbers.

    Args:
        names: From `columns`.

    Returns:
        The names of the probabilities.

    Examples:
        >>> len(number_columns(columns(["nevus", "melanoma"])))
        11
    """
    return tuple(name for name in names if name.startswith("p_") or name in _SUMS)


def prediction_row(name: str, prediction: Prediction, names: Sequence[str]) -> list[str]:
    """Return the row of an image that has a prediction.

    Args:
        name: The image's name in the table.
        prediction: Its prediction.
        names: The columns, from `columns` of the detector's classes.

    Returns:
        One text per column. Probabilities have every digit that was computed; a class that the detector lacks has 0, and one
        for which the model gave no number is empty.

    Examples:
        >>> prediction = detector.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
        >>> row = prediction_row("image.jpg", prediction, columns(detector.classes))
        >>> row[:2] == ["image.jpg", prediction.diagnosis]
        True
    """
    cells = dict.fromkeys(number_columns(names), 0.0)
    for label, value in prediction.probabilities.items():
        cells[f"p_{_code(label)}"] += value  # several classes of a detector may have the same code
    cells |= {"melanoma": prediction.melanoma, "malignant": prediction.malignant}
    booleans = (_boolean(prediction.alert), _boolean(prediction.abstained))
    return [
        _to_utf8(name),
        prediction.diagnosis,
        *(repr(value) if math.isfinite(value) else "" for value in cells.values()),
        prediction.decision,
        *booleans,
        prediction.image_type,
        prediction.reason,
        "",
    ]


def unreadable_row(name: str, error: Exception | str, names: Sequence[str]) -> list[str]:
    """Return the row of an image that could not be read: referred to a person, without numbers.

    Args:
        name: The image's name in the table.
        error: Why it could not be read.
        names: The columns.

    Returns:
        One text per column.

    Examples:
        >>> unreadable_row("image.jpg", ValueError("image.jpg: no such file"), columns(["nevus", "melanoma"]))[-6:]
        ['refer', 'false', 'true', '', 'unreadable', 'image.jpg: no such file']
    """
    empty = [""] * (len(number_columns(names)) + 1)  # and the diagnosis
    message = str(error) or type(error).__name__
    return [_to_utf8(name), *empty, "refer", _boolean(False), _boolean(True), "", UNREADABLE, _to_utf8(message)]


def format_rows(rows: Iterable[Row]) -> str:
    r"""Return rows as CSV text.

    Args:
        rows: Rows of texts.

    Returns:
        Lines that end in a carriage return and a line feed, as RFC 4180 requires.

    Examples:
        >>> format_rows([["a,b.jpg", "nevus"]])
        '"a,b.jpg",nevus\r\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def parse_rows(lines: TextIO) -> Iterator[list[str]]:
    r"""Read rows from CSV text.

    Args:
        lines: A file that was opened with `newline=""`.

    Yields:
        Rows of texts.

    Examples:
        >>> import io
        >>> list(parse_rows(io.StringIO('"a,b.jpg",nevus\r\n')))
        [['a,b.jpg', 'nevus']]
    """
    yield from csv.reader(lines)


def csv_rows(names: Sequence[str], rows: Iterable[Row]) -> Iterator[Row]:
    """Return the rows of a CSV table that people open: each cell by `csv_cell`.

    Args:
        names: The columns.
        rows: Rows of texts.

    Yields:
        Rows of texts.

    Examples:
        >>> list(csv_rows(["path", "diagnosis"], [["@a.jpg", "nevus"]]))
        [["'@a.jpg", 'nevus']]
    """
    error = names.index("error") if "error" in names else None
    for row in rows:
        cells = [csv_cell(cell) for cell in row]
        if error is not None and cells[error]:
            cells[error] = csv_cell(
                plain_cell(row[error])
            )  # a message shows a name as `csv_cell` writes it, and not twice
        yield cells


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Row]) -> None:
    r"""Write a CSV table (RFC 4180) in UTF-8; see `csv_cell` for cells that others wrote.

    Args:
        path: The file to write.
        names: The columns.
        rows: Rows; a few are held at a time.

    Examples:
        >>> write_csv(Path("scores.csv"), ["path", "diagnosis"], [["a.jpg", "nevus"]])
        >>> Path("scores.csv").read_bytes()
        b'path,diagnosis\r\na.jpg,nevus\r\n'
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(format_rows([list(map(csv_cell, names))]))
        file.writelines(_format_blocks(csv_rows(names, rows)))


def write_parquet(path: Path, names: Sequence[str], rows: Iterable[Row]) -> None:
    """Write a Parquet table of texts, nullable float64 numbers and booleans.

    Args:
        path: The file to write.
        names: The columns, from `columns`.
        rows: Rows; a few are held at a time.

    Examples:
        >>> write_parquet(Path("scores.parquet"), ["path", "melanoma"], [["a.jpg", "0.5"], ["b.jpg", ""]])
        >>> import pyarrow.parquet as pq
        >>> pq.read_table("scores.parquet").to_pylist()
        [{'path': 'a.jpg', 'melanoma': 0.5}, {'path': 'b.jpg', 'melanoma': None}]
    """
    import pyarrow as pa  # noqa: PLC0415 - a heavy library that CSV tables do not need
    from pyarrow import parquet as pq  # noqa: PLC0415

    types = {name: pa.string() for name in names}
    types |= dict.fromkeys(number_columns(names), pa.float64())
    types |= {name: pa.bool_() for name in _BOOLEANS if name in names}
    schema = pa.schema(list(types.items()))
    with pq.ParquetWriter(path, schema) as file:
        blocks = _format_blocks(rows)
        while text := "".join(islice(blocks, _GROUP_BLOCKS)):
            file.write_table(_arrow_table(text, schema))


WRITERS: dict[str, Writer] = {".csv": write_csv, ".parquet": write_parquet}


def find_writer(out: str) -> Writer:
    """Return the function that writes a table of this name.

    Args:
        out: A path or an address.

    Returns:
        `write_csv` or `write_parquet`.

    Raises:
        OutputError: The name ends in neither `.csv` nor `.parquet`.
        MissingPackageError: It ends in `.parquet`, and pyarrow is not installed.

    Examples:
        >>> find_writer("scores.parquet").__name__
        'write_parquet'
    """
    suffix = Path(out).suffix.lower()
    if suffix not in WRITERS:
        raise OutputError(f"{out}: expected a name that ends in {' or '.join(WRITERS)}")
    if suffix == ".parquet":  # missing now, and not after hours of work
        import pyarrow as pa  # noqa: F401, PLC0415
    return WRITERS[suffix]


def is_score_table(path: Path) -> bool:
    """Return whether a file is a table that `score` has written, by its columns.

    Args:
        path: The file.

    Returns:
        Whether it has them; False for a file that cannot be read as a table.

    Examples:
        >>> write_csv(Path("scores.csv"), columns(["nevus", "melanoma"]), [])
        >>> is_score_table(Path("scores.csv")), is_score_table(isic9 / "metadata.csv")
        (True, False)
    """
    try:
        with open_regular(path, DatasetError) as file:
            if file.read(4) == b"PAR1":
                from pyarrow import parquet as pq  # noqa: PLC0415 - a heavy library that CSV tables do not need

                names = pq.read_schema(path).names
            else:
                file.seek(0)
                names = next(csv.reader([file.readline(2**16).decode("utf-8")]), [])
    except (OSError, ValueError, csv.Error):
        return False
    return tuple(names[:2]) == ("path", "diagnosis") and tuple(names[-2:]) == ("reason", "error")


def _arrow_table(text: str, schema: Any) -> Any:
    # Through Arrow's CSV reader: given lists, pyarrow would import pandas where that is installed.
    from pyarrow import csv as arrow_csv  # noqa: PLC0415

    return arrow_csv.read_csv(
        io.BytesIO(text.encode()),
        read_options=arrow_csv.ReadOptions(column_names=schema.names, use_threads=False),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict(zip(schema.names, schema.types, strict=True)),
            strings_can_be_null=False,
            null_values=[""],
            true_values=["true"],
            false_values=["false"],
        ),
    )


def _format_blocks(rows: Iterable[Row]) -> Iterator[str]:
    stream = iter(rows)
    while block := list(islice(stream, _BLOCK_ROWS)):
        yield format_rows(block)


def _code(label: str) -> str:
    diagnosis = taxonomy.find(label)
    return diagnosis.code if diagnosis else label


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _to_utf8(text: str) -> str:
    r"""Escape bytes of a file name that are not UTF-8 as `\udc..`: the table must be UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
