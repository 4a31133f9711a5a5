"""Rows become a table on disk, CSV or Parquet, a few at a time."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from melanoma_detect.errors import OutputError
from melanoma_detect.scoring.table import TRUTHS, Row, numbers, written

_ROWS = 512  # held at once as lists of texts, which take five times what one text of them does
_TEXTS = 16  # of so many rows each, in a row group of a Parquet file


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Row]) -> None:
    r"""Write a CSV table as RFC 4180 has it, in UTF-8.

    Args:
        path: Where to.
        names: The columns.
        rows: Rows, from a stream.

    Examples:
        >>> write_csv(Path("scores.csv"), ["path", "diagnosis"], [["a.jpg", "nevus"]])
        >>> Path("scores.csv").read_bytes()
        b'path,diagnosis\r\na.jpg,nevus\r\n'
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(written([names]))
        file.writelines(_texts(rows))


def write_parquet(path: Path, names: Sequence[str], rows: Iterable[Row]) -> None:
    """Write a Parquet table: texts, float64 numbers that may be null, and booleans.

    Args:
        path: Where to.
        names: The columns, as `rows.columns` gives them.
        rows: Rows, from a stream.

    Examples:
        >>> write_parquet(Path("scores.parquet"), ["path", "melanoma"], [["a.jpg", "0.5"], ["b.jpg", ""]])
        >>> import pyarrow.parquet as pq
        >>> pq.read_table("scores.parquet").to_pylist()
        [{'path': 'a.jpg', 'melanoma': 0.5}, {'path': 'b.jpg', 'melanoma': None}]
    """
    import pyarrow as pa  # noqa: PLC0415 - prediction starts without it
    from pyarrow import parquet as pq  # noqa: PLC0415

    types = {name: pa.string() for name in names}
    types |= dict.fromkeys(numbers(names), pa.float64()) | {name: pa.bool_() for name in TRUTHS if name in names}
    schema = pa.schema(list(types.items()))
    with pq.ParquetWriter(path, schema) as file:
        texts = _texts(rows)
        while group := "".join(islice(texts, _TEXTS)):
            file.write_table(_table(group, schema))


def _table(text: str, schema: Any) -> Any:
    """Make an Arrow table through its CSV reader: from lists, pyarrow would import pandas where that is installed."""
    from pyarrow import csv  # noqa: PLC0415

    return csv.read_csv(
        io.BytesIO(text.encode()),
        read_options=csv.ReadOptions(column_names=schema.names, use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict(zip(schema.names, schema.types, strict=True)),
            strings_can_be_null=False,
            null_values=[""],
            true_values=["true"],
            false_values=["false"],
        ),
    )


WRITERS: dict[str, Callable[[Path, Sequence[str], Iterable[Row]], None]] = {
    ".csv": write_csv,
    ".parquet": write_parquet,
}


def writer_of(out: str) -> Callable[[Path, Sequence[str], Iterable[Row]], None]:
    """Return what writes a table of this name.

    Args:
        out: A path or an address.

    Returns:
        `write_csv` or `write_parquet`.

    Raises:
        OutputError: The name ends in neither `.csv` nor `.parquet`.

    Examples:
        >>> writer_of("scores.parquet").__name__
        'write_parquet'
    """
    suffix = Path(out).suffix.lower()
    if suffix not in WRITERS:
        raise OutputError(f"{out}: expected a name that ends in {' or '.join(WRITERS)}")
    return WRITERS[suffix]


def _texts(rows: Iterable[Row]) -> Iterator[str]:
    stream = iter(rows)
    while group := list(islice(stream, _ROWS)):
        yield written(group)
