"""Sources, tables of labels and label maps on the command line."""

import json
from pathlib import Path

import pytest

from melanoma_detect.cli.checks import OptionError
from melanoma_detect.cli.datasets import dataset_arguments, given_paths, parse_label_map
from melanoma_detect.errors import DatasetError


def test_labels_are_named_and_renamed_by_options(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    table = tmp_path / "t.csv"
    table.touch()
    folders = [tmp_path / "a", tmp_path / "b"]
    assert dataset_arguments(folders[:1], None, None) == {"source": folders[0]}
    assert dataset_arguments(folders, None, None, "error") == {"source": folders, "rare": "error"}
    assert dataset_arguments(folders[:1], table, None) == {"images": folders[0], "labels": table}
    assert dataset_arguments(folders, table, None) == {"source": [(folder, table) for folder in folders]}
    mapped = dataset_arguments(folders[:1], None, ["nv=nevus", "a = b=c", "scar="])["label_map"]
    assert mapped == {"nv": "nevus", "a": "b=c", "scar": None}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["nevus"], r"--map nevus: expected OLD=NEW"),
        (["=nevus"], r"--map =nevus: expected OLD=NEW"),
        (["nv=nevus", "nv=mole"], r"--map nv=mole: the label 'nv' is mapped twice"),
    ],
)
def test_a_wrong_map_is_an_error(tmp_path, pairs, message):
    with pytest.raises(OptionError, match=message):
        dataset_arguments([tmp_path], None, pairs)


def test_a_missing_source_or_table_is_named(tmp_path):
    with pytest.raises(DatasetError, match="nowhere: no such folder or file"):
        dataset_arguments([tmp_path, Path("nowhere")], None, None)
    with pytest.raises(DatasetError, match=r"nowhere\.csv: no such folder or file"):
        dataset_arguments([tmp_path], Path("nowhere.csv"), None)


def test_images_stand_in_place_of_sources(tmp_path):
    table = tmp_path / "t.csv"
    table.touch()
    named = dataset_arguments(None, table, None, images=tmp_path)
    assert named == {"images": tmp_path, "labels": table}
    assert given_paths(None, table, tmp_path) == [tmp_path, table]
    with pytest.raises(OptionError, match="--images b: goes in place of SOURCE, but a is given too"):
        given_paths([Path("a")], None, Path("b"))
    with pytest.raises(OptionError, match="SOURCE is missing"):
        given_paths([], None)


def test_a_label_map_may_be_a_file(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"nv": "nevus", "scar": None}), encoding="utf-8")
    (tmp_path / "b.csv").write_text("New, Old\nmelanoma,mel\n,other\n\n", encoding="utf-8-sig")
    mapped = parse_label_map([str(tmp_path / "a.json"), str(tmp_path / "b.csv"), "x=y"])
    assert mapped == {"nv": "nevus", "scar": None, "mel": "melanoma", "other": None, "x": "y"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "[1]", "expected an object of labels"),
        ("a.json", "{", "is not JSON"),
        ("a.csv", "from,to\na,b\n", "expected the columns old and new, found from, to"),
        ("a.csv", "", "found none"),
        ("a.csv", "old,new\na,b\na,c\n", "the label 'a' is mapped twice"),
        ("gone.csv", None, "cannot be read"),
        ("a.csv", "old,new\nn\xe4vus,b\n", "it is not UTF-8"),
    ],
)
def test_a_wrong_file_of_labels_is_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content, encoding="latin-1")
    with pytest.raises(OptionError, match=f"--map .*{name}: .*{message}"):
        parse_label_map([str(tmp_path / name)])
