"""DICOM images: display windows, palettes, planes, YCbCr and several frames."""

import io

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import read_pixels

IMAGE = md.draw_lesion("melanoma", seed=5, size=32).pixels
GREY = IMAGE[..., 1]


def encoded(values, kind, *, bits=8, **tags):
    """Return a DICOM file of these stored values."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.77.1.4", "1.2.3"
    made = pydicom.dataset.Dataset()
    made.file_meta = meta
    made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    made.Rows, made.Columns = 32, 32
    made.SamplesPerPixel = 1 if kind.startswith(("MONO", "PALETTE")) else 3
    made.PhotometricInterpretation, made.PixelRepresentation = kind, int(values.dtype.kind == "i")
    made.BitsAllocated, made.BitsStored, made.HighBit = values.dtype.itemsize * 8, bits, bits - 1
    if made.SamplesPerPixel == 3:
        made.PlanarConfiguration = 0
    for name, value in tags.items():
        setattr(made, name, value)
    made.PixelData = values.tobytes()
    file = io.BytesIO()
    pydicom.dcmwrite(file, made, enforce_file_format=True)
    return file.getvalue()


def grey_of(file):
    pixels = read_pixels(file)
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0].astype(int)


def test_a_window_decides_what_is_black_and_white():
    # The image lies between 1,000 and 1,255 of 65,535; PS3.3 C.11.2.1.2: the window goes from centre - width/2 on.
    stored = GREY.astype(np.uint16) + np.uint16(1000)
    shown = grey_of(encoded(stored, "MONOCHROME2", bits=16, WindowCenter="1128", WindowWidth="256"))
    assert np.abs(shown - GREY).max() <= 1
    inverted = grey_of(encoded(stored, "MONOCHROME1", bits=16, WindowCenter="1128", WindowWidth="256"))
    assert np.abs(255 - inverted - GREY).max() <= 1


def test_signed_and_rescaled_values():
    signed = (GREY.astype(np.int16) - np.int16(128)) * np.int16(16)
    assert np.abs(grey_of(encoded(signed, "MONOCHROME2", bits=12)) - GREY).max() <= 1
    rescaled = encoded(signed, "MONOCHROME2", bits=12, RescaleSlope="2", RescaleIntercept="-100")
    assert np.abs(grey_of(rescaled) - GREY).max() <= 1


def test_planes_frames_and_ycbcr():
    planes = encoded(np.ascontiguousarray(IMAGE.transpose(2, 0, 1)), "RGB", PlanarConfiguration=1)
    np.testing.assert_array_equal(read_pixels(planes), IMAGE)
    frames = encoded(np.stack([IMAGE, 255 - IMAGE]), "RGB", NumberOfFrames=2)
    np.testing.assert_array_equal(read_pixels(frames), IMAGE)
    red, green, blue = np.moveaxis(IMAGE.astype(float), -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    ycbcr = np.stack([luma, (blue - luma) / 1.772 + 128, (red - luma) / 1.402 + 128], axis=-1)
    file = encoded(np.rint(ycbcr).clip(0, 255).astype(np.uint8), "YBR_FULL")
    assert np.abs(read_pixels(file).astype(int) - IMAGE).max() <= 3


def test_a_palette():
    table = (np.arange(256, dtype=np.uint16) * 257).tobytes()
    tags = {f"{colour}PaletteColorLookupTableDescriptor": [256, 0, 16] for colour in ("Red", "Green", "Blue")}
    tags |= {f"{colour}PaletteColorLookupTableData": table for colour in ("Red", "Green", "Blue")}
    np.testing.assert_array_equal(grey_of(encoded(GREY, "PALETTE COLOR", **tags)), GREY)


def test_damaged_files():
    content, rng = encoded(IMAGE, "RGB"), np.random.default_rng(3)
    for _ in range(60):
        broken = bytearray(content[: rng.integers(140, len(content))])
        for place in rng.integers(132, min(len(broken), 600), 4):
            broken[place] = rng.integers(256)
        try:
            assert read_pixels(bytes(broken)).shape[2] == 3
        except ImageError:
            continue


def test_an_unknown_window_function_is_refused():
    stored = GREY.astype(np.uint16)
    with pytest.raises(ImageError, match="NONSENSE"):
        read_pixels(
            encoded(stored, "MONOCHROME2", bits=16, WindowCenter="9", WindowWidth="9", VOILUTFunction="NONSENSE")
        )
