"""Text files that are there only once they are complete: their existence means that a step is done."""

from pathlib import Path


def write_text(file: Path, text: str) -> None:
    """Write a text file completely or not at all."""
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
