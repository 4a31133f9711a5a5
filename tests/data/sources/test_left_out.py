"""Links that lead out of a folder: counted with their reason, never opened, in every layout and in score."""

import csv

import pytest

import melanoma_detect as md
from melanoma_detect.data.sources.folders import list_folder
from melanoma_detect.data.sources.left_out import describe_left_out
from melanoma_detect.errors import DatasetError, DataWarning
from melanoma_detect.utils.links import FOLLOW_VARIABLE

COUNTS = {"Train/melanoma": 4, "Train/nevus": 4, "Test/melanoma": 1, "Test/nevus": 1}


@pytest.fixture
def linked(tree):
    """A data set with a link to an image, to a file without a suffix, to a table, and to a folder elsewhere."""
    root, other = tree(COUNTS), tree({"more": 3}, root="elsewhere")
    (other / "metadata.csv").write_text("image_id,lesion_id\n", encoding="utf-8")
    nevi = root / "Train" / "nevus"
    (nevi / "out.png").symlink_to(other / "more" / "image_001.png")
    (nevi / "plain").symlink_to(other / "more" / "image_002.png")
    (root / "metadata.csv").symlink_to(other / "metadata.csv")
    (nevi / "more").symlink_to(other / "more")
    return root


def test_load_dataset_and_audit(linked):
    with pytest.warns(DataWarning) as caught:
        data = md.load_dataset(linked, image_size=(32, 32))
    message = str(caught[0].message)
    assert "3 links lead out of the folder and are not followed" in message
    [entry] = data.set_aside
    assert (entry.record.path.name, entry.kind) == ("out.png", "unreadable")
    assert (
        f"out.png: a link that leads out of the folder, which is not followed; set {FOLLOW_VARIABLE}=1" in entry.reason
    )
    assert len(data.records) == 10
    assert md.audit(data, progress=False)["unreadable"].count == 1


def test_they_are_followed_where_the_user_asks_for_it(linked, monkeypatch):
    monkeypatch.setenv(FOLLOW_VARIABLE, "1")
    (linked / "metadata.csv").unlink()
    (linked / "Train" / "nevus" / "plain").unlink()
    with pytest.warns(DataWarning):  # copies among them
        data = md.load_dataset(linked, image_size=(32, 32))
    assert not any("link" in entry.reason for entry in data.set_aside)
    assert len(data.records) + len(data.set_aside) == 14


def test_score_has_a_row_for_each(linked, tmp_path):
    result = md.score(linked, out=tmp_path / "answers.csv", progress=False)
    assert (result.images, result.unreadable) == (13, 3)
    with (tmp_path / "answers.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["error"]]
    assert sorted(row["path"].rpartition("/")[2] for row in rows) == ["more", "out.png", "plain"]
    assert all(FOLLOW_VARIABLE in row["error"] and row["decision"] == "refer" for row in rows)


def test_a_class_folder_that_is_a_link(tree):
    root, other = tree({"melanoma": 4}), tree({"nevus": 4}, root="elsewhere")
    (root / "nevus").symlink_to(other / "nevus")
    with pytest.raises(DatasetError, match=FOLLOW_VARIABLE):
        md.load_dataset(root, image_size=(32, 32))


def test_a_path_that_the_user_names_is_followed(linked, tmp_path):
    link = linked / "Train" / "nevus" / "out.png"
    assert md.Detector.load().predict(link).source == str(link)
    (tmp_path / "set").symlink_to(linked)
    assert md.score(link, out=tmp_path / "answers.csv", progress=False).unreadable == 0
    table = tmp_path / "list.txt"
    table.write_text(f"{link}\n", encoding="utf-8")
    assert md.score(table, out=tmp_path / "others.csv", progress=False).unreadable == 0


def test_the_notes(linked):
    assert describe_left_out(list_folder(linked))[0].startswith("3 links lead out of the folder")
    (linked / "metadata.csv").unlink()
    (linked / "Train" / "nevus" / "more").unlink()
    assert describe_left_out(list_folder(linked))[0].startswith(
        "1 link leads out of the folder and is not followed (plain)"
    )
