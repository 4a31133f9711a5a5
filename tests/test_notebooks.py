"""The notebooks of `examples/` run from the first cell to the last, show their results, and leave no noise."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
# A reader trains for a minute, a test for seconds.
QUICK = {
    "first-detector": {
        "epochs=15": "epochs=1",
        "train=40, test=12": "train=15, test=3",
        "sensitivity=0.8": "sensitivity=0.5",
    },
    "your-own-folder": {"epochs=15": "epochs=1", "range(150)": "range(60)", "sensitivity=0.7": "sensitivity=0.5"},
    "assignment": {"50, 25\n": "3, 1\n", "test=15": "test=2"},
}
NOISE = ("<Figure size", "ipywidgets", "WARNING", "I0000", "tqdm")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def read(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def run_quickly(name, folder):
    """Run a notebook in a folder, with small numbers, and return it with its outputs."""
    notebook = read(name)
    for long, short in QUICK[name].items():
        assert any(long in cell.source for cell in notebook.cells), f"{name} no longer says {long!r}"
        for cell in notebook.cells:
            cell.source = cell.source.replace(long, short)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    return client.execute()


def results(notebook):
    """Yield each code cell with what it showed as its last value."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield cell, next((output.data for output in cell.outputs if output.output_type == "execute_result"), {})


def test_three_notebooks_are_there():
    assert sorted(QUICK) == NAMES


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


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_shows_its_results(name, tmp_path):
    notebook = run_quickly(name, tmp_path)
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
