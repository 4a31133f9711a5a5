import json

import pytest

from melanoma_detect.lab.intervals import Mean
from melanoma_detect.lab.results import points


def test_a_result_is_a_sentence(table):
    text = str(table["split_by_image"])
    assert text.startswith("split by image, not by lesion: the study claims ")
    assert "Done honestly, it reports" in text
    assert repr(table["split_by_image"]).startswith("<MistakeResult split_by_image: +")
    explained = table["split_by_image"].explanation
    assert "Honest: All images of a lesion stay in one split." in explained
    assert "LeakError" in explained


def test_a_table_is_text_html_and_json(table):
    assert str(table).splitlines()[0] == "The price of classic mistakes: 5 trials, nearest, drawn lesions"
    assert max(map(len, str(table).splitlines())) <= 100
    html = table._repr_html_()
    assert html.count("<tr>") == 9
    assert "has no view" not in html
    assert "one source for each class" in html
    assert len(json.loads(json.dumps(table.to_dict()))["results"]) == len(table) == 8
    assert len(list(table)) == 8
    assert "LeakError" in table["augment_before_split"]._repr_html_()


def test_a_mistake_that_was_not_run_is_not_in_the_table(table):
    with pytest.raises(KeyError, match="select_on_test"):
        table["select_on_test"]


def test_points():
    assert points(Mean(-0.04, -1.0, 2.0)) == "+0.0 points [-1.0, 2.0]"
