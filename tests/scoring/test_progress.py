"""The progress bar of scoring."""

import io
import sys
import time

import melanoma_detect as md
from melanoma_detect.scoring.progress import track_scoring
from melanoma_detect.utils import progress


class Terminal(io.StringIO):
    """Standard error that claims to be a terminal."""

    def isatty(self):
        return True


def test_the_progress_bar_shows_count_and_rate_on_a_terminal(make_detector, make_images, monkeypatch):
    folder = make_images({f"{number}.png": number for number in range(9)})
    detector = make_detector()
    monkeypatch.setattr(progress, "DELAY", 0.0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with track_scoring(lambda: range(9), shown=True) as tracker:
        tracker.skip(2)
        for _ in range(7):
            tracker.advance(1)
            time.sleep(0.05)
    shown = sys.stderr.getvalue()
    assert "/9 " in shown
    assert "images/s" in shown
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    md.score(folder, detector=detector, out="scores.csv", batch_size=2)
    assert sys.stderr.getvalue() == ""
