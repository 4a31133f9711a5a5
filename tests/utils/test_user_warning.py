"""Warnings name the line of the user, from any depth."""

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
    with pytest.warns(DataWarning, match="groups nothing") as caught:
        md.load_dataset(root, image_size=(32, 32))
    assert {warning.filename for warning in caught} == {__file__}


def test_a_warning_about_excluded_images_names_the_line_that_loads(tree):
    root = tree({"Train/melanoma": 4, "Train/nevus": 4, "Test/melanoma": 1, "Test/nevus": 1})
    (root / "Train" / "nevus" / "broken.png").write_text("no image")
    with pytest.warns(DataWarning, match="1 files cannot be read") as caught:
        md.load_dataset(root, image_size=(32, 32))
    assert [warning.filename for warning in caught] == [__file__]
