"""What commands print: tables, and text that no terminal misreads.

rich takes a tenth of a second to import: it is imported only for a command that prints a table or a message.
"""

import json
import sys
from typing import TYPE_CHECKING, Any

from melanoma_detect.printable import printable, printable_lines
from melanoma_detect.utils.json_values import to_json

__all__ = ["echo", "escape_markup", "make_console", "make_table", "print_json", "print_note", "printable"]

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

    return Console(**{"highlight": False, "emoji": False} | options)


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
    from rich.markup import escape  # noqa: PLC0415

    return escape(str(text))


def echo(text: object = "", *, error: bool = False, end: str = "\n") -> None:
    r"""Print a text of one or several lines.

    Args:
        text: Anything; names in it may hold what would control a terminal, which is shown escaped.
        error: On standard error.
        end: What follows it.

    Examples:
        >>> echo("Written:\n  nevus\x1b[2J.jpg")
        Written:
          nevus\x1b[2J.jpg
    """
    print(printable_lines(text), end=end, file=sys.stderr if error else sys.stdout, flush=True)


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
