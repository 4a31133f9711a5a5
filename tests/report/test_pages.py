"""The page of an evaluation: whole, alone, and silent about nothing."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.metrics import HEADLINES
from melanoma_detect.report.pages import evaluation_page, write_html
from melanoma_detect.report.reference_results import PUBLISHED
from melanoma_detect.utils.disclaimer import DISCLAIMER


class VisibleText(HTMLParser):
    """What a browser would fetch, what a reader reads, and which tags stay open."""

    def __init__(self, page):
        super().__init__()
        self.fetched, self.text, self.open = [], [], []
        self.feed(page)
        self.words = " ".join(" ".join(self.text).split())

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)
        self.fetched += [value for name, value in attributes if name in ("src", "srcset", "data") or tag == "link"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] != "style":
            self.text.append(text)


@pytest.fixture(scope="module")
def evaluation(detector, data):
    return detector.evaluate(data, shortcuts=True)


@pytest.fixture(scope="module")
def page(detector, data, evaluation):
    return evaluation_page(evaluation, detector.evaluate(data.validation, seen="keep"))


def test_nothing_is_fetched_from_elsewhere(page):
    seen = VisibleText(page)
    assert not seen.open
    assert len(seen.fetched) == 4
    assert all(address.startswith("data:image/svg+xml;base64,") for address in seen.fetched)
    assert "@import" not in page
    assert "url(" not in page
    assert "<script" not in page
    assert 'name="viewport"' in page


def test_every_figure_is_there_with_its_interval(page, evaluation):
    words = VisibleText(page).words
    for name, title in HEADLINES.items():
        assert f"{title} " in words
        assert str(evaluation.figures[name]) in words
    assert DISCLAIMER in words
    assert evaluation.shortcuts.verdict in words
    assert str(evaluation.shortcuts.blurred) in words


def test_the_difference_between_validation_and_test_is_printed(page, detector, data, evaluation):
    here = detector.evaluate(data.validation, seen="keep").figures["balanced_accuracy"]
    there = evaluation.figures["balanced_accuracy"]
    difference = f"{round(here.value, 3) - round(there.value, 3):+.3f}"
    words = VisibleText(page).words
    assert f"Balanced accuracy on validation {here} , on test {there} : a difference of {difference}." in words


def test_what_others_published_names_population_and_endpoint(page):
    words = VisibleText(page).words
    for one in PUBLISHED:
        assert all(text in words for text in (one.who, one.population, one.endpoint, one.citation))
    assert re.search(r"any skin cancer: .* 95\.5 % 20\.7 %", words)
    assert "None of these was measured on the images above" in words


def test_without_validation_it_says_so(evaluation):
    assert "No figures on validation were given" in VisibleText(evaluation_page(evaluation)).words


def test_without_an_operating_point(evaluation):
    nothing = measure(evaluation.probabilities, evaluation.labels, evaluation.groups, evaluation.classes)
    words = VisibleText(evaluation_page(nothing)).words
    assert "has no operating point: it alerts to nothing" in words
    assert "Not defined: it takes a detector with an operating point" in words
    assert "No table says where these images come from" in words


def test_without_melanomas(detector, tree):
    found = detector.evaluate(
        md.load_dataset(tree({"dermatofibroma": 4, "nevus": 4}), validation=0, test=1), shortcuts=True
    )
    words = VisibleText(evaluation_page(found)).words
    assert "show no melanoma" in words
    assert "cannot be told" in words
    assert not re.search(r"\bnan\b", words)


def test_few_melanomas_are_said(page):
    assert "melanomas only: too few to tell" in VisibleText(page).words


def test_subgroups_are_drawn_and_listed(evaluation):
    sexes = ["female", "male"]
    known = tuple(replace(one, metadata={"sex": sexes[at % 2]}) for at, one in enumerate(evaluation.records))
    seen = VisibleText(evaluation_page(replace(evaluation, records=known)))
    assert len(seen.fetched) == 8
    assert "sex: female" in seen.words
    assert "too few to tell" in seen.words


def test_a_name_cannot_become_markup(evaluation):
    name = "<script>alert(1)</script>"
    page = evaluation_page(replace(evaluation, detector=name))
    assert name not in page


def test_a_shortcut_stands_at_the_top(evaluation):
    sure = replace(
        evaluation.shortcuts, background=evaluation.shortcuts.background._replace(value=0.9, low=0.8, high=1.0)
    )
    words = VisibleText(evaluation_page(replace(evaluation, shortcuts=sure))).words
    assert 0 < words.index("IT TAKES A SHORTCUT") < words.index("Figures")


def test_it_is_written_whole(evaluation, tmp_path):
    place = write_html(evaluation, tmp_path / "new" / "report.html")
    assert place.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [path.name for path in place.parent.iterdir()] == ["report.html"]
    with pytest.raises(md.errors.OutputError, match="cannot be written"):
        write_html(evaluation, place / "under" / "a" / "file.html")


def test_the_same_evaluation_gives_the_same_bytes(evaluation):
    assert evaluation_page(evaluation) == evaluation_page(evaluation)


def test_probabilities_of_one_class_only_do_not_break_it():
    found = measure(np.array([[0.9, 0.1]] * 3), np.zeros(3, np.int64), list("abc"), ("melanoma", "nevus"))
    assert "melanomas only: too few" in VisibleText(evaluation_page(found)).words
