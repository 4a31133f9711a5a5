"""The pages as they are written for the site: outputs below their blocks, figures described, no paths of this machine."""

import base64
import io

import build_docs
import pages
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image


def png(colour, width=30):
    file = io.BytesIO()
    Image.new("RGB", (width, 20), colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def shown(**data):
    return new_output("display_data", data={kind.replace("_", "/"): value for kind, value in data.items()})


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a page with given outputs for each of its blocks; return what the site gets."""
    monkeypatch.setattr(build_docs, "DOCS", tmp_path / "docs")

    def write(text, *outputs):
        path = tmp_path / "docs" / "how-to" / "page.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        cells = [new_code_cell("", outputs=list(output)) for output in outputs]
        build_docs.Site(tmp_path / "out").write_page(
            pages.PageRun(path, pages.find_blocks(text), new_notebook(cells=cells))
        )
        return (tmp_path / "out" / "how-to" / "page.md").read_text(encoding="utf-8")

    return write


def test_what_a_block_printed_stands_below_it(write):
    written = write(
        "Before\n\n```python warns\n1\n```\n\nAfter\n", [printed("a sentence\n"), printed("a warning\n", "stderr")]
    )
    assert written == (
        "Before\n\n```python\n1\n```\n\n``` { .text .output .no-copy }\na sentence\n```\n\n"
        "``` { .text .output .output-error .no-copy }\na warning\n```\n\nAfter\n"
    )


def test_columns_are_marked_and_fences_in_outputs_do_not_end_them(write):
    written = write("```python\n1\n```\n", [printed("name    value\n```\n")])
    assert "```` { .text .output .output-columns .no-copy }\nname    value\n```\n````" in written


def test_a_console_shows_commands_and_what_they_print(write):
    written = write("```console\n$ ls\n$ rm a \\\n    b\n```\n", [printed("isic9\n"), printed("")])
    assert written == (
        "```console\n$ ls\n```\n\n``` { .text .output .no-copy }\nisic9\n```\n\n```console\n$ rm a \\\n    b\n```\n\n"
    )


def test_an_indented_block_keeps_its_place_in_the_list(write):
    assert "    ``` { .text .output .no-copy }\n    one\n    ```" in write(
        "1. A\n\n    ```python\n    1\n    ```\n", [printed("one")]
    )


def test_a_figure_has_a_file_a_width_and_a_description(write, tmp_path):
    written = write("```python\n1\n```\n<!-- alt: A line [thin] -->\n", [shown(**{"image/png": png("red", width=64)})])
    assert "<!--" not in written
    assert "![A line (thin)](../outputs/" in written
    assert "width=64 loading=lazy" in written
    assert len(list((tmp_path / "out" / "outputs").glob("*.png"))) == 1


def test_a_figure_without_a_description_is_refused(write):
    with pytest.raises(pages.PageError, match=r"page.md:1, output 1: a figure without a description"):
        write("```python\n1\n```\n", [shown(**{"image/png": png("red")})])


def test_images_in_a_view_become_files_and_a_style_sheet_comes_once(write, tmp_path):
    view = f'<style>.a {{}}</style><img alt="x" src="data:image/png;base64,{png("blue")}">'
    written = write(
        "```python\n1\n```\n\n```python\n2\n```\n", [shown(**{"text/html": view})], [shown(**{"text/html": view})]
    )
    assert written.count("<style>") == 1
    assert written.count('src="../../outputs/') == 2
    assert len(list((tmp_path / "out" / "outputs").glob("*.png"))) == 1


def test_a_notebook_becomes_a_page_with_itself_to_download(tmp_path):
    path = tmp_path / "first.ipynb"
    path.write_text("{}", encoding="utf-8")
    cells = [
        new_markdown_cell("# First\n\nSee [audit](../docs/how-to/audit.md)."),
        new_code_cell("1 + 1", outputs=[printed("2\n")]),
        new_markdown_cell("The end."),
    ]
    build_docs.Site(tmp_path / "out").write_notebook(path, new_notebook(cells=cells))
    written = (tmp_path / "out" / "notebooks" / "first.md").read_text(encoding="utf-8")
    assert written.startswith(
        "# First\n\nSee [audit](../how-to/audit.md).\n\nThis page is a notebook: [first.ipynb](first.ipynb)"
    )
    assert "```python\n1 + 1\n```\n\n``` { .text .output .no-copy }\n2\n```\n\nThe end.\n" in written
    assert (tmp_path / "out" / "notebooks" / "first.ipynb").is_file()
