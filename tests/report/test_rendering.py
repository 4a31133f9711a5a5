"""What all pages share, and that a browser, a keyboard and a screen reader can use each page."""

import base64
import itertools
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.report.checklists import checklist
from melanoma_detect.report.evaluation_page import evaluation_page
from melanoma_detect.report.pages import audit_page, checklist_page, comparison_page, external_page
from melanoma_detect.report.rendering import jpeg_url, json_url, picture, render, thumbnail
from melanoma_detect.report.style import WIDTH, new_figure

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
KINDS = ("audit", "evaluation", "external", "comparison", "tripod-ai")


def decoded(url):
    return base64.b64decode(url.split(",", 1)[1])


def test_a_figure_is_shown_at_its_own_size_and_without_paper():
    shown = picture(new_figure(WIDTH, 2, "lesions"))
    assert (shown.width, shown.height) == (422, 192)
    svg = decoded(shown.url).decode()
    assert svg.startswith("<?xml")
    assert picture(new_figure(WIDTH, 2, "lesions")) == shown
    assert "fill: #ffffff" not in svg


def test_json_is_strict_and_takes_what_values_hold():
    values = {
        "name": "Müller",
        "nan": float("nan"),
        3: (np.float32(0.5), np.arange(2)),
        "path": Path("here"),
        "none": None,
    }
    read = json.loads(decoded(json_url(values)))
    assert read == {"name": "Müller", "nan": None, "3": [0.5, [0, 1]], "path": "here", "none": None}


def test_images_are_small_jpegs(image, data, tmp_path):
    assert decoded(jpeg_url(image))[:2] == b"\xff\xd8"
    record = data.test.records[0]
    assert decoded(thumbnail(record))[:2] == b"\xff\xd8"
    assert thumbnail(replace(record, path=tmp_path / "gone.jpg")) == ""


def test_text_is_escaped():
    assert "<b>" not in render("audit.html", audit=md.Audit((), 0, (), ("<b>here</b>",)), max_cases=1)


@pytest.fixture(scope="module")
def pages(detector, data, evaluation, found):
    """Render every kind of page, with subgroups, a comparison, mistakes with overlays, and names that need room."""
    tones, sexes = ("II", "V"), ("female", "male")
    records = tuple(
        replace(record, metadata={"sex": sexes[row % 2], "fitzpatrick_skin_type": tones[row // 18]})
        for row, record in enumerate(evaluation.records)
    )
    full = replace(evaluation, per_image=replace(evaluation.per_image, records=records))
    compared = evaluation.compare(evaluation, ["accuracy", "melanoma_auc"])
    return {
        "audit": audit_page(found),
        "evaluation": evaluation_page(full, evaluation, detector=detector, comparison=compared),
        "external": external_page(
            md.ExternalValidation({"A": evaluation, "B": evaluation}, {"gone": "no image is left"})
        ),
        "comparison": comparison_page(compared),
    } | {"tripod-ai": checklist_page(checklist(detector, "tripod-ai", evaluation))}


@pytest.fixture(scope="module")
def browser():
    if BROWSER is None:
        pytest.skip("no Chromium: pages are not opened")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def files(pages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return folder


def test_every_page_has_the_same_frame(pages):
    for name, html in pages.items():
        assert html.count("<h1>") == 1, name
        levels = [int(level) for level in re.findall(r"<h(\d)", html)]
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), name
        assert '<a class="skip" href="#content">' in html
        assert "prefers-color-scheme: dark" in html
        assert "@media print" in html
        assert not re.search(r"<th(?! scope| role|ead)[ >]", re.sub(r' role="\w+"', "", html)), name
        assert all(re.search(r'alt="[^"]+"', tag) for tag in re.findall(r"<img[^>]*>", html)), name
        assert html.count("<table") == 0 or 'scope="col"' in html
        url = re.search(r'href="(data:application/json[^"]+)" download="([\w-]+\.json)"', html)
        assert json.loads(decoded(url[1]))["kind"]
        ids = re.findall(r' id="([^"]+)"', html)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids), name


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("light", 390), ("dark", 1280)])
def test_axe_finds_nothing(browser, files, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    # The dark page differs in its colours alone.
    options = {"runOnly": ["color-contrast"]} if scheme == "dark" else None
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    problems = {}
    for name in KINDS:
        page.goto((files / f"{name}.html").as_uri())
        results = Axe().run(page, options=options)
        found = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in results.response["violations"]]
        problems |= {name: found} if found else {}
        # Nothing but the boxes that say so may be wider than the screen.
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    context.close()
    assert problems == {}


def test_a_phone_shows_that_a_table_goes_on_and_a_keyboard_can_scroll_it(browser, files):
    context = browser.new_context(viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto((files / "evaluation.html").as_uri())
    boxes = page.evaluate(
        """[...document.querySelectorAll('.wide')].filter(box => box.scrollWidth > box.clientWidth + 1).map(box => [
        box.getAttribute('aria-label'), box.tabIndex, Boolean(box.previousElementSibling?.matches('.hint') &&
        getComputedStyle(box.previousElementSibling).display != 'none')])"""
    )
    assert boxes
    assert [box for box in boxes if box[1:] != [0, True]] == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    context.close()


def test_the_numbers_can_be_saved_without_a_network(browser, files, tmp_path):
    context = browser.new_context(offline=True, accept_downloads=True)
    page = context.new_page()
    page.goto((files / "evaluation.html").as_uri())
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the numbers").click()
    download.value.save_as(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["kind"] == "evaluation"
    assert download.value.suggested_filename == "report.json"
    context.close()


def test_in_print_nothing_is_cut(browser, files):
    context = browser.new_context(viewport={"width": 690, "height": 1000}, color_scheme="dark")  # A4 within its margins
    page = context.new_page()
    page.emulate_media(media="print", color_scheme="dark")
    for name in KINDS:
        page.goto((files / f"{name}.html").as_uri())
        wide = page.evaluate(
            """[...document.querySelectorAll('table, img, .wide')].filter(one => one.getBoundingClientRect().right >
            document.documentElement.clientWidth + 1).map(one => one.outerHTML.slice(0, 80))"""
        )
        assert wide == [], name
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    context.close()
