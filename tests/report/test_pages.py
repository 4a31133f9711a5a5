"""The HTML report of an evaluation: self-contained, complete, with every warning."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.data_audit.finding import Finding
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.image_types import ImageTypes
from melanoma_detect.evaluation.metrics import HEADLINES
from melanoma_detect.report import plots
from melanoma_detect.report.pages import audit_page, evaluation_page, external_page, write_html
from melanoma_detect.report.reference_results import REFERENCE_RESULTS
from melanoma_detect.utils.disclaimer import DISCLAIMER


class VisibleText(HTMLParser):
    """The URLs that a browser would fetch, the visible text, and the tags that stay open."""

    def __init__(self, page):
        super().__init__()
        self.fetched, self.text, self.open = [], [], []
        self.feed(page)
        self.words = " ".join(" ".join(self.text).split())

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img", "br", "link"):  # elements without an end
            self.open.append(tag)
        self.fetched += [value for name, value in attributes if name in ("src", "srcset", "data") or tag == "link"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] not in ("style", "title"):
            self.text.append(text)


@pytest.fixture(scope="module")
def evaluation(detector, data):
    return detector.evaluate(data, shortcuts=True)


@pytest.fixture(scope="module")
def validation(detector, data):
    return detector.evaluate(data.validation, seen="keep")


@pytest.fixture(scope="module")
def page(evaluation, validation):
    return evaluation_page(evaluation, validation)


def test_the_page_loads_nothing_from_elsewhere(page):
    parsed = VisibleText(page)
    assert not parsed.open
    plotted = [url for url in parsed.fetched if url.startswith("data:image/svg+xml;base64,")]
    assert len(plotted) == 6
    assert all(url.startswith("data:image/jpeg;base64,") for url in parsed.fetched if url not in plotted)
    assert "@import" not in page
    assert "url(" not in page
    assert "<script" not in page
    assert 'name="viewport"' in page


def test_every_metric_is_shown_with_its_interval(page, evaluation):
    words = VisibleText(page).words
    for name, title in HEADLINES.items():
        assert f"{title} " in words
        assert str(evaluation.figures[name]) in words
    assert DISCLAIMER in words
    assert evaluation.shortcuts.summary in words
    assert str(evaluation.shortcuts.blurred) in words


def test_the_difference_between_validation_and_test_is_shown(page, validation, evaluation):
    value = validation.figures["balanced_accuracy"]
    test = evaluation.figures["balanced_accuracy"]
    difference = f"{round(value.value, 3) - round(test.value, 3):+.3f}".replace("-", "−")
    words = VisibleText(page).words
    assert "difference: validation − test" in words
    assert f"The balanced accuracy is {value} on validation and {test} on test: a difference of {difference}." in words


def test_published_results_name_population_and_endpoint(page):
    words = VisibleText(page).words
    for result in REFERENCE_RESULTS:
        assert all(text in words for text in (result.reader, result.population, result.endpoint, result.citation))
    assert re.search(r"any skin cancer: .* 95\.5 % 20\.7 %", words)
    assert "None of these was measured on the images above" in words


def test_a_missing_validation_is_mentioned(evaluation):
    assert "No evaluation of the validation split was given" in VisibleText(evaluation_page(evaluation)).words


def test_a_detector_of_any_malignancy_is_reported_as_one(evaluation):
    point = replace(evaluation.operating_point, target="malignant")
    malignant = measure(evaluation.probabilities, evaluation.labels, evaluation.groups, evaluation.classes, point)
    words = VisibleText(evaluation_page(malignant)).words
    assert "sensitivity for malignant lesions" in words
    assert re.search(r"Of 100 malignant lesions, \d+ \(\d+ to \d+\) raise an alert", words)
    assert "The prevalence of malignant lesions among these images is" in words
    assert "sensitivity for melanoma" not in words
    assert "melanomas with an alert" not in words
    titles = [plots.roc(malignant), plots.calibration(malignant), plots.predictive_values(malignant)]
    assert all("malignan" in figure.get_suptitle() for figure in titles)
    assert "melanoma" not in plots.calibration(malignant).axes[0].get_ylabel()
    assert not [line for line in plots.roc(malignant).axes[0].lines if "dermatologists" in str(line.get_label())]


def test_notes_and_referrals_are_on_the_page(evaluation):
    noted = replace(evaluation, notes=("9 images have a label that is no class.",))
    words = VisibleText(evaluation_page(noted)).words
    assert "9 images have a label that is no class." in words
    assert re.search(r"Of 100 images, \d+ \(\d+ to \d+\) are referred to a person", words)
    assert re.search(r"Of 100 malignant lesions of any kind, \d+ \(\d+ to \d+\) are cleared", words)


def test_without_an_operating_point(evaluation):
    without = measure(evaluation.probabilities, evaluation.labels, evaluation.groups, evaluation.classes)
    words = VisibleText(evaluation_page(without)).words
    assert "has no operating point: it raises no alerts" in words
    assert "Not defined: predictive values need a detector with an operating point" in words
    assert "no table records the source of these images" in words


def test_without_an_operating_point_no_figure_contradicts_another(evaluation):
    without = measure(evaluation.probabilities, evaluation.labels, evaluation.groups, evaluation.classes)
    words = VisibleText(evaluation_page(without)).words
    assert "All are referred: the detector has no operating point" in words
    assert "finds a malignant diagnosis likely without an alert" not in words
    assert re.search(r"referral rate [^–]*every image is referred –", words)


def test_the_title_names_the_data_set_and_the_date(evaluation):
    today = datetime.now(tz=UTC).date().isoformat()
    page = evaluation_page(replace(evaluation, dataset="pad_ufes_20"))
    title = f"Evaluation on {len(evaluation)} test images of pad_ufes_20"
    assert f"<title>{title}, {today}</title>" in page
    assert f"<h1>{title}</h1>" in page
    assert f"{today}." in VisibleText(page).words


def test_images_seen_in_training_are_a_red_banner_before_all_else(evaluation):
    seen = replace(evaluation, seen_in_training=5, notes=("The detector has seen 5 of them.", "Another note."))
    page = evaluation_page(seen)
    words = VisibleText(page).words
    banner = f"The detector has seen 5 of these {len(evaluation)} images, or their lesions, in training"
    assert page.count('class="advice severe"') == 1
    assert 0 < words.index(banner) < words.index("too few for a reliable sensitivity")
    assert "The detector has seen 5 of them." not in words  # said once
    assert "Another note." in words
    assert 'class="advice severe"' not in evaluation_page(evaluation)
    sets = VisibleText(external_page(md.ExternalValidation({"A": evaluation, "B": seen}))).words
    assert f"B: {banner}" in sets
    assert "A: The detector has seen" not in sets


def test_several_sets_show_the_operating_point_of_each_type(evaluation):
    """Also where the first set has images of one type only."""
    point = evaluation.operating_point
    goal = ("melanoma", point.goal)
    points = {
        "dermoscopy": {goal: replace(point, threshold=0.011)},
        "clinical": {goal: replace(point, threshold=0.058)},
    }

    def typed(kind):
        types = ImageTypes(np.array([kind] * len(evaluation)), points)
        return replace(evaluation, per_image=replace(evaluation.per_image, image_types=types))

    words = VisibleText(external_page(md.ExternalValidation({"A": typed("dermoscopy"), "B": typed("clinical")}))).words
    assert "Operating point for dermoscopy images: alert from 0.011" in words
    assert "Operating point for clinical photographs: alert from 0.058" in words


def test_labels_and_subgroups_are_shown_in_words(evaluation):
    sites = ["head_neck_face", "trunk"]
    records = tuple(replace(one, metadata={"site": sites[row % 2]}) for row, one in enumerate(evaluation.records))
    page = evaluation_page(replace(evaluation, per_image=replace(evaluation.per_image, records=records)))
    words = VisibleText(page).words
    assert "site: head, neck, face" in words
    assert "head_neck_face" not in words


def test_without_melanomas(detector, tree):
    benign = md.load_dataset(tree({"dermatofibroma": 4, "nevus": 4}), validation=0, test=1)
    words = VisibleText(evaluation_page(detector.evaluate(benign, shortcuts=True))).words
    assert "show no melanoma" in words
    assert "No test for shortcuts: it needs images of melanomas" in words
    assert not re.search(r"\bnan\b", words)


def test_few_melanomas_are_a_warning(page):
    assert re.search(r"There are \d+ melanomas: too few for a reliable sensitivity", VisibleText(page).words)


def test_subgroups_are_drawn_and_listed(evaluation):
    sexes = ["female", "male"]
    records = tuple(
        replace(record, metadata={"sex": sexes[number % 2]}) for number, record in enumerate(evaluation.records)
    )
    per_image = replace(evaluation.per_image, records=records)
    parsed = VisibleText(evaluation_page(replace(evaluation, per_image=per_image)))
    assert len([url for url in parsed.fetched if url.startswith("data:image/svg+xml;base64,")]) == 10
    assert "sex: female" in parsed.words
    assert "too few lesions" in parsed.words


def test_names_are_escaped(evaluation):
    name = "<script>alert(1)</script>"
    page = evaluation_page(replace(evaluation, detector=name))
    assert name not in page


def test_a_detected_shortcut_is_a_warning_at_the_top(evaluation):
    shortcuts = replace(
        evaluation.shortcuts, background=evaluation.shortcuts.background._replace(value=0.9, low=0.8, high=1.0)
    )
    words = VisibleText(evaluation_page(replace(evaluation, shortcuts=shortcuts))).words
    assert 0 < words.index("SHORTCUT DETECTED") < words.index("Each with its 95")


def test_the_report_is_written_whole_into_a_new_folder(evaluation, tmp_path):
    report = write_html(evaluation, tmp_path / "new" / "report.html")
    assert report.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [path.name for path in report.parent.iterdir()] == ["report.html"]
    with pytest.raises(md.errors.OutputError, match="cannot be written"):
        write_html(evaluation, report / "under" / "a" / "file.html")


def test_the_same_evaluation_gives_the_same_bytes(evaluation):
    assert evaluation_page(evaluation) == evaluation_page(evaluation)


def test_images_of_melanomas_only_make_a_page():
    evaluation = measure(np.array([[0.9, 0.1]] * 3), np.zeros(3, np.int64), list("abc"), ("melanoma", "nevus"))
    assert "There are 3 melanomas: too few" in VisibleText(evaluation_page(evaluation)).words


def test_a_report_replaces_a_file_only_if_told(evaluation, tmp_path):
    report = tmp_path / "report.html"
    report.write_text("of the user")
    with pytest.raises(md.errors.OutputError, match=r"report\.html: already exists"):
        write_html(evaluation, report)
    assert report.read_text() == "of the user"
    assert write_html(evaluation, report, overwrite=True).stat().st_size > 10_000
    with pytest.raises(md.errors.OutputError, match=r"photo\.jpg: cannot be written in this format"):
        write_html(evaluation, tmp_path / "photo.jpg", overwrite=True)


def test_several_sets_make_one_page(evaluation, tmp_path):
    noted = replace(evaluation, notes=("9 images have a label that is no class.",))
    validation = md.ExternalValidation({"<b>A</b>": noted, "B": evaluation}, {"gone": "no image is left"})
    page = write_html(validation, tmp_path / "sets.html").read_text(encoding="utf-8")
    parsed = VisibleText(page)
    assert not parsed.open
    assert len(parsed.fetched) == 2
    assert all(url.startswith("data:image/svg+xml;base64,") for url in parsed.fetched)
    assert "<b>" not in page
    for text in (
        "worst set",
        "mean of the sets",
        "gone not evaluated",
        "Not evaluated: gone: no image is left",
        "In parentheses, the number of lesions. The worst set",
        DISCLAIMER,
    ):
        assert text in parsed.words
    assert str(evaluation.figures["melanoma_auc"]) in parsed.words
    assert "9 images have a label that is no class." in parsed.words
    assert f"nevus {evaluation.confusion[evaluation.classes.index('nevus')].sum()}" in parsed.words


def test_a_shortcut_in_one_set_is_a_warning_at_the_top(evaluation):
    found = evaluation.shortcuts
    detected = replace(found, background=found.background._replace(value=0.9, low=0.8, high=1.0))
    sets = {"A": evaluation, "B": replace(evaluation, shortcuts=detected)}
    words = VisibleText(external_page(md.ExternalValidation(sets))).words
    assert 0 < words.index("B: SHORTCUT DETECTED") < words.rindex("Images, ranking and calibration")


def test_the_worst_mistakes_are_shown_with_overlays_only_where_there_is_a_detector(evaluation, detector):
    cancers = ("melanoma", "basal cell carcinoma", "squamous cell carcinoma")
    answers = ["nevus" if record.label in cancers else "melanoma" for record in evaluation.records]  # all wrong
    probabilities = np.array([[float(label == answer) for label in evaluation.classes] for answer in answers])
    judged = np.zeros(len(evaluation), np.bool_)
    per_image = replace(evaluation.per_image, probabilities=probabilities, unmerged=None, abstained=judged)
    wrong = replace(evaluation, per_image=per_image)
    pages = [VisibleText(evaluation_page(wrong, detector=used)) for used in (None, detector)]
    for parsed in pages:
        headings = [parsed.words.index(text) for text in ("Missed melanomas", "Other cancers", "False alerts")]
        assert headings == sorted(headings)
    assert ["Without overlays and prediction sets" in parsed.words for parsed in pages] == [True, False]
    photos = [len([url for url in parsed.fetched if url.startswith("data:image/jpeg")]) for parsed in pages]
    assert photos[0] > 0
    assert photos[1] == 2 * photos[0]
    assert pages[1].words.count("not ruled out") == photos[0]


def test_a_comparison_is_a_section_or_a_page(evaluation, tmp_path):
    compared = evaluation.compare(evaluation, ["accuracy", "melanoma_auc"])
    section = VisibleText(evaluation_page(evaluation, comparison=compared)).words
    page = VisibleText(write_html(compared, tmp_path / "comparison.html").read_text(encoding="utf-8")).words
    for words in (section, page):
        assert "second − first" in words
        assert "melanoma ROC AUC" in words
        assert compared.notes[0] in words


def test_a_comparison_shows_raw_p_values_and_the_decisions_of_both(evaluation, tmp_path):
    compared = evaluation.compare(evaluation)
    table = ((3, 0, 12), (0, 1, 0), (0, 0, 4))
    differing = compared.agreements[0]._replace(table=table, only_first=12, only_second=0, p_value=0.0004)
    row = compared.differences["accuracy"]._replace(p_value=0.031, adjusted_p_value=0.62, tested=True)
    compared = replace(compared, agreements=(differing,), differences={"accuracy": row})
    words = VisibleText(write_html(compared, tmp_path / "comparison.html").read_text(encoding="utf-8")).words
    assert "0.031 0.620" in words
    assert "alert 3 0 12 refer 0 1 0 clear 0 0 4" in words
    assert "An alert of the first only: 12; of the second only: 0. McNemar's exact test by image: p < 0.001." in words


def test_a_checklist_is_a_page(detector, tmp_path):
    filled = md.report.checklist(detector, "clear-derm")
    words = VisibleText(write_html(filled, tmp_path / "clear.html").read_text(encoding="utf-8")).words
    assert f"{filled.filled} of 25 items are filled" in words
    assert all(item.item in words for item in filled.items)


def test_nothing_else_is_a_page(tmp_path):
    with pytest.raises(TypeError, match="got str"):
        write_html("report", tmp_path / "report.html")


def test_a_page_of_an_audit_names_what_cannot_be_read(data, tmp_path):
    gone = replace(data.test.records[0], path=tmp_path / "gone.jpg")
    finding = Finding("poor images", 1, "", "", ((gone,),), summary="1 image is poor")
    words = VisibleText(audit_page(md.Audit((finding,), 1, ("nevus",), ("here",)))).words
    assert "cannot be read" in words
    assert "1 image of 1 class" in words
