"""What reports copy: from DICOM images only, whole, and without a word of the patient where it fails."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from validate_dicom import write_image

import melanoma_detect as md
from melanoma_detect.errors import ImageError, OutputError
from melanoma_detect.report.dicom_source import Identity, check_report_output, copying, read_source, stable_uid

PIXELS = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture
def files(tmp_path):
    """A DICOM image, one of three frames, and a photograph."""
    write_image(tmp_path / "one.dcm", PIXELS, StudyID="7")
    write_image(tmp_path / "three.dcm", np.stack([PIXELS] * 3))
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    return tmp_path


def test_the_image_that_was_judged_is_the_default(files):
    image = read_source(None, f"{files}/one.dcm")
    assert (image.dataset.StudyID, image.frames, image.path) == ("7", None, f"{files}/one.dcm")
    assert "PixelData" not in image.dataset
    assert image.dataset.PatientBirthDate == "", "what is not known is empty, as the standard has it"


def test_a_frame_is_named(files):
    assert read_source(None, f"{files}/three.dcm#2").frames == [2]
    assert read_source(f"{files}/three.dcm", "moved/three.dcm#3").frames == [3]
    assert read_source(pydicom.dcmread(files / "three.dcm"), "three.dcm#1").frames == [1]
    assert read_source(f"{files}/one.dcm", "moved/one.dcm").frames is None
    for judged in ("three.dcm", "three.dcm#4"):
        with pytest.raises(ImageError, match="a DICOM image of 3 frames; predict one of them by name"):
            read_source(files / "three.dcm", judged)


@pytest.mark.parametrize("name", ["photo.jpg", "nowhere.dcm", ""])
def test_no_patient_is_invented(files, name):
    with pytest.raises(
        ImageError, match="no DICOM image, and a DICOM report copies the patient and the study from one"
    ):
        read_source(None, str(files / name))


def test_an_image_without_uids_is_refused():
    with pytest.raises(ImageError, match="it lacks SOPClassUID, SOPInstanceUID, StudyInstanceUID, SeriesInstanceUID"):
        read_source(Dataset(), "array (8, 8, 3)")


def test_uids():
    assert Identity().new_uid() != Identity().new_uid()
    assert Identity(uid_prefix="1.2.3.").new_uid().startswith("1.2.3.")
    assert Identity(series_uid="1.2.3.4").series == "1.2.3.4"
    assert Identity().series != Identity().series
    assert stable_uid("a", "b") == stable_uid("a", "b") != stable_uid("ab")
    assert stable_uid("a").is_valid
    with pytest.raises(OutputError, match=r"uid_prefix='nonsense': not the root of UIDs .*expected digits and dots"):
        Identity(uid_prefix="nonsense").new_uid()


def test_the_image_is_never_replaced(files):
    image = read_source(None, f"{files}/three.dcm#2")
    with pytest.raises(OutputError, match="is an input, and inputs are never overwritten"):
        check_report_output(files / "three.dcm", image, f"{files}/three.dcm#2", overwrite=True)
    with pytest.raises(OutputError, match="already exists"):
        check_report_output(files / "one.dcm", image, f"{files}/three.dcm#2", overwrite=False)


def test_a_header_that_cannot_be_copied_says_nothing_of_the_patient(files, caplog, recwarn):
    image = read_source(None, f"{files}/one.dcm")
    with (
        pytest.raises(
            ImageError, match=r"one\.dcm: its patient and study cannot be copied \('…' is no date\)"
        ) as caught,
        copying(image),
    ):
        raise TypeError("'Secret^Person 1901' is no date")
    assert caught.value.__suppress_context__
    # Names without a caret and dates in another form are copied as they are; libraries warn of both.
    write_image(files / "odd.dcm", md.draw_lesion("nevus", seed=1, size=64).pixels, PatientName="Secretperson")
    dataset = pydicom.dcmread(files / "odd.dcm")
    dataset.add_new("PatientBirthDate", "LO", "01.02.1903")
    dataset.add_new("PatientSex", "CS", "X")
    assert read_source(dataset, "odd.dcm").dataset.PatientName == "Secretperson"
    said = caplog.text + "".join(str(warning.message) for warning in recwarn)
    assert "ecret" not in said
