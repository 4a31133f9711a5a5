"""The walk over the files of a folder: sorted, without hidden ones, through links within it and not out of it."""

import os

import pytest

from melanoma_detect.utils.folder_walk import walk_files, walk_folders
from melanoma_detect.utils.links import FOLLOW_VARIABLE


def test_the_walk_is_sorted_and_passes_over_hidden_files(tmp_path):
    for name in ("b/2.jpg", "b/1.jpg", "a.jpg", ".git/config", "Thumbs.db", "__MACOSX/b/1.jpg", "b/.1.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(walk_files(tmp_path)) == list(walk_files(f"{tmp_path}/")) == ["a.jpg", "b/1.jpg", "b/2.jpg"]


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path):
    errors = []
    assert not list(walk_files(tmp_path / "nowhere", errors.append))
    assert [type(error) for error in errors] == [FileNotFoundError]
    assert not list(walk_files(tmp_path / "nowhere"))


@pytest.fixture
def linked(tmp_path):
    """A folder with links within it, out of it, round in a circle, and to itself."""
    root, other = tmp_path / "set", tmp_path / "set of others"  # whose name begins as that of the folder
    for folder in (root / "a", root / "b", other):
        folder.mkdir(parents=True)
        (folder / "1.jpg").touch()
    (root / "a" / "2.jpg").symlink_to("../b/1.jpg")
    (root / "c").symlink_to("b")
    (root / "b" / "up").symlink_to(root)
    (root / "b" / "self.jpg").symlink_to("self.jpg")
    (root / "b" / "nowhere.jpg").symlink_to("nothing.jpg")
    (root / "d").symlink_to(other)
    (root / "e").symlink_to(tmp_path)
    (root / "a" / "3.jpg").symlink_to(other / "1.jpg")
    (root / "f.jpg").symlink_to("/dev/null")
    return root


INSIDE = ["a/1.jpg", "a/2.jpg", "b/1.jpg", "b/nowhere.jpg", "b/self.jpg", "c/1.jpg", "c/nowhere.jpg", "c/self.jpg"]


def test_links_out_of_the_folder_count_as_files_and_are_told(linked, tmp_path):
    outward = []
    found = list(walk_files(linked, on_outward=outward.append))
    assert sorted(found) == sorted([*INSIDE, "a/3.jpg", "d", "e", "f.jpg"])
    assert sorted(os.path.relpath(path, linked) for path in outward) == ["a/3.jpg", "d", "e", "f.jpg"]
    assert found == list(walk_files(linked))


def test_the_folder_itself_may_be_named_by_a_link(linked, tmp_path):
    (tmp_path / "link").symlink_to(linked)
    outward = []
    assert list(walk_files(tmp_path / "link", on_outward=outward.append)) == list(walk_files(linked))
    assert len(outward) == 4


def test_they_are_followed_where_the_user_asks_for_it(linked, monkeypatch):
    monkeypatch.setenv(FOLLOW_VARIABLE, "1")
    (linked / "e").unlink()
    outward = []
    found = list(walk_files(linked, on_outward=outward.append))
    assert sorted(found) == sorted([*INSIDE, "a/3.jpg", "d/1.jpg", "f.jpg"])
    assert outward == []


def test_the_order_is_that_of_os_walk(linked, monkeypatch):
    monkeypatch.setenv(FOLLOW_VARIABLE, "1")
    for name in ("e", "b/up", "c"):
        (linked / name).unlink()
    expected = {(folder, *map(tuple, map(sorted, rest))) for folder, *rest in os.walk(linked, followlinks=True)}
    found = list(walk_folders(linked))
    assert {(folder, tuple(sorted(folders)), tuple(sorted(files))) for folder, folders, files in found} == expected
    assert found[0][0] == str(linked)
