"""The report as text and as plain values."""

import json

import pytest

from melanoma_detect.errors import OutputError
from melanoma_detect.monitoring.monitor import monitor_samples


def test_more_nevi_are_explained_by_their_prevalence(stream, reference):
    report = monitor_samples(stream(10, 200, prevalence=[0.01] * 10), reference, alpha=0.05)
    assert report.alarm
    assert "Another share of melanomas would explain it" in report.sentence


def test_other_images_are_not(stream, reference):
    report = monitor_samples(stream(10, 200, shift=[-1.5] * 10), reference, alpha=0.05)
    assert "No share of melanomas explains it" in report.sentence
    assert repr(report) == f"<Monitoring 2,000 images in 10 periods: alarm in {report.alarm_period}>"
    assert f"ALARM in {report.alarm_period}: " in str(report)


def test_the_report_is_json(stream, reference):
    report = monitor_samples(stream(3, 20, shift=[0.0] * 3), reference, alpha=0.05)
    saved = report.save("watch.json").read_text(encoding="utf-8")
    assert json.loads(saved)["alarm"] is False
    with pytest.raises(OutputError, match="exists"):
        report.save("watch.json")
    with pytest.raises(OutputError, match="json"):
        report.save("watch.txt")
