"""Records as a data frame. Apart from `record`, which readers of tables use without pandas."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from melanoma_detect.data.record import COLUMNS, Record


def frame_of(records: Sequence[Record]) -> pd.DataFrame:
    """Return records as a table.

    Args:
        records: The records.

    Returns:
        One row a record; the columns id, path, label, split, group, parent, source.

    Examples:
        >>> len(frame_of(data.records)) == len(data)
        True
    """
    rows: list[list[Any]] = [[getattr(record, column) for column in COLUMNS] for record in records]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"path": object})
