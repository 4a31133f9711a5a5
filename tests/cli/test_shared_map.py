"""One `--map` for several sources."""

import json

import pytest

from melanoma_detect.cli.shared_map import SharedMap
from melanoma_detect.data.label_map import map_labels
from melanoma_detect.errors import DatasetError


def load(shared, labels):
    return shared.load(lambda names: map_labels(labels, names or {}))


def test_a_label_of_one_source_is_no_error_in_another(tmp_path):
    (tmp_path / "map.json").write_text(json.dumps({"Naevus": "nevus", "Spinaliom": "squamous cell carcinoma"}))
    shared = SharedMap([str(tmp_path / "map.json")])
    assert load(shared, ["Naevus", "melanoma"]) == {"Naevus": "nevus", "melanoma": "melanoma"}
    assert load(shared, ["Spinaliom"]) == {"Spinaliom": "squamous cell carcinoma"}
    shared.check_used()


def test_a_label_of_no_source_is_an_error():
    shared = SharedMap(["Naevus=nevus", "Spinalom=squamous cell carcinoma"])
    load(shared, ["Naevus"])
    load(shared, ["Spinaliom"])
    with pytest.raises(DatasetError, match=r"'Spinalom'.* none of the sources.*did you mean 'Spinaliom'"):
        shared.check_used()


def test_a_source_that_cannot_be_loaded_may_have_the_label():
    shared = SharedMap(["Naevus=nevus"])
    load(shared, ["melanoma"])

    def fail(_):
        raise DatasetError("no images")

    with pytest.raises(DatasetError, match="no images"):
        shared.load(fail)
    shared.check_used()
