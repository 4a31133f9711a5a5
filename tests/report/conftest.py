"""Fixtures of the reports' tests: an evaluation, and what every view of a notebook must hold to."""

from html.parser import HTMLParser

import pytest

import melanoma_detect as md
from melanoma_detect.report import notebook_evaluation

VOID = {"img", "br", "meta", "link", "input", "hr"}


class StrictParser(HTMLParser):
    """Collects the elements of a page; raises where tags are not closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)


@pytest.fixture(scope="session")
def read_view():
    """Return a function that checks a view and returns its elements and its text."""

    def read(html):
        parser = StrictParser()
        parser.feed(html)
        parser.close()
        assert parser.open == []
        assert "http" not in html.replace("http-equiv", ""), "a view loads nothing"
        assert "@import" not in html
        for tag, attributes in parser.elements:
            assert tag not in ("script", "link", "iframe", "object"), "a view runs nothing"
            assert "id" not in attributes, "shown twice, an id would clash"
            assert not [name for name in attributes if name.startswith("on")], "a view runs nothing"
            if tag == "img":
                assert attributes["src"].startswith("data:image/")
                assert attributes["alt"].strip()
        assert len(html) < 300_000
        return parser.elements, " ".join(" ".join(parser.texts).split())

    return read


@pytest.fixture(scope="session")
def evaluation(detector, data):
    """Evaluate the small detector on the drawn lesions."""
    return detector.evaluate(data)


@pytest.fixture(scope="session")
def found(data):
    """Audit the drawn lesions."""
    return md.audit(data, progress=False)


@pytest.fixture
def plain_plots(monkeypatch):
    """Draw no plots of an evaluation's view, which take seconds."""
    monkeypatch.setattr(notebook_evaluation, "draw_plot", lambda figure: "data:image/png;base64,")
    names = ("roc", "calibration", "confusion")
    plots = type("Plots", (), dict.fromkeys(names, staticmethod(lambda value: None)))
    monkeypatch.setattr(notebook_evaluation, "plots", plots)
