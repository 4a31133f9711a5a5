"""The documentation is whole: every page in the navigation, every public name in the reference, every plot in the gallery."""

import re
from pathlib import Path

import pages
import pytest

import melanoma_detect as md

CONFIGURATION = (pages.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
NAVIGATION = CONFIGURATION.partition("\nnav:\n")[2]
REFERENCE = "\n".join(page.read_text(encoding="utf-8") for page in sorted((pages.DOCS / "reference").glob("*.md")))
DIRECTIVES = re.findall(r"^::: melanoma_detect\.(\S+)", REFERENCE, re.MULTILINE)


def test_every_page_and_notebook_is_in_the_navigation():
    expected = {page.relative_to(pages.DOCS).as_posix() for page in pages.documentation_pages()}
    expected |= {f"notebooks/{notebook.stem}.md" for notebook in pages.notebooks()}
    assert set(re.findall(r"[\w/-]+\.md", NAVIGATION)) == expected


@pytest.mark.parametrize("name", sorted(md.__all__))
def test_every_public_name_is_in_the_reference(name):
    assert any(name in directive.split(".") for directive in DIRECTIVES)


@pytest.mark.parametrize("name", md.report.plots.__all__)
def test_every_plot_is_in_the_reference_and_in_the_gallery(name):
    assert any(directive.startswith("report.") and directive.endswith(f".{name}") for directive in DIRECTIVES)
    gallery = (pages.DOCS / "gallery.md").read_text(encoding="utf-8")
    assert re.search(rf"md\.report\.plots\.{name}\(", gallery)


def test_the_reference_hides_every_name_that_was_renamed():
    hidden = re.compile(re.search(r'"!(\^\(answers.*)"', CONFIGURATION)[1])
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (pages.ROOT / "src").rglob("*.py"))
    renamed = re.findall(r' warn_renamed\(f?"(?:\w+|\{[\w.]+\})\.(\w+)"', sources)
    assert {"pictures", "verdict"} <= set(renamed)
    assert [name for name in renamed if name != "old" and not hidden.match(name)] == []


def test_no_page_names_a_file_that_is_not_there():
    for page in pages.documentation_pages():
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "notebooks/" not in target and target != "demo/detector.html":  # made when the documentation is built
                assert Path(page.parent, target).exists(), f"{page}: {target}"
