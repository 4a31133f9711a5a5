"""Names of new files that are made from the names of others."""

import os

import pytest

from melanoma_detect.utils import file_names
from melanoma_detect.utils.file_names import fitting_name


@pytest.mark.parametrize("name", ["naevus", "naïve 母斑", "caf\udce9", "n" * 180, ""])
def test_almost_every_name_stays(name):
    assert fitting_name(name) == name


def test_a_name_that_is_too_long_is_cut_and_stays_another_one():
    names = ["n" * 300, "n" * 299 + "m", "母" * 100, "母" * 99 + "斑", "\udce9" * 250]
    cut = [fitting_name(name) for name in names]
    assert len(set(cut)) == len(names)
    assert all(len(os.fsencode(name)) <= 180 for name in cut)


def test_characters_that_the_system_lacks_are_replaced(monkeypatch):
    monkeypatch.setattr(file_names.sys, "getfilesystemencoding", lambda: "ascii")
    monkeypatch.setattr(file_names.os, "fsencode", lambda text: text.encode("ascii", "surrogateescape"))
    first, second = fitting_name("nävus"), fitting_name("növus")
    assert first.startswith("n_vus-")
    assert first != second
