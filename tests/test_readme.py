"""The README is short, its pictures are there, its links lead somewhere, and its figures are those of the documentation."""

import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PICTURES = re.findall(r'<img src="([^"]+)"', README)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def test_the_readme_is_short():
    assert len(README.splitlines()) < 150


def test_the_pictures_are_there_and_small():
    assert PICTURES == ["docs/images/prediction.webp", "docs/images/audit.webp"]
    paths = [ROOT / name for name in PICTURES]
    for path in paths:
        with Image.open(path) as picture:
            assert picture.width >= 1200  # sharp at the width of 700 that it is shown at
    assert sum(path.stat().st_size for path in paths) < 200_000


def test_every_picture_has_a_text_that_says_what_it_shows():
    texts = re.findall(r'<img [^>]*alt="([^"]+)"', README)
    assert len(texts) == len(PICTURES)
    assert all(len(text) > 40 for text in texts)


@pytest.mark.parametrize("target", sorted(set(LINK.findall(README))))
def test_a_link_leads_somewhere(target):
    assert (ROOT / target).exists()


def test_the_figures_are_those_of_the_default_detectors_page():
    page = (ROOT / "docs" / "explanation" / "default-detector.md").read_text(encoding="utf-8")
    section = README.split("## How good is it?")[1].split("\n## ")[0]
    rows = [line.split("|")[2] for line in section.splitlines() if line.startswith("| ") and "[95 %" not in line]
    figures = [figure for row in rows for figure in re.findall(r"0\.\d{3}(?: \[0\.\d{3}, [01]\.\d{3}\])?", row)]
    assert len(figures) >= 12
    assert [figure for figure in figures if figure not in page] == []
