"""How bars are drawn: on a terminal, and in the kernel of a notebook."""

import nbformat
import pytest
from nbclient import NotebookClient

from melanoma_detect.utils.progress import ProgressBar
from melanoma_detect.utils.progress_painters import NotebookPainter, describe_state, describe_time

NOTEBOOK = """
import time
from melanoma_detect.utils import progress
from melanoma_detect.utils.progress import progress_bar, stage
progress.DELAY = 0.2
"""
WORK = """
with progress_bar("evaluating"):
    for _ in stage(range(6), "predicting", 6):
        time.sleep(0.2)
"""
LINES = """
with progress_bar("training", 3) as bar:
    bar.print("epoch 1/3 <best>")
    time.sleep(0.3)
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return the cells of a notebook that was executed, and everything that the kernel sent for the second one."""
    sent = []
    cells = [nbformat.v4.new_code_cell(source) for source in (NOTEBOOK, WORK, LINES, "print('done')")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path_factory.mktemp("nb"))}})
    process = client.process_message
    client.process_message = lambda message, cell, index: sent.append(message) or process(message, cell, index)
    client.execute()
    return notebook.cells, sent


def test_a_notebook_shows_one_line_of_html_and_keeps_nothing(executed):
    cells, sent = executed
    updates = [
        message["content"]["data"]["text/html"] for message in sent if message["msg_type"] == "update_display_data"
    ]
    assert any("predicting: " in html and "<progress" in html and "/6 · " in html for html in updates)
    (output,) = cells[1].outputs  # one output, and empty: widgets and lines on standard error would stay
    assert output["data"] == {"text/plain": "", "text/html": ""}
    assert cells[3].outputs[0]["text"] == "done\n"


def test_printed_lines_stay_in_the_notebook_without_the_bar(executed):
    (output,) = executed[0][2].outputs
    assert output["data"]["text/plain"] == "epoch 1/3 <best>"
    assert output["data"]["text/html"] == "<pre>epoch 1/3 &lt;best&gt;</pre>"


def test_the_state_is_described_in_one_line():
    bar = ProgressBar("reading", shown=False)
    assert describe_state(bar, bar.started + 3) == "0:03 elapsed"
    bar.restart(total=1000, completed=500)
    bar.advance(250)
    assert describe_state(bar, bar.started + 10) == "750/1,000 · 0:10 elapsed, 0:10 left"
    bar.restart(total=0)
    assert describe_state(bar, bar.started + 1) == "0/0 · 0:01 elapsed"


def test_durations_are_written_as_clocks_show_them():
    assert [describe_time(seconds) for seconds in (0.4, 59, 60, 3600)] == ["0:00", "0:59", "1:00", "1:00:00"]


def test_an_indeterminate_bar_has_no_value():
    painter = NotebookPainter(ProgressBar("resampling", shown=False))
    assert "value=" not in painter.contents("0:03 elapsed")["text/html"]
