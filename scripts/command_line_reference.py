"""Regenerate docs/reference/command-line.md from the command line's own help.

python scripts/command_line_reference.py
"""

import html
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "command-line.md"
FIRST_SECTION = "## `melanoma-detect "


def main() -> None:
    """Keep the page's introduction, and replace every command's section by what Typer generates."""
    command = [
        sys.executable,
        "-m",
        "typer",
        "melanoma_detect.cli.typer_app",
        "utils",
        "docs",
        "--name",
        "melanoma-detect",
    ]
    generated = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # Typer escapes quotes and angle brackets, which MkDocs would then show escaped inside code.
    # And it calls the usage lines a console, whose lines the build of the documentation would run.
    sections = html.unescape(generated).partition(FIRST_SECTION)[2].replace("```console", "```text")
    introduction = PAGE.read_text(encoding="utf-8").partition(FIRST_SECTION)[0]
    PAGE.write_text(introduction + FIRST_SECTION + sections.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
