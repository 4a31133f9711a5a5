"""The tables of an external validation and what stands below them."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.external_table import class_codes, footnotes, table_parts
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.utils.text_table import WIDTH, render_text

POINT = OperatingPoint(0.95, 0.3, 0.95, 0.5, 20, 80)
CLASSES = ("melanoma", "nevus", "seborrheic keratosis")


def evaluation(counts, seed=1, scale=1.5):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), counts)
    logits = rng.normal(size=(len(labels), 3)) + scale * np.eye(3)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return measure(probabilities, labels, list(map(str, range(len(labels)))), CLASSES, POINT)


@pytest.fixture(scope="module")
def sets():
    return {"A": evaluation((40, 60, 30)), "B": evaluation((25, 80, 5), 2, 0.3), "benign": evaluation((0, 50, 30), 3)}


def test_each_part_has_a_row_for_each_set_the_worst_and_the_mean(sets):
    for part in table_parts(sets, {}):
        assert [row[0] for row in part.rows] == ["A", "B", "benign"]
        assert all(len(row) == len(part.headers) for row in (*part.rows, *part.summary))
        assert [row[0] for row in part.summary] == ([] if "Recall" in part.title else ["worst set", "mean of the sets"])


def test_the_worst_set_and_the_mean_are_those_of_the_values(sets):
    ranking = table_parts(sets, {})[0]
    at = ranking.headers.index("melanoma ROC AUC")
    values = [sets[name].figures["melanoma_auc"].value for name in ("A", "B")]
    assert [row[at] for row in ranking.summary] == ["B", f"{np.mean(values):.3f}"]
    assert ranking.rows[2][at] == "–"
    assert ranking.rows[0][1:4] == ("130", "130", "40")


def test_cleared_melanomas_are_counted(sets):
    decisions = table_parts(sets, {})[1]
    cell = decisions.rows[1][decisions.headers.index("false-negative rate")]
    cleared = sets["B"].cleared_melanomas
    assert cell.startswith(f"{cleared / 25:.3f} [")
    assert cell.endswith(f"] ({cleared} of 25)")


def test_classes_with_enough_images_are_named(sets):
    common, recall = table_parts(sets, {})[4:6]
    assert [row[2] for row in common.rows] == ["MEL, NV, SK", "MEL, NV", "NV, SK"]
    assert recall.headers[1:] == ("MEL", "NV", "SK")
    assert recall.rows[1][3].endswith("*\n(5)")
    assert recall.rows[2][1] == "–"


def test_sets_that_were_not_evaluated_have_a_row_and_a_reason(sets):
    problems = {"gone": "no image is left"}
    parts = table_parts(sets, problems)
    assert parts[0].rows[-1] == ("gone", "", "", "", "not evaluated", "")
    assert list(footnotes(sets, problems))[-1] == "Not evaluated: gone: no image is left"


def test_a_single_set_is_no_comparison(sets):
    assert all(part.summary == () for part in table_parts({"A": sets["A"]}, {}))


def test_footnotes_say_what_few_lesions_and_missing_melanomas_mean(sets):
    notes = " ".join(footnotes(sets, {}))
    assert "No melanomas in benign" in notes
    assert "different classes" in notes
    assert "fewer than 20 lesions" in notes  # the seborrheic keratoses of B
    few = {"few": evaluation((5, 40, 30))}
    assert "* rests on fewer than 20 lesions" in " ".join(footnotes(few, {}))
    assert "* (" in table_parts(few, {})[1].rows[0][2]
    seen = {"A": replace(sets["A"], set_aside=7)}
    assert list(footnotes(seen, {}))[1:] == [
        "A: images set aside, since the detector has seen them or their lesions: 7."
    ]


def test_images_that_are_left_out_are_counted_by_their_labels():
    names = ("melanoma", "nevus", "lentigo", "malignant", "lentigo")
    labels = np.array([0, 1, -1, -1, -1])
    found = measure(np.full((5, 3), 1 / 3), labels, list("abcde"), CLASSES, POINT, label_names=names)
    notes = " ".join(footnotes({"A": found}, {}))
    assert "A: images whose label is no class of the detector, or covers several: 3 (lentigo 2, malignant 1)" in notes
    assert "A: images whose label leaves open whether they are melanomas: 1 (malignant 1)" in notes


def test_melanomas_raise_an_alert_are_cleared_or_referred():
    scores = np.array([0.9, 0.9, 0.1, 0.9] + [0.1] * 4)
    probabilities = np.column_stack([scores, 1 - scores, 0 * scores])
    labels = np.array([0] * 4 + [1] * 4)
    abstained = np.arange(8) == 3
    found = measure(probabilities, labels, list("abcdefgh"), CLASSES, POINT, abstained=abstained)
    melanomas = table_parts({"A": found}, {})[1]
    assert melanomas.headers[1:] == ("sensitivity", "false-negative rate", "melanomas referred")
    _, sensitivity, cleared, referred = melanomas.rows[0]
    assert sensitivity.startswith("0.500 [")
    assert cleared.startswith("0.250 [")
    assert cleared.endswith("* (1 of 4)")
    assert referred == "1 of 4"


def test_every_line_fits(sets):
    named = {f"{name}_of_a_hospital_with_a_very_long_name": value for name, value in sets.items()}
    lines = [line for part in table_parts(named, {}) for line in render_text(part).splitlines()]
    assert max(map(len, lines)) <= WIDTH


def test_codes_of_classes():
    assert class_codes(["nevus", "actinic keratosis or squamous cell carcinoma", "banana"]) == "NV, AK/SCC, banana"
