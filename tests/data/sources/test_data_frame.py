"""Tables in memory."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from melanoma_detect.data.sources.table_reader import read_table
from melanoma_detect.errors import DatasetError


def rows(source):
    table = read_table(source)
    return [(row.name, table.label(row)) for row in table.rows]


@pytest.mark.parametrize(
    "source",
    [
        pd.DataFrame({"image": ["a", "b"], "label": ["nevus", "melanoma"]}),
        pd.DataFrame({"label": pd.Categorical(["nevus", "melanoma"])}, index=["a", "b"]),
        pd.Series(["nevus", "melanoma"], index=["a", "b"]),
        pl.DataFrame({"image": ["a", "b"], "label": ["nevus", "melanoma"]}),
        {"a": "nevus", "b": "melanoma"},
        {"image": ["a", "b"], "label": np.array(["nevus", "melanoma"])},
    ],
)
def test_every_kind_is_read(source):
    assert rows(source) == [("a", "nevus"), ("b", "melanoma")]


def test_numbers_booleans_and_missing_values():
    frame = pd.DataFrame(
        {"image": [1.0, 2.0, np.nan], "MEL": [True, False, True], "NV": [False, True, False], "age": [5, pd.NA, 1]}
    )
    with pytest.warns(match="1 of 3 rows names no image"):
        table = read_table(frame)
    assert [(row.name, dict(row.cells)) for row in table.rows] == [
        ("1", {"MEL": "True", "NV": "False", "age": "5"}),
        ("2", {"MEL": "False", "NV": "True"}),
    ]


@pytest.mark.parametrize("source", [[1, 2], 5, pd.DataFrame({"age": [1]}), {"image": ["a"], "label": ["b", "c"]}])
def test_what_is_no_table_raises(source):
    with pytest.raises(DatasetError, match=r"no table|no column names the images"):
        read_table(source)
