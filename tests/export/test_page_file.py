"""Export as a page: through `Detector.export`, and what is refused."""

import math

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, OutputError
from melanoma_detect.export.page_file import export_page


@pytest.fixture(scope="module")
def detector():
    """Load the default detector: nothing needs to be trained here."""
    return md.Detector.load()


def test_a_page_is_an_export(detector, tmp_path):
    exported = detector.export("page", tmp_path / "detector.html")
    text = exported.path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert exported.size == len(text.encode())
    assert (exported.format, exported.precision, exported.images) == ("page", "float32", 0)
    assert math.isnan(exported.max_difference)
    assert "MB as a page for browsers, which compares golden images" in str(exported)


def test_what_a_page_does_not_take_is_refused_before_it_is_made(detector, tmp_path):
    with pytest.raises(DetectorError, match=r"precision='int8': a page holds the detector's own model"):
        export_page(detector.predictor, tmp_path / "a.html", precision="int8")
    with pytest.raises(DetectorError, match="images: a page compares golden images by itself"):
        export_page(detector.predictor, tmp_path / "a.html", images=[])
    (tmp_path / "a.html").write_text("of the user")
    with pytest.raises(OutputError, match="already exists"):
        detector.export("page", tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text() == "of the user"
