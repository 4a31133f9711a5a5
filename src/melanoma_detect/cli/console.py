"""What commands print: tables, and text that no terminal misreads.

rich takes a tenth of a second to import: it is imported only for a command that prints a table or a message.
"""

import json
from typing import TYPE_CHECKING, Any

from melanoma_detect.utils.json_values import to_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def make_console(**options: Any) -> "Console":
    """Return a console that prints tables and messages, without highlighting numbers and paths.

    Args:
        **options: Of rich's `Console`.

    Returns:
        The console.
    """
    from rich.console import Console  # noqa: PLC0415

    return Console(**{"highlight": False} | options)


def make_table(*columns: str, **options: Any) -> "Table":
    """Return an empty table without lines.

    Args:
        *columns: Column titles.
        **options: Of rich's `Table`.

    Returns:
        The table.
    """
    from rich.table import Table  # noqa: PLC0415

    return Table(*columns, **{"box": None, "pad_edge": False} | options)


def escape_markup(text: object) -> str:
    r"""Return a text that rich prints unchanged.

    Args:
        text: Anything.

    Returns:
        The text, with square brackets escaped.

    Examples:
        >>> escape_markup("[bold]")
        '\\[bold]'
    """
    return str(text).replace("[", r"\[")


def printable(text: object) -> str:
    r"""Return a text that every terminal can show, and that cannot control one.

    Args:
        text: Anything; names of files may hold line breaks, control characters, and bytes that are not UTF-8.

    Returns:
        The text, with such characters as Python writes them.

    Examples:
        >>> printable("n\udce4vus.jpg")
        'n\\udce4vus.jpg'
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(text))


def print_note(kind: str, text: object) -> None:
    """Print a message on standard error, after a word in colour.

    Args:
        kind: `"Error"`, `"Note"` or `"Interrupted"`.
        text: The message.
    """
    colour = "red" if kind == "Error" else "yellow"
    make_console(stderr=True, soft_wrap=True).print(f"[{colour}]{kind}:[/] {escape_markup(printable(text))}")


def print_json(document: Any) -> None:
    """Print a value as strict JSON.

    Args:
        document: Mappings, sequences, texts, numbers, paths, NumPy scalars and arrays.
    """
    print(json.dumps(to_json(document), indent=2, allow_nan=False), flush=True)  # noqa: T201 - this is what prints
