"""Progress bars: when they appear, where, and what they cost."""

import io
import sys
import threading
import time

import pytest

from melanoma_detect.utils import progress
from melanoma_detect.utils.progress import ProgressBar, describe_stage, find_screen, progress_bar, stage, track


class Terminal(io.StringIO):
    """Standard error that claims to be a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def open_terminal(monkeypatch):
    """Return a function that makes standard error a terminal, on which bars appear at once."""
    monkeypatch.setattr(progress, "DELAY", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")

    def open_it():  # in the test: pytest sets standard error between a fixture and its test
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    return open_it


def slowly(items):
    for item in items:
        yield item
        time.sleep(0.05)


def test_a_bar_shows_count_and_remaining_time_on_a_terminal(open_terminal, capsys):
    terminal = open_terminal()
    assert list(track(slowly(range(12)), "counting", 12)) == list(range(12))
    shown = terminal.getvalue()
    assert "counting" in shown
    assert "/12 · " in shown
    assert "elapsed" in shown
    assert " left" in shown
    assert capsys.readouterr().out == ""


def test_a_unit_shows_the_rate(open_terminal):
    terminal = open_terminal()
    with ProgressBar("scoring", 100, unit="images") as bar:
        bar.advance(100)
        time.sleep(0.3)
    assert "images/s" in terminal.getvalue()


def test_quick_work_shows_no_bar(open_terminal, monkeypatch):
    terminal = open_terminal()
    monkeypatch.setattr(progress, "DELAY", 2.0)
    assert list(track(range(3), "counting", 3)) == [0, 1, 2]
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("reason", ["shown", "variable", "no terminal"])
def test_bars_can_be_turned_off_and_stay_out_of_files(open_terminal, monkeypatch, reason):
    terminal = open_terminal()
    if reason == "variable":
        monkeypatch.setenv("MELANOMA_DETECT_PROGRESS", "0")
    if reason == "no terminal":
        monkeypatch.setattr(terminal, "isatty", lambda: False)
    before = threading.active_count()
    with progress_bar("counting", 3, shown=reason != "shown") as bar:
        list(stage(slowly(range(3)), "reading", 3))
        assert threading.active_count() == before
    assert terminal.getvalue() == ""
    assert bar.completed == 3


def test_stages_of_what_is_called_are_shown_on_the_bar_that_is_open(open_terminal):
    terminal = open_terminal()
    with progress_bar("evaluating") as bar:
        list(stage(slowly(range(4)), "predicting", 100, each=32))
        assert (bar.description, bar.completed, bar.total) == ("predicting", 100, 100)
        describe_stage("resampling")
        assert (bar.description, bar.completed, bar.total) == ("resampling", 0, None)
        time.sleep(0.3)
    assert "predicting" in terminal.getvalue()
    assert "resampling" in terminal.getvalue()


def test_one_bar_at_a_time_and_a_hidden_one_hides_those_inside(open_terminal):
    terminal = open_terminal()
    with progress_bar("outer") as outer, progress_bar("inner", 3) as inner:
        assert inner is outer
    text = terminal.getvalue()
    with progress_bar("outer", shown=False), progress_bar("inner", shown=True):
        time.sleep(0.2)
    assert terminal.getvalue() == text


def test_without_a_bar_items_are_returned_as_they_are():
    items = [1, 2, 3]
    assert stage(items, "reading", 3) is items
    describe_stage("reading")


def test_other_threads_have_no_bar():
    items, found = [1], []
    with progress_bar("outer", shown=False):
        thread = threading.Thread(target=lambda: found.append(stage(items, "reading")))
        thread.start()
        thread.join()
    assert found == [items]


def test_lines_are_printed_above_the_bar_and_also_without_one(open_terminal, capsys, monkeypatch):
    terminal = open_terminal()
    with ProgressBar("training", 3) as bar:
        time.sleep(0.2)
        bar.print("epoch [1/3]")
    assert "epoch [1/3]\n" in terminal.getvalue()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with ProgressBar("training", 3) as bar:
        bar.print("epoch 1/3")
    assert sys.stderr.getvalue() == "epoch 1/3\n"
    with ProgressBar("training", 3, shown=False) as bar:
        bar.print("epoch 1/3")
    assert sys.stderr.getvalue() == "epoch 1/3\n"


def test_a_line_for_a_closed_standard_error_is_dropped(monkeypatch):
    closed = io.StringIO()
    closed.close()
    for stream in (None, closed):
        monkeypatch.setattr(sys, "stderr", stream)
        with ProgressBar("training", 3) as bar:
            bar.print("epoch 1/3")


def test_an_error_ends_the_bar(open_terminal):
    open_terminal()
    with pytest.raises(ValueError, match="bad"), ProgressBar("counting") as bar:
        raise ValueError("bad")
    assert not bar._thread.is_alive()


def test_an_earlier_run_does_not_count_for_the_speed():
    bar = ProgressBar("scoring", 100, shown=False)
    bar.restart(total=100, completed=40)
    bar.advance(10)
    assert (bar.completed, bar.counted) == (50, 10)


def test_a_closed_standard_error_is_no_screen(monkeypatch):
    closed = io.StringIO()
    closed.close()
    for stream in (None, closed):
        monkeypatch.setattr(sys, "stderr", stream)
        assert find_screen() is None


def test_counting_costs_next_to_nothing():
    count = 100_000
    with progress_bar("counting", shown=False):
        started = time.perf_counter()
        for _ in stage(range(count), "counting", count):
            pass
        seconds = time.perf_counter() - started
    assert seconds / count < 1e-5
