"""The page at /: the detector in the visitor's browser, or a plain page that says why there is none."""

import pytest

from melanoma_detect import page
from melanoma_detect.errors import DetectorError
from melanoma_detect.serve import create_app


@pytest.fixture
def app(two_types):
    return create_app(two_types())


@pytest.fixture
def small_page(monkeypatch):
    """Put a small page in place of the detector's, and count how often it is made."""
    made = []

    def html(detector):
        made.append(detector)
        policy = "default-src &#x27;none&#x27;; img-src data:"
        return f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}"><title>läsion</title>'

    monkeypatch.setattr(page, "html", html)
    return made


def test_the_page_is_made_once_and_sent_compressed_under_its_own_policy(app, ask, small_page):
    answer = ask(app, "get", "/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "läsion" in answer.text
    assert answer.headers["content-security-policy"] == "default-src 'none'; img-src data:; frame-ancestors 'none'"
    plain = ask(app, "get", "/", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text
    again = ask(app, "get", "/", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert len(small_page) == 1


def test_without_a_page_its_place_says_so(app, ask, monkeypatch):
    def refuse(_):
        raise DetectorError("runtime/ort.mjs.gz: missing: <this> installation has no ONNX Runtime for browsers")

    monkeypatch.setattr(page, "html", refuse)
    answer = ask(app, "get", "/")
    assert answer.status_code == 200
    assert "runtime/ort.mjs.gz: missing: &lt;this&gt; installation" in answer.text
    assert '<a href="docs">' in answer.text


def test_the_page_of_the_default_detector_is_served(default, ask):
    answer = ask(create_app(default), "get", "/")
    assert answer.status_code == 200
    assert answer.text == page.html(default) or "no page that runs the detector" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
