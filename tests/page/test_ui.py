"""What a person sees and does in a detector's page, in a real Chromium, from disk and without a network."""

import csv
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, DetectorWarning
from melanoma_detect.page import write_page
from melanoma_detect.scoring.table import columns, prediction_row
from melanoma_detect.utils.csv_cells import csv_cell
from melanoma_detect.utils.disclaimer import DISCLAIMER

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
TOLERANCE = 2e-3  # of a probability: browsers decode and round a little differently


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
def html(detector, tmp_path_factory):
    return write_page(detector, tmp_path_factory.mktemp("page") / "detector.html")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Write a lesion, further lesions, a blank photo, a damaged file and a HEIC file; PNG, so that every decoder agrees."""
    folder = tmp_path_factory.mktemp("photos")
    for number, diagnosis in enumerate(("melanoma", "nevus", "basal cell carcinoma", "vascular lesion")):
        Image.fromarray(md.draw_lesion(diagnosis, seed=number, size=96).pixels).save(folder / f"{diagnosis}.png")
    Image.fromarray(np.full((96, 96, 3), 250, np.uint8)).save(folder / "blank.png")
    Image.new("RGB", (12, 300), (180, 120, 100)).save(folder / "narrow.png")
    (folder / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF nothing more")
    (folder / "IMG_2041.HEIC").write_bytes(HEIC)
    return folder


@pytest.fixture
def open_page(browser):
    """Return a function that opens a page without a network; it fails where the page asks for one, or logs an error."""
    contexts, problems = [], []

    def opened(path, *, state="ready", script="", **options):
        context = browser.new_context(offline=True, **({"viewport": {"width": 1280, "height": 900}} | options))
        context.set_default_timeout(120_000)  # milliseconds: a busy machine starts the model slowly
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(script)
        page.on("request", lambda asked: re.match("file|data|blob", asked.url) or problems.append(asked.url))
        page.on("console", lambda line: line.type == "error" and problems.append(line.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector(f"#status[data-state={state}]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


def choose(page, *paths):
    """Choose files, and wait until all are judged and the picture of the one is drawn."""
    page.set_input_files("#choose", list(paths))
    if len(paths) == 1:
        page.wait_for_selector(f"#result-title:text-is('{paths[0].name}')")
    else:
        page.wait_for_selector("#list:not([hidden])")
    page.wait_for_selector("#stop", state="hidden")


def sentence(page):
    return page.inner_text("#sentence")


def expected(prediction):
    """Return the sentence of a prediction as the page begins it: without its name, from a capital on."""
    text = str(prediction).removeprefix(f"{prediction.source}: ")
    return text[:1].upper() + text[1:]


def alike(shown, wanted):
    """Return whether two sentences differ in the last digits of their shares alone."""
    numbers = re.compile(r"\d+\.\d+")
    close = np.allclose(
        [float(n) for n in numbers.findall(shown)], [float(n) for n in numbers.findall(wanted)], atol=0.2
    )
    return close and numbers.sub("#", shown) == numbers.sub("#", wanted)


def test_a_lesion_gets_the_answer_that_python_gives(open_page, html, photos, detector):
    page = open_page(html)
    choose(page, photos / "melanoma.png")
    page.wait_for_selector("#stage:not([hidden])")
    prediction = detector.predict(photos / "melanoma.png")
    assert alike(sentence(page), expected(prediction))
    label = page.inner_text("#verdict .pill")
    assert label.split()[1].rstrip(":") == prediction.decision.upper()
    assert label[0] in "▲◆●"
    rows = page.eval_on_selector_all(
        ".bars tbody:last-of-type tr",
        "rows => rows.map((row) => [row.children[0].firstChild.data, row.children[2].textContent])",
    )
    shown = {label: float(share.strip("<>%")) / 100 for label, share in rows}
    assert shown == pytest.approx(prediction.probabilities, abs=TOLERANCE)
    held = set(
        page.eval_on_selector_all(".bars tbody:last-of-type .held", "all => all.map((one) => one.firstChild.data)")
    )
    assert held == set(prediction.prediction_set)
    line = page.inner_text(".bars thead >> nth=0")
    assert f"alert from {prediction.operating_point.threshold:.1%}" in line
    assert page.eval_on_selector("#picture", "canvas => canvas.width * canvas.height") > 1


def test_what_is_not_a_lesion_is_referred_with_the_reason(open_page, html, photos, detector):
    page = open_page(html)
    for name in ("blank.png", "narrow.png"):
        choose(page, photos / name)
        prediction = detector.predict(photos / name)
        assert prediction.abstained
        assert sentence(page) == expected(prediction)
        assert "no diagnosis" in page.inner_text("#verdict")
        assert page.inner_text("#verdict .pill") == "◆ REFER: a person must look"


def test_files_that_are_no_images_are_refused_by_name_and_the_others_go_on(open_page, html, photos):
    page = open_page(html)
    choose(page, photos / "IMG_2041.HEIC")
    assert "HEIC" in page.inner_text("#refusal")
    assert "JPEG" in page.inner_text("#refusal")
    assert not page.is_visible("#stage")
    choose(page, photos / "damaged.jpg", photos / "nevus.png", photos / "IMG_2041.HEIC")
    rows = page.query_selector_all("#rows tr")
    assert len(rows) == 4
    reasons = [row.query_selector(".reason").inner_text() for row in rows]
    assert "HEIC" in reasons[0]
    assert "copy it again" in reasons[1]
    assert rows[2].query_selector("img").get_attribute("alt") == "Thumbnail of nevus.png"
    assert re.search(r"\d%", rows[2].query_selector(".number").inner_text())
    page.click("text=damaged.jpg")
    assert page.inner_text("#result-title") == "damaged.jpg"
    assert "not judged" in page.inner_text("#verdict")


@pytest.mark.parametrize(("kind", "target"), [("drop", "#intake"), ("paste", "body")])
def test_images_are_dropped_and_pasted(open_page, html, photos, kind, target):
    page = open_page(html)
    content = [*(photos / "nevus.png").read_bytes()]
    page.evaluate(
        """([kind, target, content]) => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(content)], "carried.png", { type: "image/png" }));
            const options = { bubbles: true, cancelable: true, dataTransfer: carried, clipboardData: carried };
            const zone = document.querySelector(target);
            if (kind === "drop") {
                zone.dispatchEvent(new DragEvent("dragenter", options));
                if (!zone.classList.contains("over")) throw new Error("nothing shows that it would be taken");
            }
            const made = kind === "drop" ? new DragEvent(kind, options) : new ClipboardEvent(kind, options);
            if (zone.dispatchEvent(made)) throw new Error("the browser would leave the page to show the image");
        }""",
        [kind, target, content],
    )
    page.wait_for_selector("#result-title:text-is('carried.png')")
    assert "over" not in (page.get_attribute("#intake", "class") or "")


def test_the_sliders_change_decisions_and_predictive_values_as_python_does(open_page, html, detector, tmp_path):
    page = open_page(html)
    lowest, highest = (sensitivity(page, end) for end in (0, page.get_attribute("#sensitivity", "max")))
    strict, wide = detector.at(sensitivity=lowest), detector.at(sensitivity=highest)
    drawn = [md.draw_lesion("melanoma", seed=seed, size=64).pixels for seed in range(60)]
    # Only images whose probability lies between the thresholds get another decision; and one that does not.
    changing = [
        pixels
        for pixels, one, other in zip(drawn, strict.predict(drawn), wide.predict(drawn), strict=True)
        if one.decision != other.decision
    ]
    assert changing
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for file, pixels in zip(files, [*changing, *drawn][:3], strict=True):
        Image.fromarray(pixels).save(file)
    choose(page, *files)
    page.click("#rows >> text=0.png")
    seen = set()
    for step in (0, page.get_attribute("#sensitivity", "max")):
        used = detector.at(sensitivity=sensitivity(page, step))
        predictions = used.predict(files)
        decisions = page.eval_on_selector_all("#rows .decision .pill", "all => all.map((one) => one.textContent)")
        assert [text.split()[-1].lower() for text in decisions] == [one.decision for one in predictions]
        assert alike(sentence(page), expected(predictions[0]))
        shown = float(re.search(r"alert from\s+([\d.]+)%", page.inner_text("#points dl"))[1])
        assert shown == pytest.approx(100 * used.operating_point.threshold, abs=0.05)  # more digits near 0 and 100 %
        seen.add(decisions[0])
    assert len(seen) == 2
    page.click("#settings-reset")
    assert alike(sentence(page), expected(detector.predict(files[0])))


def sensitivity(page, step):
    """Move the slider of the sensitivity, and return what it then says."""
    page.fill("#sensitivity", str(step))
    return float(page.inner_text("#sensitivity-value").strip("%")) / 100


def test_prevalence_gives_the_predictive_values_of_python(open_page, html, detector):
    page = open_page(html)
    for step in ("0", "7", "18"):
        page.fill("#prevalence", step)
        prevalence = float(page.inner_text("#prevalence-value").strip("%")) / 100
        values = detector.operating_point.at_prevalence(prevalence)
        text = page.inner_text("#points")
        low, high = values.ppv_interval
        assert f"Of 100 alerts, {100 * values.ppv:.1f} [{100 * low:.1f}, {100 * high:.1f}] are melanomas." in text
        low, high = values.npv_interval
        assert f"{values.npv:.2%} [{low:.2%}, {high:.2%}] are no melanomas" in text
        low, high = values.number_needed_to_biopsy_interval
        assert f"one alert in {values.number_needed_to_biopsy:.1f} [{low:.1f}, {high:.1f}]".replace("inf", "∞") in text


def test_only_sensitivities_that_validation_supports_can_be_chosen(open_page, html, detector):
    page = open_page(html)
    highest = sensitivity(page, page.get_attribute("#sensitivity", "max"))
    assert detector.at(sensitivity=highest).operating_point.goal == highest
    with pytest.raises(DetectorError, match=f"at most {highest:g}"):
        detector.at(sensitivity=highest + 0.01)
    assert f"support at most {100 * highest:g}%" in page.inner_text("#sensitivity-note")


def test_any_malignant_diagnosis_can_be_the_target(open_page, html, photos, detector):
    page = open_page(html)
    choose(page, photos / "basal cell carcinoma.png")
    page.check("input[value=malignant]")
    goal = float(page.inner_text("#sensitivity-value").strip("%")) / 100
    used = detector.at(target="malignant", sensitivity=goal)
    assert alike(sentence(page), expected(used.predict(photos / "basal cell carcinoma.png")))
    assert "malignant lesions" in page.inner_text("#points")


def test_the_table_as_csv_is_that_of_score(open_page, html, photos, detector, tmp_path):
    page = open_page(html)
    formula = shutil.copy(photos / "nevus.png", tmp_path / '=1+1,"x".png')
    readable = [photos / "melanoma.png", photos / "basal cell carcinoma.png", photos / "blank.png"]
    choose(page, *readable, photos / "damaged.jpg", Path(formula))
    with page.expect_download() as downloaded:
        page.click("#download")
    text = Path(downloaded.value.path()).read_bytes().decode()
    assert text.endswith("\r\n")
    assert text.count("\r\n") == 6
    names, *rows = csv.reader(io.StringIO(text, newline=""))
    assert tuple(names) == columns(detector.classes)
    for row, path in zip(rows, readable, strict=False):
        wanted = prediction_row(path.name, detector.predict(path), names)
        for name, shown, value in zip(names, row, wanted, strict=True):
            if name.startswith("p_") or name in ("melanoma", "malignant"):
                assert float(shown) == pytest.approx(float(value), abs=TOLERANCE), name
            else:
                assert shown == value or alike(shown, value), name
    assert rows[3][:2] == ["damaged.jpg", ""]
    assert rows[3][-6:-1] == ["refer", "false", "true", "", "unreadable"]
    assert "damaged.jpg" in rows[3][-1]
    assert rows[4][0] == '\'=1+1,"x".png'


def test_names_that_a_spreadsheet_takes_for_formulas_become_text_as_in_score(open_page, html, photos, tmp_path):
    page = open_page(html)
    names = ["=1+1,x.png", "+1.png", "-1.png", "@SUM(A1).png", "＝1.png", "'=1.png", "'quoted'.png", "a=b.png"]
    choose(page, *(Path(shutil.copy(photos / "nevus.png", tmp_path / name)) for name in names))
    with page.expect_download() as downloaded:
        page.click("#download")
    _, *rows = csv.reader(io.StringIO(Path(downloaded.value.path()).read_bytes().decode(), newline=""))
    assert [row[0] for row in rows] == [csv_cell(name) for name in names]
    assert [row[0][1:] for row in rows[:6]] == names[:6]


def test_a_table_is_sorted_and_an_image_opened_by_keyboard(open_page, html, photos):
    page = open_page(html)
    # From here on the browser reports choosers: asked for only when a key is pressed, it may come too late.
    page.on("filechooser", lambda _: None)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the images"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "choose"
    for key in ("Space", "Enter"):
        with page.expect_file_chooser() as chooser:
            page.keyboard.press(key)
        page.wait_for_timeout(300)  # milliseconds: until the browser is done with it
    chooser.value.set_files([photos / name for name in ("melanoma.png", "nevus.png", "damaged.jpg", "blank.png")])
    page.wait_for_selector("#list:not([hidden])")
    page.wait_for_selector("#stop", state="hidden")

    def walk_to(selector):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
        pytest.fail(f"no way to {selector} by keyboard")

    walk_to(".melanoma .sort")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    assert page.get_attribute("th.melanoma", "aria-sort") == "descending"
    shares = page.eval_on_selector_all(
        "#rows tr", "rows => rows.map((row) => row.querySelector('.number').textContent)"
    )
    numbers = [float(share.split()[-1].strip("<>%")) for share in shares[:3]]
    assert numbers == sorted(numbers, reverse=True)
    assert shares[3] == ""
    page.keyboard.press("Space")
    assert page.get_attribute("th.melanoma", "aria-sort") == "ascending"
    walk_to("#rows .link")
    name = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    assert page.inner_text("#result-title") == name
    assert page.evaluate("document.activeElement.id") == "result-title"
    walk_to("#back")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == name
    walk_to("#sensitivity")
    before = page.inner_text("#sensitivity-value")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#sensitivity-value") != before


def test_without_class_maps_no_evidence_is_offered(open_page, html, photos, detector):
    with pytest.raises(DetectorError, match="no class maps"):
        detector.explain(photos / "melanoma.png", method="cam")
    page = open_page(html)
    choose(page, photos / "melanoma.png")
    page.wait_for_selector("#stage:not([hidden])")
    assert not page.is_visible("#evidence")
    assert not page.is_visible("#image-type")


@pytest.fixture(scope="module")
def shipped():
    return md.Detector.load()


@pytest.fixture(scope="module")
def shipped_html(shipped, tmp_path_factory):
    return write_page(shipped, tmp_path_factory.mktemp("shipped") / "detector.html")


def test_the_default_detector_shows_evidence_and_takes_a_type_of_image(
    open_page, shipped_html, shipped, photos, tmp_path
):
    lesion = tmp_path / "lesion.png"
    Image.fromarray(md.draw_lesion("nevus", seed=7, size=240).pixels).save(lesion)
    page = open_page(shipped_html)
    choose(page, lesion)
    page.wait_for_selector("#stage:not([hidden])")
    assert alike(sentence(page), expected(shipped.predict(lesion)))
    assert not page.is_visible("#overlay")
    page.check("#show-evidence")
    drawn = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data].join()"
    first = page.eval_on_selector("#overlay", drawn)
    page.select_option("#evidence-for", "melanoma")
    assert page.eval_on_selector("#overlay", drawn) != first
    explanation = shipped.explain(lesion, diagnosis="melanoma", method="cam")
    place = re.search(r"the strongest (in its .*?)[.;]", str(explanation))
    wanted = f"The strongest evidence lies {place[1]}." if place else "No part of the image is evidence for it."
    assert page.inner_text("#evidence-text") == wanted
    assert page.get_attribute("#overlay", "aria-label").startswith("Evidence for melanoma in lesion.png: ")
    page.fill("#evidence-opacity", "50")
    assert page.eval_on_selector("#overlay", "canvas => getComputedStyle(canvas).opacity") == "0.5"
    page.uncheck("#show-evidence")
    assert not page.is_visible("#overlay")

    assert page.eval_on_selector_all("#points h3", "all => all.map((one) => one.textContent)") == [
        "Dermoscopy",
        "Clinical photograph",
    ]
    for image_type in ("clinical", "dermoscopy"):
        page.select_option("#image-type", image_type)
        used = shipped.at(image_type=image_type)
        assert alike(sentence(page), expected(used.predict(lesion)))
        assert f"{used.operating_point.threshold:.1%}" in page.inner_text("#points")
        assert len(page.query_selector_all("#points h3")) == 1
    page.select_option("#image-type", "auto")
    # The highest sensitivity is supported for dermoscopy alone: photographs are then referred, and the page says so.
    highest = sensitivity(page, page.get_attribute("#sensitivity", "max"))
    with pytest.warns(DetectorWarning, match="clinical photographs are all referred"):
        used = shipped.at(sensitivity=highest)
    assert "clinical photographs are all referred" in page.inner_text("#sensitivity-note")
    assert alike(sentence(page), expected(used.predict(lesion)))


def test_work_can_be_stopped_and_goes_on(open_page, html, photos, tmp_path):
    page = open_page(html)
    named = tmp_path / f"{'a_long_name_' * 8}.png"
    shutil.copy(photos / "nevus.png", named)
    page.evaluate(
        """() => {
            const stop = document.querySelector("#stop");
            const watch = () => {
                if (!/^3 of 40$/.test(document.querySelector("#progress-text").textContent)) return;
                seen.disconnect();
                stop.click();
            };
            const seen = new MutationObserver(watch);
            seen.observe(document.querySelector("#list"), { subtree: true, childList: true, characterData: true });
        }"""
    )
    page.set_input_files("#choose", [named] * 40)
    page.wait_for_selector("#stop:text-is('Go on')")
    finished = int(re.match(r"(\d+) of 40, stopped", page.inner_text("#progress-text"))[1])
    assert 3 <= finished < 10
    assert "waiting" in page.inner_text("#rows")
    over = "() => document.querySelector('#table').offsetWidth - document.querySelector('#list').offsetWidth"
    for width in (1280, 1249, 1000, 865, 700, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(over) <= 0, f"the table covers what stands beside it at {width} pixels"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#stop")
    page.wait_for_selector("#stop", state="hidden")
    assert page.inner_text("#progress-text") == "40 images"
    assert "All 40 images are judged." in page.inner_text("#announcer")
    page.set_input_files("#choose", [photos / "nevus.png"] * 5)
    page.click("#remove")  # while it works
    assert not page.is_visible("#list")
    assert page.query_selector_all("#rows tr") == []
    choose(page, photos / "blank.png")
    page.wait_for_selector("#sentence")
    assert page.query_selector_all("#rows tr >> nth=1") == []


def test_another_answer_than_was_saved_blocks_the_page(open_page, html, tmp_path):
    text = html.read_text(encoding="utf-8")
    found = re.search(r'(<script type="application/json" id="page-parameters">)(.*?)(</script>)', text, re.DOTALL)
    parameters = json.loads(found[2])
    wrong = parameters["golden"][0]["probabilities"]
    wrong[0], wrong[1] = wrong[1] + 0.2, wrong[0]
    changed = tmp_path / "changed.html"
    written = json.dumps(parameters).replace("<", "\\u003c")
    changed.write_text(text[: found.start(2)] + written + text[found.end(2) :], encoding="utf-8")
    page = open_page(changed, state="blocked")
    message = page.inner_text("#status")
    assert "This browser does not reproduce the detector" in message
    assert "No image is judged" in message
    assert not page.is_visible("#choose")
    assert not page.is_visible("#settings")
    page.evaluate("""() => {
        const carried = new DataTransfer();
        carried.items.add(new File([new Uint8Array(9)], "carried.png", { type: "image/png" }));
        document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carried, cancelable: true }));
    }""")
    assert not page.is_visible("#result")


def test_names_and_cards_are_text_whatever_they_hold(open_page, detector, photos, tmp_path):
    predictor = detector.predictor
    hostile = "<img src=x onerror=document.title='run'>"
    notes = {
        "Images": f"{hostile} **many**, `code` and [a link](https://example.org)",
        "Licence of the weights": hostile,
    }
    marked = md.Detector(
        replace(predictor.config, notes=notes, title=f"{hostile}</script>"), predictor.runtime, predictor.files
    )
    page = open_page(write_page(marked, tmp_path / "marked.html"))
    named = tmp_path / "<b>bold<b>.png"
    shutil.copy(photos / "nevus.png", named)
    page.set_input_files("#choose", named)
    page.wait_for_selector("#sentence")
    assert page.inner_text("#result-title") == named.name
    page.click("#card summary")
    card = page.inner_text("#card-text")
    assert f"{hostile} many, code and [a link](https://example.org)" in card
    page.click("#licences summary")
    assert page.inner_text("#licence-detector") == f"Licence of the weights: {hostile}"
    assert page.query_selector_all("#card img, #card a, #result-title b") == []
    assert page.title() == f"{hostile}</script>"


def test_names_are_shown_so_that_they_read_as_they_are(open_page, html, photos, tmp_path):
    turned, long = "\u202egnp.exe.png", f"{'long' * 60}_end.png"
    plain = "IMG_2026-01-02_left.arm.png"
    for name in (turned, long, plain):
        shutil.copy(photos / "nevus.png", tmp_path / name)
    page = open_page(html)
    choose(page, *(tmp_path / name for name in (turned, long, plain)))
    links = "#rows .link"
    texts = page.eval_on_selector_all(links, "all => all.map((one) => one.textContent)")
    assert texts == ["\ufffdgnp.exe.png", f"{long[:26]}…{long[-26:]}", plain]
    assert page.eval_on_selector_all(links, "all => all.map((one) => one.title)")[1] == long
    pieces = page.eval_on_selector_all(f"{links} bdi", "all => all[2].innerHTML")
    assert pieces == "IMG_<wbr>2026-<wbr>01-<wbr>02_<wbr>left<wbr>.arm<wbr>.png"
    page.click(f"{links} >> nth=1")
    page.wait_for_selector("#stage:not([hidden])")
    assert page.inner_text("#result-title") == long
    assert not page.is_visible("#picture-wait")


def test_the_page_says_once_what_it_is_not_and_shows_card_and_licences(open_page, html, detector):
    page = open_page(html)
    page.click("#card summary")
    page.click("#licences summary")
    page.wait_for_selector("#licence-notices:not(:empty)")
    text = page.inner_text("body")
    assert text.count(DISCLAIMER) == 1
    assert text.lower().count("not a medical device") == 1
    assert "nothing is uploaded" in text
    assert page.inner_text("#licence-detector") == "The detector's author named no licence."
    assert "MIT" in page.inner_text("#licence-text") or "Permission is hereby granted" in page.inner_text(
        "#licence-text"
    )
    headings = re.findall(r"^#+ (.*)$", md.model_card(detector) if hasattr(md, "model_card") else "", re.MULTILINE)
    shown = [each.inner_text() for each in page.query_selector_all("#card-text h2, #card-text h3, #card-text h4")]
    assert {"Intended use", "Classes", "Training data", "Limitations"} <= set(shown)
    assert set(headings) <= set(shown)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("light", 390), ("dark", 1280), ("dark", 390)])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(open_page, html, photos, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    phone = {"is_mobile": True, "has_touch": True} if width == 390 else {}
    page = open_page(html, color_scheme=scheme, viewport={"width": width, "height": 900}, **phone)
    problems = {}

    def look(state):
        found = Axe().run(page).response["violations"]
        problems.update({f"{state}: {one['id']}": one["nodes"][0]["html"][:200] for one in found})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            problems[f"{state}: width"] = page.evaluate("document.documentElement.scrollWidth")

    look("empty")
    assert page.is_visible("label[for=photograph]") == (width == 390)
    choose(page, photos / "melanoma.png")
    page.wait_for_selector("#stage:not([hidden])")
    look("one image")
    choose(page, photos / "nevus.png", photos / "damaged.jpg", photos / "blank.png")
    page.click("#rows >> text=damaged.jpg")
    page.click("#card summary")
    look("table and card")
    assert problems == {}


def test_a_blocked_page_is_readable_by_all(open_page, html, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    text = html.read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(re.sub(r'(id="page-model">)[^<]{40}', r"\1", text), encoding="utf-8")
    for scheme in ("light", "dark"):
        page = open_page(broken, state="blocked", color_scheme=scheme, viewport={"width": 390, "height": 900})
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert "damaged" in page.inner_text("[role=alert]")


def test_paper_shows_the_answer_without_the_controls(open_page, html, photos):
    page = open_page(html)
    choose(page, photos / "melanoma.png")
    page.emulate_media(media="print")
    assert page.is_visible("#sentence")
    assert page.is_visible("#disclaimer")
    assert not page.is_visible("#intake")
    assert not page.is_visible("#settings-reset")
    assert page.is_visible("#points")
    assert not page.is_visible("#sensitivity")


# Counts the decoded pictures and the addresses that are not freed; their memory is not that of JavaScript.
COUNTING = """
    window.unfreed = { pictures: 0, addresses: 0 };
    const make = window.createImageBitmap, close = ImageBitmap.prototype.close;
    window.createImageBitmap = async (...given) => {
        const made = await make(...given);
        window.unfreed.pictures += 1;
        return made;
    };
    ImageBitmap.prototype.close = function () { if (this.width) window.unfreed.pictures -= 1; close.call(this); };
    const address = URL.createObjectURL, revoke = URL.revokeObjectURL;
    URL.createObjectURL = (given) => { window.unfreed.addresses += 1; return address(given); };
    URL.revokeObjectURL = (given) => { window.unfreed.addresses -= 1; revoke(given); };
"""


@pytest.mark.slow
def test_fifty_large_images_take_no_more_memory_than_ten_and_leave_the_page_alive(open_page, html, tmp_path):
    pixels = np.asarray(Image.fromarray(md.draw_lesion("nevus", seed=1, size=180).pixels).resize((1600, 1200)))
    for number in range(50):
        Image.fromarray(np.roll(pixels, 9 * number, axis=1)).save(tmp_path / f"{number:02d}.jpg", quality=80)
    page = open_page(html, script=COUNTING)
    start = page.evaluate("window.unfreed")
    page.set_default_timeout(400_000)
    session = page.context.new_cdp_session(page)
    # Each image leaves the page time to answer a person.
    page.evaluate("""() => {
        window.answered = new Set();
        setInterval(() => window.answered.add(document.querySelector("#progress-text").textContent), 1);
    }""")

    def used():
        session.send("HeapProfiler.collectGarbage")
        found = session.send("Runtime.getHeapUsage")
        return sum(found.get(name, 0) for name in ("usedSize", "embedderHeapUsedSize", "backingStorageSize"))

    images = sorted(tmp_path.glob("*.jpg"))
    choose(page, *images[:10])
    before = used()
    choose(page, *images[10:])
    page.wait_for_selector("#progress-text:text-is('50 images')")
    assert used() - before < 20e6  # bytes; the pixels of one image have 6 million
    assert page.evaluate("window.answered.size") > 25
    pictures = page.eval_on_selector_all("#rows img", "all => all.map((one) => one.naturalWidth)")
    assert pictures == [112] * 50
    assert page.evaluate("window.unfreed") == {"pictures": start["pictures"], "addresses": start["addresses"] + 50}
    page.click("#rows >> text=07.jpg")
    page.click("#rows >> text=08.jpg")
    page.wait_for_selector("#stage:not([hidden])")
    page.click("#remove")
    assert page.evaluate("window.unfreed") == start


def test_similar_cases_stand_below_the_answer(open_page, photos, detector, data, tmp_path):
    page = open_page(write_page(detector, tmp_path / "cases.html", similar=data, thumbnails=True))
    choose(page, photos / "melanoma.png")
    found = detector.similar(photos / "melanoma.png", data)
    assert page.inner_text("#similar h3") == "Similar cases"
    assert page.locator("#similar li img").count() == len(found) == 8
    assert page.eval_on_selector_all(
        "#similar img", "all => all.every((one) => one.complete && one.naturalWidth === 96)"
    )
    labels = page.eval_on_selector_all("#similar li", "all => all.map((one) => one.children[1].textContent)")
    assert labels == [case.diagnosis for case in found]
    assert f"The nearest of {len(data)} labelled images" in page.inner_text("#similar")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_page_without_cases_shows_none(open_page, html, photos):
    page = open_page(html)
    choose(page, photos / "melanoma.png")
    assert page.locator("#similar").count() == 0
