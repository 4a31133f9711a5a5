"""A note on folders that an output needs and that are not there: a slip in a path is seen before the work begins."""

from pathlib import Path

from melanoma_detect.cli.console import print_note


def note_missing_folder(*outputs: Path | None) -> None:
    """Print a note on standard error for each output whose folder is not there, and is made for it.

    Args:
        *outputs: Paths that a command will write; None for one that is not asked for.
    """
    for out in outputs:
        if out is not None and not out.parent.exists():
            print_note("Note", f"{out.parent}: no such folder; it will be made for {out.name}")
