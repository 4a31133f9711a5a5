"""Frames: files that are split into them, and files that only look as if they had one."""

import io

import numpy as np
import pytest
from PIL import Image
from validate_dicom import write_image

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images.frames import (
    Frame,
    file_of,
    find_frame,
    is_dicom,
    split_frames,
)
from melanoma_detect.images.reader import read_pixels

PIXELS = md.draw_lesion("nevus", seed=2, size=32).pixels


@pytest.fixture
def several(tmp_path):
    """A DICOM file of three frames."""
    write_image(tmp_path / "several.dcm", np.stack([PIXELS, 255 - PIXELS, PIXELS // 2]))
    return tmp_path / "several.dcm"


def test_a_file_is_split_into_its_frames(several, tmp_path):
    names = split_frames(several)
    assert names == [f"{several}#{number}" for number in (1, 2, 3)]
    assert [read_pixels(name).mean().round() for name in names] == [
        frame.mean().round() for frame in (PIXELS, 255 - PIXELS, PIXELS // 2)
    ]
    assert split_frames(names[1]) == [names[1]]
    write_image(tmp_path / "one.dcm", PIXELS)
    Image.fromarray(PIXELS).save(tmp_path / "photo.png")
    for single in (tmp_path / "one.dcm", str(tmp_path / "photo.png"), tmp_path / "nowhere.dcm", PIXELS):
        assert split_frames(single) == [single] if single is not PIXELS else len(split_frames(single)) == 1


def test_bytes_and_open_files_are_split_too(several):
    content = several.read_bytes()
    assert [frame.name for frame in split_frames(content)] == ["bytes#1", "bytes#2", "bytes#3"]
    with several.open("rb") as file:
        frames = split_frames(file)
        assert [frame.name for frame in frames] == split_frames(several)
        np.testing.assert_array_equal(read_pixels(frames[1]), 255 - PIXELS)
    np.testing.assert_array_equal(read_pixels(Frame(io.BytesIO(content), 3)), PIXELS // 2)


def test_a_file_may_have_the_name_of_a_frame(several, tmp_path):
    twin = tmp_path / "several.dcm#2"
    assert find_frame(twin) == (str(several), 2)
    assert file_of(twin) == str(several)
    Image.fromarray(PIXELS[:16]).save(twin, "PNG")
    assert find_frame(twin) is None
    assert file_of(twin) == str(twin)
    assert read_pixels(twin).shape == (16, 32, 3)


def test_only_dicom_files_have_frames(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "photo.png")
    with pytest.raises(ImageError, match=r"photo\.png#2: only a DICOM file has frames to name; give .*photo\.png$"):
        read_pixels(tmp_path / "photo.png#2")
    with pytest.raises(ImageError, match=r"nowhere\.dcm#2: no such file"):
        read_pixels(tmp_path / "nowhere.dcm#2")


def test_a_frame_is_one_image(several, detector):
    frame = Frame(several.read_bytes(), 2)
    alone = detector.predict(frame)
    assert (alone.source, alone.probabilities) == ("bytes#2", detector.predict(f"{several}#2").probabilities)
    assert detector.explain(frame, method="occlusion").diagnosis == alone.diagnosis


def test_predictions_of_frames_find_their_images_again(several, detector):
    predictions = detector.predict(split_frames(several))
    assert [prediction.source for prediction in predictions] == split_frames(several)
    assert predictions[0].probabilities != predictions[1].probabilities
    figure = predictions[1].plot()
    assert figure.axes


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(128), False),
        (b"\x02\0\0\0UL\x04\0" + bytes(100), True),
        (b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100", True),
        (b"\0\x08\0\x05CS\0\x0aISO_IR 100", True),
        (b"", False),
    ],
)
def test_a_dicom_file_is_known_by_its_first_bytes(prefix, expected):
    assert is_dicom(prefix) == expected
