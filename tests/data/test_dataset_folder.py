"""A dataset written as a folder: it is read back with the same classes, splits and groups."""

import csv
from dataclasses import replace

import pytest

import melanoma_detect as md
from melanoma_detect.data.dataset_folder import TABLE, check_dataset_folder, write_dataset
from melanoma_detect.errors import OutputError


@pytest.fixture(scope="module")
def balanced(data, tmp_path_factory):
    return md.balance(data, to=22, progress=False, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def folder(balanced, tmp_path_factory):
    return write_dataset(balanced, tmp_path_factory.mktemp("out") / "balanced", progress=False)


def rows(folder):
    with (folder / TABLE).open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def test_it_is_read_back_as_it_was(balanced, folder):
    again = md.load_dataset(folder)
    assert again.distribution().equals(balanced.distribution())
    assert sorted(record.digest for record in again.records) == sorted(record.digest for record in balanced.records)


def test_a_copy_stands_in_the_split_and_the_group_of_its_parent(folder):
    written = {row["image"]: row for row in rows(folder)}
    copies = [row for row in written.values() if row["parent"]]
    assert copies
    assert all(written[row["parent"]]["lesion_id"] == row["lesion_id"] for row in copies)
    assert all(row["image"].startswith("Train/") and row["parent"].startswith("Train/") for row in copies)
    groups = {record.id: record.group for record in md.load_dataset(folder).records}
    assert all(groups[row["image"]] == groups[row["parent"]] for row in copies)


def test_what_the_tables_said_is_kept_and_labels_come_from_the_folders(data, tmp_path):
    said = {"age": "45", "isic_id": "ISIC_1", "diagnosis": "wrong", "lesion_id": "other"}
    changed = data.with_records(replace(record, metadata=said) for record in data.records)
    written = rows(write_dataset(changed, tmp_path / "set", progress=False))
    assert written[0].keys() == {"image", "lesion_id", "parent", "age"}
    assert {row["age"] for row in written} == {"45"}


def test_two_files_of_one_name_keep_both(tree, tmp_path):
    first, second = tree({"melanoma": 6, "nevus": 6}), tmp_path / "second"
    for number, path in enumerate(sorted(first.rglob("*.png"))):
        target = second / path.relative_to(first)
        target.parent.mkdir(parents=True, exist_ok=True)
        from PIL import Image

        Image.fromarray(md.draw_lesion("nevus", seed=900 + number, size=32).pixels).save(target)
    both = md.load_dataset([first, second])
    written = write_dataset(both, tmp_path / "set", progress=False)
    assert len(list(written.rglob("*.png"))) == len(both) == 24


def test_only_a_folder_that_was_written_so_is_replaced(data, folder, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").touch()
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"is not empty|was not written by this command"):
            check_dataset_folder(tmp_path / "mine", overwrite=overwrite)
    with pytest.raises(OutputError, match="is a file"):
        check_dataset_folder(tmp_path / "file", overwrite=True)
    with pytest.raises(OutputError, match="holds the input"):
        check_dataset_folder(tmp_path, overwrite=True, inputs=[tmp_path / "mine"])
    with pytest.raises(OutputError, match="is not empty"):
        write_dataset(data, folder, progress=False)
    again = write_dataset(data, write_dataset(data, tmp_path / "set", progress=False), overwrite=True, progress=False)
    assert len(rows(again)) == len(data)
