"""Which links lead out of a folder, and what is said of them."""

import pytest

from melanoma_detect.utils.links import FOLLOW_VARIABLE, describe_link, follows_links, leads_out


@pytest.mark.parametrize(("value", "follows"), [("1", True), ("yes", True), ("0", False), ("", False), ("No", False)])
def test_the_variable(value, follows, monkeypatch):
    monkeypatch.setenv(FOLLOW_VARIABLE, value)
    assert follows_links() == follows


def test_what_leads_out(tmp_path, monkeypatch):
    inside = tmp_path / "set"
    inside.mkdir()
    (tmp_path / "settings").mkdir()
    for name, target, expected in (
        ("own", "nothing", False),
        ("root", ".", False),
        ("loop", "loop", False),
        ("parent", "..", True),
        ("other", "../settings", True),
        ("device", "/dev/zero", True),
        ("chain", "other", True),
    ):
        (inside / name).symlink_to(target)
        assert leads_out(inside / name, inside) == expected, name
    monkeypatch.setenv(FOLLOW_VARIABLE, "1")
    assert not leads_out(inside / "parent", inside)


def test_the_message_says_what_to_do():
    assert f"set {FOLLOW_VARIABLE}=1" in describe_link("a.jpg")
