"""Dates and cameras of EXIF and DICOM headers, and those that are damaged or impossible."""

import io

import numpy as np
import pytest
from PIL import Image
from validate_dicom import write_image

from melanoma_detect.images.capture import Capture, camera_name, plain_day, read_capture
from melanoma_detect.images.frames import Frame


def exif_image(maker="Canon", model="Canon EOS 80D", taken="2021:03:05 10:30:00", kind="JPEG"):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = maker, model
    exif.get_ifd(0x8769)[0x9003] = taken
    file = io.BytesIO()
    Image.new("RGB", (20, 16), (180, 120, 100)).save(file, kind, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_day_and_camera_of_exif(kind, tmp_path):
    content = exif_image(kind=kind)
    path = tmp_path / "photo"
    path.write_bytes(content)
    for source in (path, str(path), content, io.BytesIO(content)):
        assert read_capture(source) == Capture("2021-03-05", "Canon EOS 80D")


def test_a_file_without_metadata_and_a_damaged_one_say_nothing(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    assert read_capture(tmp_path / "plain.png") == Capture()
    assert read_capture(tmp_path / "absent.jpg") == Capture()
    content = exif_image()
    start = content.index(b"Exif\0\0") + 14
    assert read_capture(content[:start] + b"\xff" * 60 + content[start + 60 :]).day == ""


@pytest.mark.parametrize(
    "value", [None, "", "0000:00:00 00:00:00", "2021:13:01", "1970:01:01", "2999:01:01", b"\xff", 3]
)
def test_impossible_days_are_none(value):
    assert plain_day(value) == ""


def test_names_of_cameras_are_short_and_printable():
    assert camera_name("Apple", "iPhone 12\0\n") == "Apple iPhone 12"
    assert camera_name(None, "x\x1b[31m" * 400) == ("x [31m" * 34)[:64].strip()
    assert camera_name(None, None) == ""


def test_day_and_camera_of_dicom(tmp_path):
    def dicom_photo(name, **tags):
        write_image(tmp_path / name, np.full((8, 8, 3), 90, np.uint8), **tags)
        return tmp_path / name

    path = dicom_photo("a.dcm", StudyDate="20210304", Manufacturer="FotoFinder", ManufacturerModelName="medicam 1000")
    assert read_capture(path) == Capture("2021-03-04", "FotoFinder medicam 1000")
    assert read_capture(Frame(path.read_bytes(), 1)).day == "2021-03-04"
    taken = dicom_photo("b.dcm", StudyDate="20210304", AcquisitionDate="20210305", PatientName="Doe^Jane")
    assert read_capture(taken) == Capture("2021-03-05")
