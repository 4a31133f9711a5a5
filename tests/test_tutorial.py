"""The tutorial on architectures shows the example plugin as it is."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "examples" / "melanoma-detect-example-plugin"
SHOWN = re.compile(r'^```\w+ title="(?P<file>[^"]+)"\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL)


def test_the_files_in_the_tutorial_are_the_examples():
    page = (ROOT / "docs" / "tutorials" / "own-architecture.md").read_text(encoding="utf-8")
    shown = {found["file"]: found["text"] for found in SHOWN.finditer(page)}
    assert len(shown) == 4
    for file, text in shown.items():
        assert text.strip() == (PLUGIN / file).read_text(encoding="utf-8").strip(), file


def test_the_reference_has_every_check_in_its_words():
    from melanoma_detect.testing import MODEL_CHECKS

    page = (ROOT / "docs" / "reference" / "contract.md").read_text(encoding="utf-8")
    for check in MODEL_CHECKS:
        assert f"| `{check.__name__}` | {check.__doc__.splitlines()[0]} |" in page
