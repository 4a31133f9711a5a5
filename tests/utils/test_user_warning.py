"""Warnings name the line of the user, from any depth."""

import dataclasses
import operator

import pandas as pd
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DataWarning
from melanoma_detect.utils.user_warning import warn_user


def test_a_warning_names_its_caller():
    with pytest.warns(UserWarning, match="careful") as caught:
        warn_user("careful", UserWarning)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("text", ["foo,bar\n1,2\n", "image,lesion_id\nnothing,2\n", "image,age\nimage_000,2\n"])
def test_every_warning_about_a_table_names_the_line_that_loads(tree, text):
    root = tree({"Train/melanoma": 4, "Train/nevus": 4, "Test/melanoma": 1, "Test/nevus": 1})
    (root / "metadata.csv").write_text(text)
    with pytest.warns(DataWarning, match=r"groups nothing|takes no part \(metadata.csv\)") as caught:
        md.load_dataset(root, image_size=(32, 32))
    assert {warning.filename for warning in caught} == {__file__}


def test_a_warning_about_excluded_images_names_the_line_that_loads(tree):
    root = tree({"Train/melanoma": 4, "Train/nevus": 4, "Test/melanoma": 1, "Test/nevus": 1})
    (root / "Train" / "nevus" / "broken.png").write_text("no image")
    with pytest.warns(DataWarning, match="1 file cannot be read") as caught:
        md.load_dataset(root, image_size=(32, 32))
    assert [warning.filename for warning in caught] == [__file__]


def test_code_of_installed_packages_is_not_the_users():
    def warn(_):
        warn_user("careful", UserWarning)
        return 1

    # pandas calls back: the line of the callback is the user's.
    with pytest.warns(UserWarning, match="careful") as caught:
        pd.Series([1]).apply(warn)
    assert caught[0].filename == __file__


def test_a_field_of_a_dataclass_is_replaced_at_the_users_line(data):
    with pytest.warns(DeprecationWarning, match="coarse") as caught:
        dataclasses.replace(data, coarse={})
    with pytest.warns(DeprecationWarning, match="coarse") as also:
        pd.Series([data]).map(lambda one: one.coarse)
    assert {warning.filename for warning in (*caught, *also)} == {__file__}


def test_pandas_between_the_user_and_a_deprecated_name_is_skipped(data):
    with pytest.warns(DeprecationWarning, match="Record.picture") as caught:
        pd.Series(data.records[:1]).map(operator.attrgetter("picture"))
    assert caught[0].filename == __file__
