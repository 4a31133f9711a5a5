"""Tests of the result: how it prints, shows itself in a notebook and makes figures, whatever the names."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import OutputError

NASTY = "<script>alert(1)</script>\x1b[2J$x^{2}$"


@pytest.fixture(scope="module")
def found(detector, data):
    """Find eight cases."""
    return detector.similar(data.records[0], data)


@pytest.fixture
def hostile(found):
    """Return cases with names that are HTML, control characters and formulas."""
    cases = [
        replace(
            case,
            record=replace(case.record, id=NASTY, label=NASTY, source=NASTY, path=case.record.path / NASTY),
        )
        for case in found
    ]
    return replace(found, cases=tuple(cases), source=NASTY)


def test_printing_shows_rank_diagnosis_distance_and_source(found, data):
    lines = str(found).splitlines()
    assert lines[0] == (
        f"{data.records[0].id}: 8 similar cases of {len(data)} images, one of each lesion or patient, the nearest first"
    )
    for number, (case, line) in enumerate(zip(found, lines[1:9], strict=True), start=1):
        assert line.split()[0] == str(number)
        assert case.diagnosis in line
        assert f"{case.distance:.3f}" in line
        assert case.record.id in line
        assert "(isic9)" in line
    assert "of all lesions" in lines[9]
    assert "Left out:" in lines[10]


def test_it_is_a_sequence(found):
    assert len(list(found)) == len(found) == 8
    assert found[0] is found.cases[0]
    assert sum(found.diagnoses.values()) == 8
    assert sum(found.shares.values()) == pytest.approx(1)


def test_plain_values_are_json(found):
    assert len(json.loads(json.dumps(found.to_dict()))["cases"]) == 8


def test_names_do_nothing_to_a_terminal_or_a_page(hostile):
    assert "\x1b" not in str(hostile)
    assert "\x1b" not in repr(hostile)
    html = hostile._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "\x1b" not in html


def test_figures_are_drawn_whatever_the_names(hostile, tmp_path):
    hostile.plot().savefig(tmp_path / "plot.svg")
    assert "<script>" not in (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert hostile.sheet().width == 876


def test_the_notebook_shows_the_image_and_each_case(found):
    html = found._repr_html_()
    assert html.count("<img") == 9
    assert "no view" not in html


def test_the_sheet_shows_the_images_themselves(found):
    sheet = np.asarray(found.sheet())
    empty = np.asarray(replace(found, cases=()).sheet())
    assert sheet.shape[0] > empty.shape[0]
    assert len(np.unique(sheet.reshape(-1, 3), axis=0)) > 1000


def test_a_file_is_written_and_no_image_is_replaced(found, tmp_path):
    found.save(tmp_path / "cases.png")
    with Image.open(tmp_path / "cases.png") as written:
        assert written.width == 876
    with pytest.raises(OutputError, match="exists"):
        found.save(tmp_path / "cases.png")
    with pytest.raises(OutputError, match="input"):
        found.save(found[0].record.path, overwrite=True)
    with pytest.raises(OutputError, match="no image format"):
        found.save(tmp_path / "cases.xyz")


def test_an_explanation_shows_them_below_its_map(detector, data):
    index = md.similar_index(data, detector, progress=False)
    plain = detector.explain(data.records[0].path, method="occlusion")
    explanation = detector.explain(data.records[0].path, method="occlusion", similar_to=index)
    assert [case.record.id for case in explanation.similar] == [
        case.record.id for case in detector.similar(data.records[0], index)
    ]
    assert explanation.sheet().height > plain.sheet().height + 200
    assert len(explanation.to_dict()["similar"]["cases"]) == 8
    assert plain.to_dict()["similar"] is None


def test_an_index_shows_its_diagnoses(detector, data):
    index = md.similar_index(data, detector, progress=False)
    html = index._repr_html_()
    assert "no view" not in html
    assert all(label in html for label in data.classes)


def test_an_explanation_is_not_written_over_a_case(detector, data):
    index = md.similar_index(data, detector, progress=False)
    explanation = detector.explain(data.records[0].path, method="occlusion", similar_to=index)
    with pytest.raises(OutputError, match="is an input"):
        explanation.save(explanation.similar[0].record.path, overwrite=True)
