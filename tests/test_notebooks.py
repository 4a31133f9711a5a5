"""The notebooks of `examples/` run from the first cell to the last, show their results, and leave no noise."""

import re
from pathlib import Path

import nbformat
import pages
import pytest

FOLDER = Path(__file__).parents[1] / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
NOISE = ("<Figure size", "ipywidgets", "WARNING", "I0000", "tqdm")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def read(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def results(notebook):
    """Yield each code cell with what it showed as its last value."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield cell, next((output.data for output in cell.outputs if output.output_type == "execute_result"), {})


def test_four_notebooks_are_there():
    assert NAMES == ["assignment", "first-detector", "mistake-lab", "your-own-folder"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_stored_without_outputs(name):
    notebook = read(name)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("name", NAMES)
def test_the_links_of_a_notebook_lead_somewhere(name):
    text = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "markdown")
    for target in LINK.findall(text):
        assert (FOLDER / target).exists(), target


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_shows_its_results(name):
    notebook = pages.run_notebook(FOLDER / f"{name}.ipynb")  # the documentation's build takes over what this run shows
    shown = [data for _, data in results(notebook) if data]
    rich = [data for data in shown if "text/html" in data or "image/png" in data]
    assert len(rich) >= 6
    for cell, data in results(notebook):
        errors = [output.text for output in cell.outputs if output.get("name") == "stderr"]
        # The cells that warn on purpose are marked.
        assert not errors or {"warns", "may_warn"} & {*cell.metadata.get("tags", [])}, "".join(errors)
        noise = [word for output in cell.outputs for word in NOISE if word in str(output.get("text", ""))]
        assert not noise, noise
        assert "text/html" in data or "image/png" in data or "<Figure size" not in data.get("text/plain", "")
