"""The door to the notebooks' views; and a real notebook, run by Jupyter's kernel."""

import base64
import io
import sys
from html import escape
from types import SimpleNamespace

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image, ImageShow

import melanoma_detect as md
from melanoma_detect.errors import OutputError
from melanoma_detect.report import notebook
from melanoma_detect.utils.notebook import in_notebook, notebook_view, show


class Value:
    _repr_html_ = notebook_view

    def __str__(self):
        return "a <value>"


def test_what_has_no_view_is_its_text_with_the_reason():
    assert Value()._repr_html_() == (
        "<pre>a &lt;value&gt;</pre>\n<p>This is its text, because it has no view: TypeError: no view for Value</p>"
    )


def test_a_view_that_fails_is_the_text_with_the_reason(detector, data, monkeypatch):
    def fail(value):
        raise OSError("no <space> left")

    monkeypatch.setattr(notebook, "render", fail)
    prediction = detector.predict(data.test.paths[0])
    html = prediction._repr_html_()
    assert html.startswith(f"<pre>{escape(str(prediction))}</pre>")
    assert "OSError: no &lt;space&gt; left" in html


def test_a_view_that_is_interrupted_is_interrupted(monkeypatch):
    def interrupt(value):
        raise KeyboardInterrupt

    monkeypatch.setattr(notebook, "render", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Value()._repr_html_()


def pretend(monkeypatch, shell):
    """Pretend to run under IPython; return what is displayed."""
    shown = []
    display = SimpleNamespace(display=shown.append)
    ipython = SimpleNamespace(get_ipython=lambda: shell, display=display, version_info=(9, 0))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return shown


def test_in_a_notebook_a_value_is_displayed(monkeypatch):
    shown = pretend(monkeypatch, SimpleNamespace(kernel="a kernel"))
    assert in_notebook()
    show("value", draw=None)
    assert shown == ["value"]


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_in_a_shell_it_is_opened_as_an_image(shell, monkeypatch, detector, data):
    shown = pretend(monkeypatch, shell)
    opened = []
    monkeypatch.setattr(ImageShow, "show", lambda image: bool(opened.append(image) or True))
    assert not in_notebook()
    prediction = detector.predict(data.test.paths[0])
    prediction.show()
    assert shown == []
    assert opened[0].size == prediction.plot().to_image().size


def test_without_a_viewer_the_error_says_what_to_do(monkeypatch, detector, data):
    pretend(monkeypatch, None)
    monkeypatch.setattr(ImageShow, "show", lambda image: False)
    with pytest.raises(OutputError, match="savefig"):
        detector.predict(data.test.paths[0]).show()


CELLS = (
    "import melanoma_detect as md\ndetector = md.Detector.load('small.detector')\nprediction = detector.predict('photo.jpg')",
    "prediction",
    "detector.predict(['photo.jpg', 'photo.jpg'])",
    "prediction.show()",
    "prediction.plot()",
    "%matplotlib inline\nprediction.plot()",
    "import os\nos.remove('photo.jpg')\nprediction",
)


@pytest.fixture(scope="module")
def outputs(detector, tmp_path_factory):
    """Run the cells in a new kernel; return the outputs of each."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("notebook")
    detector.save(folder / "small.detector")
    Image.fromarray(md.draw_lesion("melanoma", seed=4, size=96).pixels).save(folder / "photo.jpg")
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    NotebookClient(page, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell.outputs for cell in page.cells]


def test_a_notebook_shows_views_and_plots(outputs):
    kinds = [[sorted(output.get("data", {})) for output in cell] for cell in outputs]
    html, png = ["text/html", "text/plain"], ["image/png", "text/plain"]
    assert kinds == [[], [html], [html], [html], [png], [png], [html]]


def test_a_notebook_hears_no_noise(outputs):
    assert [output for cell in outputs for output in cell if output.output_type in ("stream", "error")] == []


def test_a_plot_is_shown_once_and_sharp(outputs):
    for cell in (outputs[4], outputs[5]):
        assert len(cell) == 1
    # Half as wide on the page as the picture is: sharp on screens with two dots for a pixel.
    picture = Image.open(io.BytesIO(base64.b64decode(outputs[4][0].data["image/png"])))
    assert picture.width == pytest.approx(2 * outputs[4][0].metadata["image/png"]["width"], abs=1)


def test_a_file_that_has_gone_is_no_traceback(outputs):
    assert "the file is no longer there" in outputs[6][0].data["text/html"]
