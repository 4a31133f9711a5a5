"""DICOM files that are made to take hours or gigabytes are refused at once."""

import io
import time
import zlib
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images import colour, dicom_limits
from melanoma_detect.images.dicom_limits import LimitedReads, check_rle, decoded_bytes, packed_limit
from melanoma_detect.images.memory import BYTES_VARIABLE
from melanoma_detect.images.reader import read_pixels

PIXELS = md.draw_lesion("melanoma", seed=5, size=64).pixels


def encoded(syntax=ExplicitVRLittleEndian, pixels=None, kind="RGB", before=b"", **tags):
    """Return a DICOM file, with these bytes before the elements of its image."""
    made = pydicom.dataset.Dataset()
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if before else syntax
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.4"
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    made.Rows = made.Columns = 64
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 3, kind, 0
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PlanarConfiguration = 8, 8, 7, 0
    made.PixelData = PIXELS.tobytes() if pixels is None else pixels
    for name, value in tags.items():
        setattr(made, name, value)
    made["PixelData"].VR = "OB"
    file = io.BytesIO()
    pydicom.dcmwrite(file, made, enforce_file_format=True)
    content = file.getvalue()
    if not before:
        return content
    start = content.index(b"\x28\0\x02\0US")
    return content[:start] + before + content[start:]


def refused_at_once(content, message):
    started = time.monotonic()
    with pytest.raises(ImageError, match=message):
        read_pixels(content)
    assert time.monotonic() - started < 8


def nested(depth):
    """Return sequences within sequences, none of which ends."""
    return (b"\x08\0\x40\x11SQ\0\0" + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4) * depth


def test_the_drawn_file_is_read():
    assert (read_pixels(encoded()) == PIXELS).all()


@pytest.mark.parametrize("depth", [10, 5000])
def test_sequences_without_end(depth):
    refused_at_once(encoded(before=nested(depth)), r"cannot be decoded|without an image")


def test_a_header_of_millions_of_elements():
    element = b"\x09\0\x01\0LO\0\0"
    refused_at_once(encoded(before=element * (dicom_limits.MAX_READS + 1)), "1,000,000 reads")


def test_millions_of_elements_within_a_sequence(monkeypatch):
    monkeypatch.setattr(dicom_limits, "MAX_READS", 10_000)
    items = b"\xfe\xff\x00\xe0" + b"\xff" * 4 + b"\x09\0\x01\0LO\0\0" * 50_000 + b"\xfe\xff\x0d\xe0" + bytes(4)
    refused_at_once(encoded(before=b"\x48\0\x05\x01SQ\0\0" + b"\xff" * 4 + items), "10,000 reads")


def test_packed_elements_that_stand_for_any_number(monkeypatch):
    plain = encoded(before=b"\x09\0\x01\0LO\0\0" * 5_000_000)
    syntax = plain.index(b"1.2.840.10008.1.2.1\0")
    head_end = 144 + int.from_bytes(plain[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(plain[head_end:]) + packer.flush()
    longer = DeflatedExplicitVRLittleEndian.encode() + b"\0" * (len(DeflatedExplicitVRLittleEndian) % 2)
    head = bytearray(plain[:syntax] + longer + plain[syntax + 20 : head_end])
    head[140:144] = (int.from_bytes(head[140:144], "little") + len(longer) - 20).to_bytes(4, "little")
    head[syntax - 2 : syntax] = len(longer).to_bytes(2, "little")
    assert len(packed) < 2**18
    refused_at_once(bytes(head) + packed, "1,000,000 reads")
    monkeypatch.setenv(BYTES_VARIABLE, str(2**24))
    refused_at_once(bytes(head) + packed, "more than 4 MiB of packed data")


def test_what_decoding_takes_is_checked_before():
    tags = {"Rows": 14_000, "Columns": 14_000, "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15}
    refused_at_once(encoded(**tags), r"14000×14000 pixels would take 2\.9 GiB")
    refused_at_once(encoded(Rows=65_535, Columns=65_535), "more than 200 million")
    grey = SimpleNamespace(Rows=10, Columns=10, SamplesPerPixel=1, BitsAllocated=8)
    assert [decoded_bytes(grey, is_jpeg_2000=each) for each in (False, True)] == [600, 1000]
    assert packed_limit() == 2**28


def jpeg(size=(64, 64), mode="RGB", kind="JPEG", **options):
    file = io.BytesIO()
    Image.fromarray(PIXELS).resize(size).convert(mode).save(file, kind, **options)
    return file.getvalue()


def test_a_codestream_of_another_size_channels_or_too_many_scans():
    stream = jpeg(progressive=True)
    last, end = stream.rindex(b"\xff\xda"), stream.rindex(b"\xff\xd9")
    scans = stream[:end] + stream[last:end] * 200 + stream[end:]
    for syntax, frame, message in (
        (JPEGBaseline8Bit, jpeg((640, 64)), "data of 640×64 pixels"),
        (JPEGBaseline8Bit, scans, r"2\d\d scans"),
        (JPEG2000Lossless, jpeg(mode="RGBA", kind="JPEG2000", no_jp2=True), "data of 4 channels in a header of 3"),
    ):
        refused_at_once(encoded(syntax, encapsulate([frame])), message)


def test_run_lengths_longer_than_any_encoder_writes_them():
    frame = bytes([1, 0, 0, 0, 64]) + bytes(59) + b"\x81\x00" * 100_000
    refused_at_once(encoded(RLELossless, encapsulate([frame])), "bytes of run-length encoded data")
    made = pydicom.dcmread(io.BytesIO(encoded()))
    made.compress(RLELossless)
    file = io.BytesIO()
    made.save_as(file)
    assert (read_pixels(file.getvalue()) == PIXELS).all()
    with pytest.raises(ValueError, match="900 bytes"):
        check_rle(50_000, SimpleNamespace(Rows=10, Columns=30, SamplesPerPixel=3, BitsAllocated=8))


def test_colours_are_converted_in_strips(monkeypatch):
    content = encoded(kind="YBR_FULL")
    whole = read_pixels(content)
    monkeypatch.setattr("melanoma_detect.images.dicom.STRIP_PIXELS", 100)
    assert (read_pixels(content) == whole).all()
    assert np.abs(whole.astype(int) - PIXELS).mean() > 1, "a conversion has taken place"
    assert colour.STRIP_PIXELS > 100


def test_reads_are_counted(monkeypatch):
    monkeypatch.setattr(dicom_limits, "MAX_READS", 3)
    file = LimitedReads(io.BytesIO(b"abcdef"))
    assert [file.read(2), file.tell(), file.seek(0), file.read(1), file.read()] == [b"ab", 2, 0, b"a", b"bcdef"]
    with pytest.raises(ValueError, match="more than 3 reads"):
        file.read(1)
