"""`Prediction.to_dicom_sr`: what it passes on, and that a prediction loads nothing of DICOM before."""

import subprocess
import sys

from validate_dicom import write_image

import melanoma_detect as md

LIGHT = """
import sys, melanoma_detect as md
md.Detector.load().predict(md.draw_lesion("nevus", seed=1, size=128).pixels)
print([name for name in ("highdicom", "pydicom") if name in sys.modules])
"""


def test_every_argument_reaches_the_report(detector, tmp_path):
    write_image(tmp_path / "one.dcm", md.draw_lesion("nevus", seed=2, size=64).pixels)
    prediction = detector.predict(tmp_path / "one.dcm")
    report = prediction.to_dicom_sr(
        tmp_path / "one.dcm", out="a.dcm", detector=detector, series_uid="1.2.3", series_number=4, instance_number=5,
        uid_prefix="1.9.", overwrite=True,
    )  # fmt: skip
    assert (report.SeriesInstanceUID, report.SeriesNumber, report.InstanceNumber) == ("1.2.3", 4, 5)
    assert report.SOPInstanceUID.startswith("1.9.")


def test_a_prediction_loads_nothing_of_dicom():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
