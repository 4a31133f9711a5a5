"""DICOM headers: what is no photograph of skin, what is damaged, and what nobody may hear of the patient."""

import io
import threading

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from validate_dicom import write_image

import melanoma_detect as md
from melanoma_detect.errors import ImageError, NoImageError
from melanoma_detect.images.dicom_header import SOFTWARE, describe_frame, private_reading, read_header
from melanoma_detect.images.frames import is_document
from melanoma_detect.images.memory import BYTES_VARIABLE
from melanoma_detect.images.reader import read_pixels

PIXELS = md.draw_lesion("nevus", seed=2, size=32).pixels
CT, SLIDE, EYE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.5.1.4.1.1.77.1.5.1"
CAPTURE, DERMOSCOPY = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.77.1.7"
PDF, REPORT, DIRECTORY = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.1.3.10"


@pytest.fixture
def photograph(tmp_path):
    """Return a function that writes a photograph with other elements, and returns its path."""

    def write(**elements):
        write_image(tmp_path / "a.dcm", PIXELS, **elements)
        return tmp_path / "a.dcm"

    return write


def document(path, kind):
    """Write a DICOM file without pixels."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID, made.file_meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, kind
    made.SOPClassUID, made.SOPInstanceUID, made.file_meta.MediaStorageSOPInstanceUID = kind, "1.2.3", "1.2.3"
    made.PatientName, made.Modality = "Secret^Person", "OT"
    pydicom.dcmwrite(path, made, enforce_file_format=True)
    return path


@pytest.mark.parametrize(
    ("elements", "what"),
    [
        (
            {"Modality": "CT", "SOPClassUID": CT},
            r"modality CT, CT Image\); expected a photograph of skin: modality DMS",
        ),
        ({"Modality": "CT", "SOPClassUID": CAPTURE}, "modality CT, Secondary Capture Image"),
        ({"Modality": "XC", "SOPClassUID": CT}, "modality XC, CT Image"),
        ({"Modality": "SM", "SOPClassUID": SLIDE}, "modality SM, VL Whole Slide Microscopy Image"),
        ({"Modality": "OP", "SOPClassUID": EYE}, "modality OP, Ophthalmic Photography 8 Bit Image"),
        ({"Modality": "", "SOPClassUID": CT}, r"another kind \(CT Image"),
        ({"Modality": "Secret^Person"}, r"modality unknown, VL Photographic Image"),
    ],
)
def test_an_image_of_another_kind_is_refused_by_name(photograph, elements, what):
    with pydicom.config.disable_value_validation():
        path = photograph(**elements)
    with pytest.raises(ImageError, match=what) as caught:
        read_pixels(path)
    assert str(caught.value).startswith(str(path))
    assert not [word for word in ("Secret", "Drawn", "DRAWN") if word in str(caught.value)]


@pytest.mark.parametrize(
    "elements",
    [
        {"Modality": "DMS", "SOPClassUID": DERMOSCOPY},
        {"Modality": "OT", "SOPClassUID": CAPTURE},
        {"Modality": ""},
        {"SOPClassUID": "1.2.3.4"},  # a private class
        {"Manufacturer": "Somebody", "ImageType": ["DERIVED", "SECONDARY"]},
    ],
)
def test_photographs_are_read(photograph, elements):
    np.testing.assert_array_equal(read_pixels(photograph(**elements)), PIXELS)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (DIRECTORY, "the table of contents of a DICOM medium; give the folder that its files are in"),
        (PDF, r"a DICOM file without an image \(Encapsulated PDF\)"),
        (REPORT, r"a DICOM file without an image \(Comprehensive 3D SR\)"),
        (CAPTURE, r"a DICOM file without an image \(Secondary Capture Image\)"),
        ("1.2.3.4", "a DICOM file without an image; give"),
    ],
)
def test_a_file_without_an_image_is_refused_by_name(tmp_path, kind, message):
    with pytest.raises(ImageError, match=message) as caught:
        read_pixels(document(tmp_path / "DICOMDIR", kind))
    assert "Secret" not in str(caught.value)
    # A photograph that was cut off before its pixels is one that cannot be read, and no document.
    assert isinstance(caught.value, NoImageError) == (kind != CAPTURE)
    assert is_document(str(tmp_path / "DICOMDIR")) == (kind != CAPTURE)


def test_a_sheet_of_this_library_is_no_lesion(photograph):
    with pytest.raises(NoImageError, match="a sheet that melanoma-detect has drawn"):
        read_pixels(photograph(Manufacturer=SOFTWARE, ImageType=["DERIVED", "SECONDARY"], SOPClassUID=CAPTURE))


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"NumberOfFrames": 2_000_000}, "gives 2000000 frames; expected 1 to 10,000"),
        ({"NumberOfFrames": -3}, "gives -3 frames"),
        ({"Rows": 16, "PixelData": PIXELS.tobytes()}, "gives 1 frames, and pixels of 2"),
        ({"Rows": 0}, "without an image"),
    ],
)
def test_a_header_that_contradicts_its_pixels(photograph, elements, message):
    with pytest.raises(ImageError, match=message):
        read_pixels(photograph(**elements))


def test_a_video_and_an_unknown_encoding_are_refused(photograph):
    content = photograph().read_bytes()
    for syntax, message in (
        (b"1.2.840.10008.1.2.4.100", r"MPEG2 Main Profile.*, which is not read; expected single images"),
        (b"1.2.999", "an unknown transfer syntax"),
    ):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
            syntax.decode(),
            CAPTURE,
            "1.2",
        )
        file = io.BytesIO()
        file.write(bytes(128) + b"DICM")
        pydicom.filewriter.write_file_meta_info(file, meta)
        start = 144 + int.from_bytes(content[140:144], "little")
        pixels = content.rfind(PIXELS.tobytes())
        # Compressed pixels have an undefined length, and a fragment after an empty offset table.
        body = content[start : pixels - 4] + b"\xff\xff\xff\xff" + b"\xfe\xff\0\xe0" + bytes(4)
        body += b"\xfe\xff\0\xe0\x08\0\0\0" + b"nothing!"[:6] + b"\xff\xd9" + b"\xfe\xff\xdd\xe0" + bytes(4)
        with pytest.raises(ImageError, match=message):
            read_pixels(file.getvalue() + body)


def test_a_packed_file_may_not_fill_the_memory(photograph, monkeypatch):
    dataset = pydicom.dcmread(photograph())
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(photograph(), enforce_file_format=True)
    path = dataset.filename
    np.testing.assert_array_equal(read_pixels(path), PIXELS)
    monkeypatch.setenv(BYTES_VARIABLE, "4000")
    with pytest.raises(ImageError, match="MiB of packed data"):
        read_pixels(path)


def test_the_name_of_a_frame(photograph):
    header = read_header(io.BytesIO(photograph().read_bytes()), "a.dcm")
    assert (describe_frame(header, 1), header.frames) == ("a.dcm", 1)


def test_threads_put_pydicom_back_as_it_was():
    settings = pydicom.config.settings
    before, entered, leave = settings.reading_validation_mode, threading.Barrier(3), threading.Event()

    def read():
        with private_reading():
            entered.wait()
            leave.wait()

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    with private_reading():
        entered.wait()
        assert settings.reading_validation_mode == pydicom.config.IGNORE
    assert settings.reading_validation_mode == pydicom.config.IGNORE, "the others still read"
    leave.set()
    for thread in threads:
        thread.join()
    assert settings.reading_validation_mode == before


def test_errors_of_pydicom_lose_the_values_that_they_quote():
    with pytest.raises(ValueError, match=r"^a value of '…' is wrong for 'Samples per Pixel'$"), private_reading():
        raise LookupError("a value of 'Secret^Person' is wrong for 'Samples per Pixel'")
