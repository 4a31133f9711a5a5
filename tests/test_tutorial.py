"""The pages of the documentation agree with the files and checks that they quote."""

import re
from pathlib import Path

from melanoma_detect.models.new_plugin import write_plugin

ROOT = Path(__file__).parents[1]
FILE_BLOCK = re.compile(r'^```\w+ title="(?P<file>[^"]+)"\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL)


def test_tutorial_quotes_a_new_plugin():
    plugin = write_plugin("my-net", author="Your Name").folder
    page = (ROOT / "docs" / "tutorials" / "own-architecture.md").read_text(encoding="utf-8")
    quoted = {match["file"]: match["text"] for match in FILE_BLOCK.finditer(page)}
    assert len(quoted) == 5
    for file, text in quoted.items():
        assert text.strip() == (plugin / file).read_text(encoding="utf-8").strip(), file


def test_contract_page_lists_every_check():
    from melanoma_detect.testing import MODEL_CHECKS

    page = (ROOT / "docs" / "reference" / "contract.md").read_text(encoding="utf-8")
    for check in MODEL_CHECKS:
        assert f"| `{check.__name__}` | {check.__doc__.splitlines()[0]} |" in page
