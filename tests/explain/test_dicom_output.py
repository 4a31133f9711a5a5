"""`Explanation.to_dicom_sc`: what it passes on."""

from validate_dicom import write_image

import melanoma_detect as md


def test_every_argument_reaches_the_image(detector, tmp_path):
    write_image(tmp_path / "one.dcm", md.draw_lesion("nevus", seed=2, size=64).pixels)
    explanation = detector.explain(tmp_path / "one.dcm", method="occlusion")
    sheet = explanation.to_dicom_sc(
        tmp_path / "one.dcm", out="a.dcm", series_uid="1.2.3", series_number=4, instance_number=5, uid_prefix="1.9.",
        overwrite=True,
    )  # fmt: skip
    assert (sheet.SeriesInstanceUID, sheet.SeriesNumber, sheet.InstanceNumber) == ("1.2.3", 4, 5)
    assert sheet.SOPInstanceUID.startswith("1.9.")
