import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, OutputError
from melanoma_detect.inference.files import Files
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.page import html, write_page
from melanoma_detect.page.exporter import _json

GOAL = 25_000_000  # bytes


def test_the_page_s_text_refers_to_nothing_outside(page_text):
    assert page_text.startswith("<!doctype html>")
    assert not re.findall(
        r'(?:src|href)="(?!#|data:)[^"]*"', re.sub(r"<script.*?</script>", "", page_text, flags=re.DOTALL)
    )
    modules = json.loads(page_text.split('<script type="importmap">')[1].split("</script>")[0])["imports"]
    assert {"main", "engine", "decisions"} <= modules.keys()
    assert all(address.startswith("data:text/javascript;base64,") for address in modules.values())


def test_the_policy_forbids_connections_and_allows_this_page_s_own_scripts(page_text):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page_text)[1]
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    for text in re.findall(r'<script type="(?:importmap|module)">(.*?)</script>', page_text, re.DOTALL):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy


def test_no_label_can_break_out_of_the_data():
    values = {"label": "</script><script>alert(1)</script><!-- \u2028 & \u2029 Ä"}
    text = _json(values)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == values


def test_a_name_and_labels_with_markup_stay_text(detector):
    config = replace(
        detector.predictor.config,
        title="</title><b>/*@style*/ <!--@data-->",
        classes=("</script>", *detector.classes[1:]),
    )
    text = html(Predictor(config, detector.predictor.runtime, detector.predictor.files))
    assert "</title><b>" not in text
    assert text.count("</title>") == 1
    assert text.count("</script>") == html(detector).count("</script>")


def test_the_same_detector_makes_the_same_page(detector, page_text):
    assert html(detector.predictor) == page_text


def test_what_a_page_cannot_hold_is_refused(detector):
    predictor = detector.predictor
    with pytest.raises(DetectorError, match="views=4: a page looks at one view of each image"):
        html(detector.at(views=4))
    without = Predictor(predictor.config, predictor.runtime, Files())
    with pytest.raises(DetectorError, match="has no ONNX model, which a page needs"):
        html(without)


def test_a_page_is_written_whole_and_not_over_another_file(detector, page_text, tmp_path):
    path = write_page(detector, tmp_path / "detector.html")
    assert path.read_bytes() == page_text.encode()
    with pytest.raises(OutputError, match="already exists"):
        write_page(detector, path)
    assert write_page(detector, path, overwrite=True) == path
    with pytest.raises(OutputError, match=r"\.html"):
        write_page(detector, tmp_path / "detector.png")
    assert [each.name for each in tmp_path.iterdir()] == ["detector.html"]


@pytest.mark.slow
def test_the_shipped_detector_s_page_is_small_enough():
    assert len(html(md.Detector.load()).encode()) <= GOAL
