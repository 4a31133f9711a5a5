"""Sheets as Secondary Captures: the pixels of the sheet, the patient of the image, and a mark that text is burned in."""

import numpy as np
import pydicom
import pytest
from pydicom.uid import SecondaryCaptureImageStorage
from validate_dicom import write_image

import melanoma_detect as md
from melanoma_detect.errors import ImageError, OutputError

LESION = md.draw_lesion("melanoma", seed=5, size=64).pixels


@pytest.fixture
def image(tmp_path):
    """The path of a DICOM image that was compressed with a loss before."""
    write_image(
        tmp_path / "one.dcm", LESION, Laterality="R", LossyImageCompression="01", LossyImageCompressionRatio="9"
    )
    return tmp_path / "one.dcm"


def test_a_sheet_becomes_an_image_of_the_same_patient(detector, image):
    explanation = detector.explain(image, method="occlusion")
    explanation.to_dicom_sc(out="sheet.dcm", series_number=5)
    sheet, source = pydicom.dcmread("sheet.dcm"), pydicom.dcmread(image)
    np.testing.assert_array_equal(sheet.pixel_array, np.asarray(explanation.sheet()))
    assert (sheet.SOPClassUID, sheet.Modality) == (SecondaryCaptureImageStorage, "OT")
    assert (sheet.BurnedInAnnotation, list(sheet.ImageType)[:2]) == ("YES", ["DERIVED", "SECONDARY"])
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "Laterality", "LossyImageCompressionRatio"):
        assert sheet[keyword].value == source[keyword].value
    [reference] = sheet.SourceImageSequence
    assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert "ReferencedFrameNumber" not in reference
    assert sheet.PatientOrientation == ""
    with pytest.raises(ImageError, match="a sheet that melanoma-detect has drawn"):
        detector.predict("sheet.dcm")


def test_the_sheet_of_a_frame_names_it(detector, tmp_path):
    write_image(tmp_path / "two.dcm", np.stack([LESION, LESION[::-1]]))
    sheet = detector.explain(f"{tmp_path}/two.dcm#2", method="occlusion").to_dicom_sc()
    assert sheet.SourceImageSequence[0].ReferencedFrameNumber == 2


def test_what_cannot_be_written_is_refused(detector, image):
    explanation = detector.explain(LESION, method="occlusion")
    with pytest.raises(ImageError, match="no DICOM image"):
        explanation.to_dicom_sc()
    explanation.to_dicom_sc(image, out="sheet.dcm")
    with pytest.raises(OutputError, match="already exists"):
        explanation.to_dicom_sc(image, out="sheet.dcm")
