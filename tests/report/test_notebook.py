"""Views: every class has one, which is plain HTML; a real notebook shows them, in light and dark, also on a phone."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect import lab
from melanoma_detect.report.notebook import _VIEWS, render

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EVIL = "<script>alert(1)</script>\"&'x"


@pytest.fixture(scope="module")
def values(detector, data, evaluation, found, tmp_path_factory):
    """Return a value of every class that shows itself."""
    scored = md.score(
        data.test.paths[:3], out=tmp_path_factory.mktemp("s") / "scores.csv", detector=detector, progress=False
    )
    mistakes = lab.run_all(mistakes=["drop_unsure"], seeds=2, lesions=10, learner="nearest", progress=False)
    return {
        "Audit": found,
        "Comparison": evaluation.compare(evaluation, ["melanoma_auc", "sensitivity"]),
        "Dataset": data,
        "Detector": detector,
        "Evaluation": evaluation,
        "Explanation": detector.explain(data.test.paths[0], method="occlusion"),
        "ExternalValidation": detector.evaluate({"here": data, "there": data}),
        "Finding": found.findings[0],
        "MeasuredPoint": evaluation.measured_points()[0],
        "ModelInfo": md.model_info("cnn", input_shape=(32, 32, 3)),
        "ModelList": md.list_models(),
        "MistakeResult": mistakes["drop_unsure"],
        "MistakeTable": mistakes,
        "Monitoring": md.monitor(scored.out, detector=detector),
        "OperatingPoint": detector.operating_point,
        "Prediction": detector.predict(data.test.paths[0]),
        "Predictions": detector.predict(data.test.paths[:3]),
        "Recipe": md.Recipe.named("strong"),
        "Record": data.test[0],
        "Scores": scored,
        "SimilarCases": detector.similar(data.records[0], data.test),
        "SimilarIndex": md.similar_index(data.test, detector, progress=False),
        "Split": data.test,
    }


@pytest.fixture(scope="module")
def views(values):
    """Render each value."""
    return {name: value._repr_html_() for name, value in values.items()}


@pytest.mark.parametrize("name", sorted(_VIEWS))
def test_every_view_is_plain_html(name, values, views, read_view):
    assert type(values[name]).__name__ == name
    elements, text = read_view(views[name])
    assert "it has no view" not in text
    assert elements[1] == ("div", {"class": "mdv"})
    assert len(text) > 40


@pytest.mark.parametrize("name", ["Audit", "Dataset", "Explanation", "Predictions"])
def test_a_view_is_the_same_each_time(name, values, views):
    assert values[name]._repr_html_() == views[name]


@pytest.mark.usefixtures("plain_plots")
def test_names_of_classes_files_and_options_are_escaped(data, detector, evaluation, found, read_view):
    record = replace(data.test[0], label=EVIL, id=EVIL, path=Path(EVIL), source=EVIL, metadata={EVIL: EVIL})
    dataset = replace(data, records=(record,), classes=(*data.classes, EVIL), other_files=(Path(EVIL),))
    prediction = replace(
        detector.predict(data.test.paths[0]), diagnosis=EVIL, probabilities={EVIL: 1.0}, source=EVIL, reason=EVIL
    )
    finding = replace(found.findings[0], kind=EVIL, summary=EVIL, advice=EVIL, cases=((record, record),))
    shown = [
        record,
        dataset,
        dataset.test,
        prediction,
        type(detector.predict([]))([prediction]),
        replace(found, findings=(finding,), sources=(EVIL,)),
        finding,
        replace(evaluation, split=EVIL, detector=EVIL, notes=(EVIL,)),
        replace(detector.explain(data.test.paths[0], method="occlusion"), source=EVIL, diagnosis=EVIL),
        replace(detector.operating_point, sources=()),
        replace(md.model_info("cnn", input_shape=(32, 32, 3)), name=EVIL, documentation=EVIL, options={}),
        replace(md.Recipe(), name=EVIL),
    ]
    for value in shown:
        _, text = read_view(render(value))
        assert "<b>alert" not in text
    assert EVIL in read_view(render(record))[1]


def test_what_has_no_view_says_so():
    with pytest.raises(TypeError, match="no view for int"):
        render(3)


def test_a_subclass_is_shown_as_its_base(data):
    class Mine(md.Dataset):
        pass

    assert "Dataset of 9 classes" in render(Mine(data.records, data.classes))


def test_style_names_are_our_own(views):
    """A page's other elements must keep their style."""
    style = re.search(r"<style>(.*)</style>", views["Recipe"], re.DOTALL).group(1)
    rules = re.sub(r"@media \([^)]*\)", "", style)
    selectors = re.findall(r"([^{};]+)\{", rules)
    assert len(selectors) > 40
    for selector in selectors:
        assert all(part.strip().startswith(".mdv") for part in selector.split(",") if part.strip()), selector


@pytest.fixture(scope="module")
def browser():
    """Start the machine's Chromium."""
    from playwright.sync_api import sync_playwright

    if BROWSER is None:
        pytest.skip("no Chromium: pages are not opened")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def brightness(color):
    """Return the mean of red, green and blue of a computed colour, 0 to 255."""
    numbers = [float(number) for number in re.findall(r"[\d.]+", color)]
    return sum(numbers[:3]) / 3


JUPYTER_DARK = ":root { --jp-content-font-color1: #fff; --jp-layout-color1: #212121 }"
JUPYTER_LIGHT = ":root { --jp-content-font-color1: rgba(0, 0, 0, .87); --jp-layout-color1: #fff }"
CODE_DARK = ":root { --vscode-editor-foreground: #ccc; --vscode-editor-background: #1f1f1f }"
MATERIAL_DARK = ":root { --md-default-fg-color: #e2e4e9; --md-default-bg-color: #1e2129 }"


@pytest.mark.parametrize(
    ("host", "scheme", "dark"),
    [
        ("", "light", False),
        ("", "dark", True),
        # What the notebook chose wins over what the system prefers.
        (JUPYTER_DARK, "light", True),
        (JUPYTER_LIGHT, "dark", False),
        (CODE_DARK, "light", True),
        (MATERIAL_DARK, "light", True),
    ],
)
def test_light_and_dark(host, scheme, dark, views, browser):
    page = browser.new_page(color_scheme=scheme)
    page.set_content(f"<style>{host}</style>{views['Prediction']}")
    style = "getComputedStyle(document.querySelector('.mdv'))"
    ink, paper = page.evaluate(f"[{style}.color, {style}.backgroundColor]")
    page.close()
    assert (brightness(paper) < 80, brightness(ink) > 180) == (dark, dark)


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_page(width, views, browser):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_content("<style>body { margin: 8px }</style>" + "".join(views.values()))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    page.close()
