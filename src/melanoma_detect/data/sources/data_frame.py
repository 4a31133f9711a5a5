"""Tables that are already in memory: a pandas DataFrame or Series, what converts to one, or a mapping of names to labels."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from melanoma_detect.data.sources.columns import find_image_column
from melanoma_detect.data.sources.header import clean_name
from melanoma_detect.data.sources.table_file import TableFile
from melanoma_detect.data.sources.workbook import to_text
from melanoma_detect.errors import DatasetError


def is_in_memory(source: object) -> bool:
    """Return whether a source is a table in memory, and no path.

    Args:
        source: Anything.

    Returns:
        Whether it is a mapping, or a DataFrame of pandas, polars or pyarrow.

    Examples:
        >>> is_in_memory({"a": "nevus"}), is_in_memory("labels.csv")
        (True, False)
    """
    return isinstance(source, Mapping) or hasattr(source, "to_pandas") or _is_pandas(source)


def open_in_memory(source: Any) -> TableFile:
    """Read a table that is in memory.

    Args:
        source: A DataFrame of pandas (or of polars or pyarrow, by its `to_pandas`): one of its columns, or its index, names
            the images. A Series or a mapping: labels by image. A mapping of columns to lists.

    Returns:
        Its columns and rows as text; missing values are empty.

    Raises:
        DatasetError: It is none of these.

    Examples:
        >>> table = open_in_memory({"a.jpg": "nevus"})
        >>> table.columns, list(table.read([0, 1]))
        (('image', 'label'), [['a.jpg', 'nevus']])
    """
    if hasattr(source, "to_pandas"):
        source = source.to_pandas()
    if _is_pandas(source):
        return _from_pandas(source)
    if not isinstance(source, Mapping):
        raise DatasetError(
            f"a {type(source).__name__} is no table; expected the path of one, a DataFrame, or a dict of labels"
        )
    values = list(source.values())
    lists = [value for value in values if isinstance(value, Sequence) and not isinstance(value, (str, bytes))]
    if not lists and not any(hasattr(value, "__array__") and getattr(value, "shape", ()) for value in values):
        return _from_columns({"image": list(source), "label": values})
    if len(lists) < len(values):
        lists = [list(value) for value in values]
    if len({len(value) for value in lists}) != 1:
        raise DatasetError(
            "a dict of lists of different lengths is no table; expected {image: label}, or columns of one length"
        )
    return _from_columns(dict(zip(map(str, source), lists, strict=True)))


def _is_pandas(source: object) -> bool:
    return (
        type(source).__module__.partition(".")[0] == "pandas" and hasattr(source, "index") and hasattr(source, "notna")
    )


def _from_pandas(source: Any) -> TableFile:
    if not hasattr(source, "columns"):  # a Series: labels by image
        return _from_columns({"image": _values(source.index.to_series()), "label": _values(source)})
    if getattr(source.columns, "nlevels", 1) > 1 or getattr(source.index, "nlevels", 1) > 1:
        raise DatasetError(
            "a DataFrame with several levels of columns or index; expected one level: call reset_index()"
        )
    names = [clean_name(str(name)) for name in source.columns]
    cells = [_values(source.iloc[:, position]) for position in range(len(names))]
    index = source.index
    values = _values(index.to_series())
    # An index without a name counts only where no column names the images, and not where it numbers the rows.
    unnamed = find_image_column(names) is None and not all(isinstance(value, int) for value in values)
    if index.name is not None or unnamed:
        names.append("image" if index.name is None else clean_name(str(index.name)))
        cells.append(values)
    return _from_lists(names, cells)


def _values(series: Any) -> list[Any]:
    values: list[Any] = series.astype(object).where(series.notna(), None).tolist()
    return values


def _from_columns(columns: Mapping[str, Sequence[Any]]) -> TableFile:
    return _from_lists([clean_name(name) for name in columns], [list(cells) for cells in columns.values()])


def _from_lists(names: Sequence[str], cells: Sequence[Sequence[Any]]) -> TableFile:
    def read(chosen: Sequence[int]) -> Iterator[list[str]]:
        return ([to_text(cell) for cell in row] for row in zip(*(cells[position] for position in chosen), strict=True))

    return TableFile(tuple(names), read)
