"""`monitor` from tables to a report: alarms, baselines, sources and wrong arguments."""

import json

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, DetectorError
from melanoma_detect.monitoring.samples import Statistic
from melanoma_detect.monitoring.sketch import Sketch, detector_digest
from melanoma_detect.monitoring.sketch_file import pack_sketch

DAYS = [f"2026-11-{day:02d}" for day in range(1, 13)]


@pytest.fixture
def write_stream(write_table, draw_scores):
    def write(shifts, name="clinic", **options):
        return [
            write_table(f"{name}_{day}.csv", draw_scores(np.random.default_rng(number), 80, shift=shift)[0], **options)
            for number, (day, shift) in enumerate(zip(DAYS, shifts, strict=False))
        ]

    return write


def test_a_stream_like_its_baseline_raises_no_alarm(write_stream, detector):
    tables = write_stream([0.0] * 12)
    report = md.monitor(tables[4:], baseline=tables[:4], detector=detector)
    assert not report.alarm
    assert report.periods == tuple(DAYS[4:])
    assert str(report).startswith("No alarm: 640 images in 8 periods do not differ clearly from the baseline")


def test_a_change_after_the_baseline_is_dated(write_stream, detector):
    tables = write_stream([0.0] * 8 + [1.5] * 4, decision="alert")
    report = md.monitor(tables[4:], baseline=tables[:4], detector=detector)
    assert report.alarm_period in DAYS[8:10]
    assert "probabilities of a malignant diagnosis are higher" in str(report)
    alerts = next(share for share in report.shares if share.name == "alert")
    assert alerts.value == alerts.high == 1


def test_validation_is_the_reference_by_default(detector, lesions):
    for day in DAYS[:2]:
        md.score(lesions / "Train", detector=detector, out=f"{day}.csv", progress=False)
    report = md.monitor([f"{day}.csv" for day in DAYS[:2]], detector=detector, by="folder")
    assert report.reference == "validation"
    assert len(report.sources) == 9
    document = json.loads(report.save("watch.json").read_text(encoding="utf-8"))
    assert document["sentence"] == report.sentence
    assert document["images"] == list(report.images)


def test_the_source_of_a_change_is_in_the_sentence(write_stream, detector):
    old = write_stream([0.0] * 12, folder="old camera")
    new = write_stream([0.0] * 6 + [2.0] * 6, name="second", folder="new camera")
    report = md.monitor(old[4:] + new[4:], baseline=old[:4] + new[:4], detector=detector, by="folder")
    assert report.changed_sources == ("new camera",)
    assert "the change shows in new camera" in str(report)


def test_wrong_arguments_are_named(write_table, detector):
    table = write_table("scores.csv", [0.1])
    for alpha in (0, 1, "high"):
        with pytest.raises(DetectorError, match="alpha"):
            md.monitor(table, detector=detector, alpha=alpha)
    with pytest.raises(DetectorError, match="seed"):
        md.monitor(table, detector=detector, seed=-1)


def test_scores_of_another_detector_are_named(write_table, two_types):
    table = write_table("scores.csv", [0.1] * 3)
    with pytest.raises(DatasetError, match="pass the detector that scored the images"):
        md.monitor(table, detector=two_types())


def test_a_camera_with_another_white_balance_is_named_from_sketches(tmp_path, detector):
    digest, rng = detector_digest(detector.predictor), np.random.default_rng(3)

    def write(name, days, cameras):
        sketch = Sketch(digest, (len(name) * 1000 + len(days),))
        for day in days:
            for camera, blue in cameras.items():
                cell = sketch.cell(day, camera)
                cell.images = 40
                cell.add_values(Statistic("melanoma"), rng.uniform(size=40))
                cell.add_values(Statistic("blue"), rng.normal(blue, 0.1, 40))
        (tmp_path / name).write_bytes(pack_sketch(sketch))
        return tmp_path / name

    before = write("baseline.sketch", DAYS[:4], {"old": 0.0, "new": 0.0})
    same = write("a.sketch", DAYS[4:8], {"old": 0.0, "new": 0.0})
    after = write("after.sketch", DAYS[8:], {"old": 0.0, "new": -0.2})
    report = md.monitor([same, after], baseline=before, detector=detector, by="camera")
    assert report.alarm_period in DAYS[8:10]
    assert report.changed_sources == ("new",)
    assert "shares of blue are lower; the change shows in new" in report.sentence
    assert "Look at camera, lamp and white balance first" in report.sentence
    assert not md.monitor(same, baseline=before, detector=detector, by="camera").alarm


def test_a_sketch_of_another_detector_is_refused(tmp_path, detector):
    sketch = Sketch("a" * 64, (1,))
    sketch.cell("2026-11-01", "").images = 3
    (tmp_path / "a.sketch").write_bytes(pack_sketch(sketch))
    with pytest.raises(DatasetError, match=r"a\.sketch: is of another detector than"):
        md.monitor(tmp_path / "a.sketch", detector=detector)


@pytest.mark.parametrize("tables", [None, 3, float("nan"), True])
def test_what_is_no_table_is_refused(tables):
    with pytest.raises(DatasetError, match="no table to watch; expected the path of one, or a list of paths"):
        md.monitor(tables)
