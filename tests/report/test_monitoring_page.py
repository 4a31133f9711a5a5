"""The page of a watched stream: with and without an alarm, sources and estimates."""

import numpy as np

import melanoma_detect as md
from melanoma_detect.monitoring.monitor import monitor_samples
from melanoma_detect.monitoring.reference import Reference
from melanoma_detect.monitoring.samples import Samples, Statistic
from melanoma_detect.report.monitoring_page import evidence, monitoring_page

MELANOMA = Statistic("melanoma")


def watched(shift):
    rng = np.random.default_rng(1)
    blocks = [
        Samples(
            f"week {week}", source, 50, values={MELANOMA: rng.uniform(size=50) ** (shift if source == "new" else 1)}
        )
        for week in range(6)
        for source in ("old", "<new>" if shift == 1 else "new")
    ]
    return monitor_samples(blocks, Reference("validation", {MELANOMA: rng.uniform(size=1000)}), alpha=0.05)


def test_an_alarm_is_shown_with_its_source():
    report = watched(3)
    page = monitoring_page(report)
    assert report.sentence in page
    assert "melanoma, new" in page
    assert report.alarm_period in page
    assert "Too few images, or the detector stores no labelled scores" in page


def test_without_an_alarm_there_is_no_warning_and_names_are_escaped():
    page = monitoring_page(watched(1))
    assert "No alarm" in page
    assert 'class="advice warn"' not in page
    assert "&lt;new&gt;" in page
    assert "<new>" not in page


def test_the_plot_has_a_line_of_each_of_the_strongest_tests():
    axes = evidence(watched(3)).axes[0]
    assert len(axes.lines) == 4  # and the alarm's level
    assert axes.get_yscale() == "log"
    axes.figure.draw_without_rendering()
    assert {"0.01", "1", "100", "10,000"} <= {label.get_text() for label in axes.get_yticklabels()}


def test_write_html_takes_the_report():
    assert md.report.write_html(watched(3), "watch.html").stat().st_size > 5000
