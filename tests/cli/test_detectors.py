"""Detectors on the command line."""

import pytest

from melanoma_detect.cli.detectors import check_detector, detector_files, load_detector
from melanoma_detect.errors import DetectorError


@pytest.fixture(scope="module")
def saved(detector, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    detector.save(folder / "mine.detector")
    return folder


def test_the_type_of_the_images_is_a_setting(saved):
    path = saved / "mine.detector"
    assert load_detector(path, None, None, None).predictor.settings.image_type is None
    assert load_detector(path, None, None, None, "dermoscopy").predictor.settings.image_type == "dermoscopy"
    with pytest.raises(DetectorError, match="image_type='slide'; expected one of"):
        load_detector(path, None, None, None, "slide")


def test_a_run_folder_stands_for_its_detector(saved):
    assert detector_files(saved) == [saved / "mine.detector"]
    assert detector_files(None) == []
    check_detector(saved)
    check_detector(None)
    with pytest.raises(DetectorError, match="no such detector"):
        check_detector(saved / "other.detector")
