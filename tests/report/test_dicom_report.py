"""Structured reports: read back with highdicom and pydicom, they hold what the prediction says, and nothing else."""

import pickle
from dataclasses import replace

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from validate_dicom import write_image

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, ImageError, OutputError
from melanoma_detect.report.dicom_codes import SCHEME, diagnosis_code
from melanoma_detect.utils.disclaimer import DISCLAIMER

LESION = md.draw_lesion("melanoma", seed=5, size=64).pixels


@pytest.fixture
def image(tmp_path):
    """The path of a DICOM image."""
    site = Dataset()
    site.CodeValue, site.CodingSchemeDesignator, site.CodeMeaning = "39937001", "SCT", "Skin"
    write_image(tmp_path / "one.dcm", LESION, PatientName="Müller^Jane", SpecificCharacterSet="ISO_IR 192",
                PatientSex="F", AccessionNumber="A1", AnatomicRegionSequence=[site])  # fmt: skip
    return tmp_path / "one.dcm"


@pytest.fixture
def prediction(detector, image):
    """The prediction for that image, which the detector does not abstain from."""
    return replace_kept(detector.predict(image), decision="alert", abstained=False, reason="")


def replace_kept(prediction, **changes):
    """Return a prediction with other fields that still knows its image."""
    changed = replace(prediction, **changes)
    object.__setattr__(changed, "_image", prediction._image)
    return changed


def groups(path):
    """Return the groups of measurements of a report, as highdicom reads it."""
    report = hd.sr.srread(path)
    assert report.SOPClassUID == pydicom.uid.Comprehensive3DSRStorage
    return report.content.get_image_measurement_groups()


def values(group):
    return {item.name.meaning: float(item.value) for item in group.get_measurements()}


def texts(group):
    items = hd.sr.utils.find_content_items(group[0], value_type=hd.sr.ValueTypeValues.TEXT)
    return {item.name.meaning: item.value for item in items}


def evaluations(group):
    return [(item.name.meaning, item.value) for item in group.get_qualitative_evaluations()]


def test_a_report_holds_the_prediction(prediction, image, detector):
    prediction.to_dicom_sr(out="report.dcm")
    decided, *diagnoses = groups("report.dcm")
    assert [group.finding_type for group in diagnoses] == [diagnosis_code(name) for name in detector.classes]
    shares = [values(group)["Certainty of Finding"] for group in diagnoses]
    np.testing.assert_allclose(shares, [100 * each for each in prediction.probabilities.values()], atol=1e-6)
    point, found = prediction.operating_point, values(decided)
    assert found["Probability of cancer"] == pytest.approx(100 * prediction.malignant, abs=1e-6)
    assert found["Probability of melanoma"] == pytest.approx(100 * prediction.melanoma, abs=1e-6)
    assert found["Alert threshold: probability of melanoma"] == pytest.approx(100 * point.threshold, abs=1e-6)
    assert found["Case Sensitivity"] == pytest.approx(100 * point.sensitivity, abs=1e-6)
    assert all(item.unit == codes.UCUM.Percent for item in decided.get_measurements())
    listed = evaluations(decided)
    assert [value.value for name, value in listed if name == "Decision"] == ["ALERT"]
    assert ("Most probable diagnosis", diagnosis_code(prediction.diagnosis)) in listed
    ruled = [value for name, value in listed if name == "Diagnosis that is not ruled out"]
    assert ruled == [diagnosis_code(each) for each in prediction.prediction_set]
    said = texts(decided)
    assert said["Comment"] == DISCLAIMER
    assert said["Conclusion"].startswith("the image: most likely")
    assert "ALERT" in said["Conclusion"]
    assert str(image.parent) not in str(pydicom.dcmread("report.dcm"))
    assert (said["Algorithm Name"], said["Algorithm Version"][:30]) == ("cnn", "made with melanoma-detect 0.1."[:30])
    assert said["Algorithm Parameters"] == str(point)


def test_the_report_names_its_image_and_patient(prediction, image):
    prediction.to_dicom_sr(
        out="report.dcm", uid_prefix="1.2.3.", series_uid="1.2.3.4", series_number=7, instance_number=2
    )
    report, source = pydicom.dcmread("report.dcm"), pydicom.dcmread(image)
    for keyword in ("PatientName", "PatientID", "PatientSex", "StudyInstanceUID", "AccessionNumber"):
        assert report[keyword].value == source[keyword].value
    assert (report.Modality, report.VerificationFlag, report.PreliminaryFlag) == ("SR", "UNVERIFIED", "PRELIMINARY")
    assert (report.SeriesInstanceUID, report.SeriesNumber, report.InstanceNumber) == ("1.2.3.4", 7, 2)
    assert report.SOPInstanceUID.startswith("1.2.3.")
    assert report.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == SCHEME
    for group in groups("report.dcm"):
        [reference] = group.source_images
        assert reference.referenced_sop_instance_uid == source.SOPInstanceUID
        assert reference.referenced_frame_numbers is None
        assert [site.value.meaning for site in group.finding_sites] == ["Skin"]


def test_a_report_of_a_frame_names_it(detector, tmp_path):
    write_image(tmp_path / "two.dcm", np.stack([LESION, LESION[::-1]]))
    detector.predict(f"{tmp_path}/two.dcm#2").to_dicom_sr(out="report.dcm")
    assert {tuple(group.source_images[0].referenced_frame_numbers) for group in groups("report.dcm")} == {(2,)}


def test_an_abstention_has_its_reason_and_no_probability(prediction):
    refused = replace_kept(prediction, decision="refer", abstained=True, reason="too blurred")
    refused.to_dicom_sr(out="report.dcm")
    [decided] = groups("report.dcm")
    assert [value.value for name, value in evaluations(decided) if name == "Decision"] == ["REFER"]
    assert texts(decided)["Why the image is referred"] == "too blurred"
    assert set(values(decided)) <= {
        "Alert threshold: probability of melanoma", "Sensitivity that the threshold was set for", "Case Sensitivity",
        "Case Specificity",
    }  # fmt: skip


def test_other_kinds_of_prediction(prediction):
    point = replace(prediction.operating_point, target="malignant")
    other = replace_kept(
        prediction, decision="refer", operating_point=point, image_type="clinical", reason="a cancer is likely"
    )
    other.to_dicom_sr(out="report.dcm")
    decided = groups("report.dcm")[0]
    assert "Alert threshold: probability of any malignant diagnosis" in values(decided)
    assert ("Image type", codes.DCM.ExternalCameraPhotography) in evaluations(decided)
    bare = replace_kept(prediction, decision="refer", operating_point=None, reason="this detector has no threshold")
    bare.to_dicom_sr(out="bare.dcm")
    assert set(values(groups("bare.dcm")[0])) == {"Probability of cancer", "Probability of melanoma"}


def test_the_image_may_be_given_apart(detector, image):
    photograph = detector.predict(LESION)
    with pytest.raises(ImageError, match=r"array \(64, 64, 3\): no DICOM image"):
        photograph.to_dicom_sr()
    for source in (image, str(image), pydicom.dcmread(image)):
        assert photograph.to_dicom_sr(source).PatientID == "DRAWN"


def test_a_prediction_that_forgot_its_detector_asks_for_it(prediction, image, detector):
    copied = pickle.loads(pickle.dumps(prediction))
    with pytest.raises(DetectorError, match=r"no longer knows its detector; give it: detector="):
        copied.to_dicom_sr(image)
    assert copied.to_dicom_sr(image, detector=detector).ManufacturerModelName == "cnn"


def test_nothing_is_replaced_unless_told(prediction, image):
    prediction.to_dicom_sr(out="report.dcm")
    with pytest.raises(OutputError, match="already exists"):
        prediction.to_dicom_sr(out="report.dcm")
    prediction.to_dicom_sr(out="report.dcm", overwrite=True)
    with pytest.raises(OutputError, match="is an input"):
        prediction.to_dicom_sr(out=image, overwrite=True)
