"""The table of the images of each class in each split, as `classes` and `balance` print it."""

from typing import TYPE_CHECKING

from melanoma_detect.cli.console import escape_markup, make_table, printable

if TYPE_CHECKING:
    from rich.table import Table

    import melanoma_detect as md


def splits_table(data: "md.Dataset") -> "Table":
    """Return the table of a dataset's classes and splits.

    Args:
        data: The dataset.

    Returns:
        A row for each class with its images in train, validation, test and in all, and its share of train.

    Examples:
        >>> splits_table(data).row_count
        10
    """
    counts = data.distribution()
    table = make_table("class", *counts.columns, "share of train")
    for column in table.columns[1:]:
        column.justify = "right"
    total = int(counts["train"].sum())
    for label, row in counts.iterrows():
        share = f"{row['train'] / total:.1%}" if total else ""
        table.add_row(escape_markup(printable(label)), *map(str, row), share)
    table.add_row("all", *(str(int(counts[column].sum())) for column in counts.columns), "", style="bold")
    return table
