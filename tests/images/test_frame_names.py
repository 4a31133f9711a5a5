"""Names of frames."""

import pytest

from melanoma_detect.images.frame_names import frame_name, split_frame_name


@pytest.mark.parametrize("name", ["a.dcm", "a#0", "a#-1", "#3", "a#1.jpg", "a#", "a#x", "a#0003"])
def test_names_that_are_no_frames(name):
    assert split_frame_name(name) is None


def test_names_of_frames():
    assert split_frame_name(frame_name("a b#c.dcm", 12)) == ("a b#c.dcm", 12)
