"""Decisions of a score table, counted while its rows pass."""

from melanoma_detect.scoring.decision_counts import DecisionCounts

NAMES = ("path", "decision", "reason", "error")


def test_decisions_are_counted_and_the_first_errors_kept():
    good = [["a.jpg", "alert", "", ""], ["b.jpg", "clear", "", ""], ["c.jpg", "refer", "blurred", ""]]
    bad = [[f"{at}.jpg", "refer", "unreadable", f"{at}.jpg: no such file"] for at in range(7)]
    counts = DecisionCounts(NAMES)
    assert list(counts.count([*good, *bad])) == [*good, *bad]
    assert counts.decisions == {"alert": 1, "clear": 1, "refer": 8}
    assert counts.unreadable == 7
    assert counts.errors == [f"{at}.jpg: no such file" for at in range(5)]
