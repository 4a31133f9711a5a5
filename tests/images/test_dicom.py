"""DICOM images: how pixels are stored, compressed and shown, several frames, and what is damaged."""

import io
import struct

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageCms
from pydicom.encaps import encapsulate
from pydicom.pixels import convert_color_space
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

import melanoma_detect as md
from melanoma_detect.errors import ImageError, SeveralFramesError
from melanoma_detect.images import dicom
from melanoma_detect.images.reader import Frame, read_pixels

IMAGE = md.draw_lesion("melanoma", seed=5, size=32).pixels
GREY = IMAGE[..., 1]
NAMES = ("Red", "Green", "Blue")


def encoded(values, kind, *, bits=8, syntax=ExplicitVRLittleEndian, frames=None, **tags):
    """Return a DICOM file of these stored values, or of the compressed data of each frame."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.77.1.4", "1.2.3"
    made = pydicom.dataset.Dataset()
    made.file_meta = meta
    made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    made.PatientName, made.PatientID, made.Modality = "Secret^Person", "S-4711", "XC"
    made.Rows, made.Columns = 32, 32
    made.SamplesPerPixel = 1 if kind.startswith(("MONO", "PALETTE")) else 3
    made.PhotometricInterpretation, made.PixelRepresentation = kind, int(values.dtype.kind == "i")
    made.BitsAllocated, made.BitsStored, made.HighBit = values.dtype.itemsize * 8, bits, bits - 1
    if made.SamplesPerPixel == 3:
        made.PlanarConfiguration = 0
    made.PixelData = encapsulate(frames) if frames else values.astype(values.dtype.newbyteorder("<")).tobytes()
    if syntax == ExplicitVRBigEndian:
        made.PixelData = values.astype(values.dtype.newbyteorder(">")).tobytes()
    made["PixelData"].VR = "OW" if values.dtype.itemsize == 2 else "OB"
    for name, value in tags.items():
        setattr(made, name, value)
    file = io.BytesIO()
    pydicom.dcmwrite(file, made, enforce_file_format=True)
    return file.getvalue()


def compressed(values, kind, syntax, **tags):
    """Return a DICOM file that pydicom compresses."""
    made = pydicom.dcmread(io.BytesIO(encoded(values, kind, **tags)))
    made.compress(syntax)
    file = io.BytesIO()
    made.save_as(file)
    return file.getvalue()


def saved(kind, image=None, **options):
    file = io.BytesIO()
    (image or Image.fromarray(IMAGE)).save(file, kind, **options)
    return file.getvalue()


def lossless_jpeg(values):
    """Return values as lossless JPEG (process 14, each value predicted from its left neighbour)."""
    rows, columns = values.shape[:2]
    samples = values.reshape(rows, columns, -1).astype(int)
    before = np.full_like(samples, 128)
    before[1:, 0], before[:, 1:] = samples[:-1, 0], samples[:, :-1]
    text = ""
    for change in (samples - before).ravel().tolist():
        size = abs(change).bit_length()
        text += format(size, "05b")
        text += format(change if change > 0 else change + 2**size - 1, f"0{size}b") if size else ""
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")
    parts = range(1, samples.shape[2] + 1)
    segments = {
        b"\xc4": b"\0" + bytes([0, 0, 0, 0, 17, *[0] * 11]) + bytes(range(17)),
        b"\xc3": struct.pack(">BHHB", 8, rows, columns, len(parts))
        + b"".join(bytes([each, 0x11, 0]) for each in parts),
        b"\xda": bytes([len(parts)]) + b"".join(bytes([each, 0]) for each in parts) + bytes([1, 0, 0]),
    }
    body = b"".join(b"\xff" + mark + struct.pack(">H", len(own) + 2) + own for mark, own in segments.items())
    return b"\xff\xd8" + body + data + b"\xff\xd9"


def palette(entries, bits=16):
    """Return the tags of a palette, whose tables hold these entries of `(n, 3)`."""
    tags = {}
    for place, colour in enumerate(NAMES):
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [len(entries) % 65536, 0, bits]
        tags[f"{colour}PaletteColorLookupTableData"] = entries[:, place].astype(f"<u{bits // 8}").tobytes()
    return tags


def grey_of(file):
    pixels = read_pixels(file)
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0].astype(int)


def ycbcr():
    return convert_color_space(IMAGE, "RGB", "YBR_FULL")


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


def lookup_table(values):
    table = pydicom.dataset.Dataset()
    table.LUTDescriptor, table.LUTData = [len(values), 0, 16], values.astype("<u2").tobytes()
    table["LUTData"].VR = "OW"
    return [table]


@pytest.mark.parametrize("tag", ["ModalityLUTSequence", "VOILUTSequence"])
def test_a_lookup_table_is_applied(tag):
    table = lookup_table(np.arange(255, -1, -1) * 257)  # turns black and white round
    file = encoded(GREY, "MONOCHROME2", **{tag: table})
    assert np.abs(255 - grey_of(file) - GREY).max() <= 1


def test_planes_frames_and_ycbcr():
    planes = encoded(np.ascontiguousarray(IMAGE.transpose(2, 0, 1)), "RGB", PlanarConfiguration=1)
    np.testing.assert_array_equal(read_pixels(planes), IMAGE)
    frames = encoded(np.stack([IMAGE, 255 - IMAGE]), "RGB", NumberOfFrames=2)
    np.testing.assert_array_equal(read_pixels(Frame(frames, 2)), 255 - IMAGE)
    red, green, blue = np.moveaxis(IMAGE.astype(float), -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    values = np.stack([luma, (blue - luma) / 1.772 + 128, (red - luma) / 1.402 + 128], axis=-1)
    file = encoded(np.rint(values).clip(0, 255).astype(np.uint8), "YBR_FULL")
    assert np.abs(read_pixels(file).astype(int) - IMAGE).max() <= 3


def test_halved_colour_is_doubled_again():
    values = ycbcr()
    pairs = values.reshape(32, 16, 2, 3)
    halved = np.concatenate([pairs[..., 0], pairs[:, :, 0, 1:]], axis=-1)  # luma, luma, blue, red
    read = read_pixels(encoded(np.ascontiguousarray(halved), "YBR_FULL_422")).astype(int)
    assert np.abs(read[:, ::2] - IMAGE[:, ::2]).max() <= 3


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("bits", [8, 12])
def test_every_uncompressed_encoding(syntax, bits):
    values = IMAGE if bits == 8 else IMAGE.astype(np.uint16) * np.uint16(16)  # 255 becomes 4080 of 4095
    read = read_pixels(encoded(values, "RGB", bits=bits, syntax=syntax)).astype(int)
    assert np.abs(read - IMAGE).max() <= (bits > 8)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
@pytest.mark.parametrize("kind", ["RGB", "MONOCHROME2"])
def test_lossless_compression_changes_nothing(syntax, kind):
    values, expected = (IMAGE, IMAGE) if kind == "RGB" else (GREY, np.repeat(GREY[..., None], 3, axis=2))
    np.testing.assert_array_equal(read_pixels(compressed(values, kind, syntax)), expected)


def test_jpeg_2000_of_12_bits_in_colour():
    wide = IMAGE.astype(np.uint16) * np.uint16(16)
    read = read_pixels(compressed(wide, "RGB", JPEG2000Lossless, bits=12)).astype(int)
    assert np.abs(read - IMAGE).max() <= 1


def test_jpeg_2000_with_its_own_colours():
    frame = saved("JPEG2000", no_jp2=True, mct=1)
    np.testing.assert_array_equal(
        read_pixels(encoded(IMAGE, "YBR_RCT", syntax=JPEG2000Lossless, frames=[frame])), IMAGE
    )
    frame = saved("JPEG2000", irreversible=True, quality_mode="dB", quality_layers=[50], no_jp2=True, mct=1)
    file = encoded(IMAGE, "YBR_ICT", syntax="1.2.840.10008.1.2.4.91", frames=[frame])
    assert np.abs(read_pixels(file).astype(int) - IMAGE).mean() < 1


@pytest.mark.parametrize(("kind", "transform"), [("YBR_FULL", 1), ("YBR_RCT", 0), ("YBR_ICT", 0)])
def test_jpeg_2000_whose_colours_are_not_sure_is_refused(kind, transform):
    frame = saved("JPEG2000", no_jp2=True, mct=transform)
    with pytest.raises(ImageError, match=f"colours as {kind} in JPEG 2000 data with.* a colour transform"):
        read_pixels(encoded(IMAGE, kind, syntax=JPEG2000Lossless, frames=[frame]))
    plain = saved("JPEG2000", Image.fromarray(ycbcr()), no_jp2=True, mct=0)
    file = encoded(IMAGE, "YBR_FULL", syntax=JPEG2000Lossless, frames=[plain])
    assert np.abs(read_pixels(file).astype(int) - IMAGE).max() <= 3


def test_jpeg_data_decide_where_the_header_names_other_colours():
    for kind, keep in (("RGB", False), ("YBR_FULL_422", True)):
        frame = saved("JPEG", quality=100, subsampling=0, keep_rgb=keep)
        file = encoded(IMAGE, kind, syntax=JPEGBaseline8Bit, frames=[frame])
        assert np.abs(read_pixels(file).astype(int) - IMAGE).max() <= 4


@pytest.mark.parametrize("kind", ["YBR_FULL_422", "RGB", "MONOCHROME2"])
def test_baseline_jpeg(kind):
    if kind == "MONOCHROME2":
        frame, expected = saved("JPEG", Image.fromarray(GREY), quality=100), np.repeat(GREY[..., None], 3, axis=2)
    else:
        frame, expected = saved("JPEG", quality=100, subsampling=0, keep_rgb=kind == "RGB"), IMAGE
    file = encoded(expected if kind != "MONOCHROME2" else GREY, kind, syntax=JPEGBaseline8Bit, frames=[frame])
    assert np.abs(read_pixels(file).astype(int) - expected).max() <= 4


@pytest.mark.parametrize("kind", ["RGB", "YBR_FULL", "MONOCHROME2"])
def test_lossless_jpeg(kind):
    values = {"RGB": IMAGE, "YBR_FULL": ycbcr(), "MONOCHROME2": GREY}[kind]
    file = encoded(values, kind, syntax=JPEGLosslessSV1, frames=[lossless_jpeg(values)])
    expected = np.repeat(GREY[..., None], 3, axis=2) if kind == "MONOCHROME2" else IMAGE
    assert np.abs(read_pixels(file).astype(int) - expected).max() <= (3 if kind == "YBR_FULL" else 0)


def test_palettes_of_8_and_16_bits():
    colours = np.random.default_rng(1).integers(0, 256, (256, 3))
    np.testing.assert_array_equal(read_pixels(encoded(GREY, "PALETTE COLOR", **palette(colours * 257))), colours[GREY])
    np.testing.assert_array_equal(read_pixels(encoded(GREY, "PALETTE COLOR", **palette(colours, 8))), colours[GREY])
    wide = np.repeat(np.arange(4096)[:, None] * 16, 3, axis=1)
    stored = GREY.astype(np.uint16) * np.uint16(16)
    assert np.abs(grey_of(encoded(stored, "PALETTE COLOR", bits=12, **palette(wide))) - GREY).max() <= 1


def test_a_palette_in_segments():
    # PS3.3 C.7.9.2: one discrete entry, then a straight line of 255 entries to white.
    segments = struct.pack("<6H", 0, 1, 0, 1, 255, 65535)
    tags = {f"{colour}PaletteColorLookupTableDescriptor": [256, 0, 16] for colour in NAMES}
    tags |= {f"Segmented{colour}PaletteColorLookupTableData": segments for colour in NAMES}
    assert np.abs(grey_of(encoded(GREY, "PALETTE COLOR", **tags)) - GREY).max() <= 1


def swapping_profile():
    """Return a colour profile that swaps red and blue."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.find(b"rXYZ"), profile.find(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


@pytest.mark.parametrize("place", ["image", "optical path"])
def test_a_colour_profile_becomes_srgb(place):
    path = pydicom.dataset.Dataset()
    path.ICCProfile = swapping_profile()
    tags = {"ICCProfile": path.ICCProfile} if place == "image" else {"OpticalPathSequence": [path]}
    read = read_pixels(encoded(np.ascontiguousarray(IMAGE[..., ::-1]), "RGB", **tags)).astype(int)
    assert np.abs(read - IMAGE).max() <= 3


def test_greyscale_is_referred_as_colourless():
    shipped = md.Detector.load()
    large = md.draw_lesion("melanoma", seed=5, size=256).pixels[..., 1]
    prediction = shipped.predict(encoded(large, "MONOCHROME2", Rows=256, Columns=256))
    assert (prediction.decision, prediction.reason) == ("refer", "without colour")


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEGLSLossless])
def test_a_file_of_several_frames_needs_one_named(tmp_path, syntax):
    frames = np.stack([IMAGE, 255 - IMAGE, IMAGE // 2])
    write = encoded if syntax == ExplicitVRLittleEndian else compressed
    extra = {} if syntax == ExplicitVRLittleEndian else {"syntax": syntax}
    path = tmp_path / "several.dcm"
    path.write_bytes(write(frames, "RGB", NumberOfFrames=3, **extra))
    with pytest.raises(
        SeveralFramesError, match=r"several\.dcm: a DICOM file of 3 frames; name one, as in .*dcm#1'"
    ) as caught:
        read_pixels(path)
    assert caught.value.frames == 3
    for number in (3, 1, 2):
        np.testing.assert_array_equal(read_pixels(f"{path}#{number}"), frames[number - 1])
    with pytest.raises(ImageError, match="names frame 4, and the file has 3"):
        read_pixels(f"{path}#4")


def test_a_truncated_file_keeps_the_frames_that_are_there():
    content = encoded(np.stack([IMAGE, 255 - IMAGE]), "RGB", NumberOfFrames=2)
    np.testing.assert_array_equal(read_pixels(Frame(content[:-9], 1)), IMAGE)
    with pytest.raises(ImageError, match="cannot be decoded"):
        read_pixels(Frame(content[:-9], 2))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("lacks", ["preamble", "meta"])
def test_a_file_without_its_preamble_is_read(syntax, lacks):
    content = encoded(IMAGE, "RGB", syntax=syntax)
    length = int.from_bytes(content[140:144], "little")
    np.testing.assert_array_equal(read_pixels(content[132:] if lacks == "preamble" else content[144 + length :]), IMAGE)


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(dicom, "_decode", None)  # would fail if it were called
    with pytest.raises(ImageError, match="60000×60000 pixels, more than 200 million"):
        read_pixels(encoded(IMAGE, "RGB", Rows=60000, Columns=60000))
    monkeypatch.undo()
    for kind, syntax in (("JPEG", JPEGBaseline8Bit), ("JPEG2000", JPEG2000Lossless)):
        frame = saved(kind, Image.new("RGB", (300, 200)), **({"no_jp2": True} if kind == "JPEG2000" else {}))
        with pytest.raises(ImageError, match="data of 300×200 pixels in a header of 32×32"):
            read_pixels(encoded(IMAGE, "RGB", syntax=syntax, frames=[frame]))


def test_a_missing_decoder_is_named(monkeypatch):
    wide = IMAGE.astype(np.uint16) * np.uint16(16)
    stored = encoded(wide, "RGB", bits=12, syntax=JPEGLosslessSV1, frames=[lossless_jpeg(IMAGE)])
    with pytest.raises(ImageError, match=r"needs a decoder: pip install 'python-gdcm'"):
        read_pixels(stored)
    file = compressed(IMAGE, "RGB", JPEGLSLossless)
    monkeypatch.setattr(pydicom.pixels.decoders.JPEGLSLosslessDecoder, "_available", {})
    with pytest.raises(ImageError, match=r"JPEG-LS .* needs a decoder: pip install 'melanoma-detect\[dicom\]'"):
        read_pixels(file)
    file = compressed(wide, "RGB", JPEG2000Lossless, bits=12)
    decoder = pydicom.pixels.decoders.JPEG2000LosslessDecoder
    monkeypatch.setattr(decoder, "_available", {"pillow": decoder._available["pillow"]})
    monkeypatch.setattr(decoder, "_unavailable", {"pylibjpeg": ("pylibjpeg-openjpeg>=2.0",)})
    with pytest.raises(ImageError, match=r"of 12 bits needs another decoder: pip install 'melanoma-detect\[dicom\]'"):
        read_pixels(file)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"PhotometricInterpretation": "YBR_PARTIAL_420"}, "colours as YBR_PARTIAL_420; expected RGB"),
        ({"PhotometricInterpretation": "HSV"}, "colours as HSV"),
        ({"SamplesPerPixel": 4}, "cannot be decoded"),
        ({"BitsStored": 0}, "cannot be decoded"),
        ({"BitsAllocated": 32, "BitsStored": 32}, "cannot be decoded"),
        ({"PixelData": IMAGE.tobytes()[:100]}, "cannot be decoded"),
    ],
)
def test_headers_that_cannot_be_right(tags, message):
    with pytest.raises(ImageError, match=message):
        read_pixels(encoded(IMAGE, "RGB", **tags))


def answer(content):
    """Return the message of what cannot be read."""
    try:
        assert read_pixels(content).shape[2] == 3
    except ImageError as error:
        return str(error)
    return ""


def test_damaged_files_say_nothing_of_the_patient(caplog, recwarn):
    contents = encoded(IMAGE, "RGB"), compressed(IMAGE, "RGB", JPEGLSLossless), encoded(IMAGE, "RGB", NumberOfFrames=1)
    rng, messages = np.random.default_rng(3), []
    for number in range(120):
        content = contents[number % 3]
        broken = bytearray(content[: rng.integers(140, len(content))])
        for place in rng.integers(132, min(len(broken), 600), 4):
            broken[place] = rng.integers(256)
        messages.append(answer(bytes(broken)))
    longer = bytearray(contents[0])  # the length of an early element takes the patient's name in
    place = longer.find(b"\x08\0\x60\0CS") + 6
    longer[place : place + 2] = (60).to_bytes(2, "little")
    messages.append(answer(bytes(longer)))
    assert "modality unknown" in messages[-1]
    said = "\n".join([*messages, caplog.text, *(str(warning.message) for warning in recwarn)])
    assert len(set(messages)) > 5
    assert not [secret for secret in ("Secret", "Person", "4711") if secret in said]


def test_compressed_data_that_are_cut_off_are_refused():
    for syntax, kind, options in (
        (JPEGBaseline8Bit, "JPEG", {}),
        (JPEG2000Lossless, "JPEG2000", {"no_jp2": True}),
    ):
        frame = saved(kind, **options)
        for end in (len(frame) // 2, len(frame) - 2):
            with pytest.raises(ImageError, match="compressed data that are cut off"):
                read_pixels(encoded(IMAGE, "RGB", syntax=syntax, frames=[frame[:end]]))
        with pytest.raises(ImageError, match="compressed data without a size"):
            read_pixels(encoded(IMAGE, "RGB", syntax=syntax, frames=[b"nonsense\xff\xd9"]))


def test_an_unknown_window_function_is_refused():
    stored = GREY.astype(np.uint16)
    with pytest.raises(ImageError, match="NONSENSE"):
        read_pixels(
            encoded(stored, "MONOCHROME2", bits=16, WindowCenter="9", WindowWidth="9", VOILUTFunction="NONSENSE")
        )


def test_counting_frames_of_what_is_damaged():
    with pytest.raises(ImageError, match=r"a\.dcm: cannot be decoded"):
        dicom.count_frames(io.BytesIO(bytes(128) + b"DICM"), "a.dcm")
