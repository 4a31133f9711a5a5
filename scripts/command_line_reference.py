"""Write docs/reference/command-line.md anew from the command line itself.

python scripts/command_line_reference.py
"""

import html
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "command-line.md"


def main() -> None:
    """Keep the page's beginning; take every verb's section from typer."""
    command = [sys.executable, "-m", "typer", "melanoma_detect.cli", "utils", "docs", "--name", "melanoma-detect"]
    told = html.unescape(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    first = "## `melanoma-detect "
    beginning, sections = PAGE.read_text(encoding="utf-8").partition(first)[0], told.partition(first)[2]
    PAGE.write_text(beginning + first + sections.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
