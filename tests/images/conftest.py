"""Image files of every kind: damaged ones, and rare formats and colour modes."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image, ImageCms

import melanoma_detect as md

LESION = md.draw_lesion("melanoma", seed=5, size=64).pixels
HALF = LESION[:32]


@dataclass(frozen=True)
class Kind:
    """One kind of image file: how to write it, and the pixels or the error message that reading it must give."""

    name: str
    write: Callable
    pixels: np.ndarray | None = None
    message: str = ""
    tolerance: float = 0.0
    suffix: str = ".jpg"


def raw(content):
    return lambda path: path.write_bytes(content)


def saved(kind="JPEG", image=None, **options):
    def write(path):
        (image if image is not None else Image.fromarray(LESION)).save(path, kind, **options)

    return write


def encoded(kind="JPEG", array=LESION, **options):
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, **options)
    return file.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved("PNG", Image.fromarray(HALF), exif=exif)


def upright(orientation):
    flips = {2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.swapaxes(0, 1)}
    flips |= {6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a.swapaxes(0, 1), 2), 8: np.rot90}
    return flips[orientation](HALF)


def bomb():
    """Return a PNG whose header gives 30,000×30,000 pixels: a decompression bomb."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")


def animation(kind):
    frames = [Image.fromarray(255 - LESION)]
    return saved(kind, save_all=True, append_images=frames, **({"lossless": True} if kind == "WEBP" else {}))


def heic(path):
    import pillow_heif

    pillow_heif.from_pillow(Image.fromarray(LESION)).save(path, quality=95)


def dicom(kind="RGB", *, bits=8, pixels=True):
    def write(path):
        import pydicom
        from pydicom.uid import ExplicitVRLittleEndian

        values = (
            LESION if kind == "RGB" else ((LESION[..., 0].astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16))
        )
        values = np.uint16(2**bits - 1) - values if kind == "MONOCHROME1" else values
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.4"
        meta.MediaStorageSOPInstanceUID = "1.2.3"
        made = pydicom.dataset.Dataset()
        made.file_meta = meta
        made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        made.Rows, made.Columns = values.shape[:2]
        made.SamplesPerPixel = 3 if kind == "RGB" else 1
        made.PhotometricInterpretation, made.PixelRepresentation = kind, 0
        made.BitsAllocated, made.BitsStored, made.HighBit = (8, 8, 7) if kind == "RGB" else (16, bits, bits - 1)
        if kind == "RGB":
            made.PlanarConfiguration = 0
        if pixels:
            made.PixelData = values.tobytes()
        pydicom.dcmwrite(path, made, enforce_file_format=True)

    return write


def swapped_profile():
    """Return a writer of an image whose colour profile swaps red and blue."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.find(b"rXYZ"), profile.find(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    name = profile.find("sRGB".encode("utf-16-be"))
    while name >= 0:
        profile[name : name + 8] = "swap".encode("utf-16-be")
        name = profile.find("sRGB".encode("utf-16-be"))
    return saved("PNG", Image.fromarray(LESION[..., ::-1].copy()), icc_profile=bytes(profile))


def over_white(alpha):
    return np.rint(LESION * (alpha / 255) + 255 * (1 - alpha / 255)).astype(np.uint8)


GREY = np.asarray(Image.fromarray(LESION).convert("L").convert("RGB"))
RGBA = Image.fromarray(np.dstack([LESION, np.full((64, 64), 128, np.uint8)]))
WIDE = LESION[..., 0].astype(np.uint16) * 257
RED = np.repeat(LESION[..., :1], 3, axis=2)
NOT_AN_IMAGE, DAMAGED = "not an image", "cannot be decoded"

KINDS = [
    Kind("empty", raw(b""), message="the file is empty"),
    Kind("text", raw(b"this is no image at all, whatever its name says"), message=NOT_AN_IMAGE),
    Kind("web page", raw(b"<!doctype html><html><body>404</body></html>" * 9), message=NOT_AN_IMAGE),
    Kind("zip archive", raw(b"PK\x03\x04" + b"\0" * 200), message=NOT_AN_IMAGE),
    Kind("PDF", raw(b"%PDF-1.7\n" + b"0" * 200), message=NOT_AN_IMAGE),
    Kind("SVG", raw(b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 9), message=NOT_AN_IMAGE, suffix=".png"),
    Kind("noise", raw(np.random.default_rng(0).bytes(5000)), message=NOT_AN_IMAGE),
    Kind("truncated JPEG", raw(encoded()[: len(encoded()) // 2]), message=DAMAGED),
    Kind("JPEG of a header alone", raw(encoded()[:300]), message=DAMAGED),
    Kind("truncated PNG", raw(encoded("PNG")[:4000]), message=DAMAGED, suffix=".png"),
    Kind("truncated GIF", raw(encoded("GIF")[:60]), message=DAMAGED, suffix=".gif"),
    Kind("truncated TIFF", raw(encoded("TIFF")[:100]), message="TIFF|decoded|not an image", suffix=".tif"),
    Kind("bomb", raw(bomb()), message="expected at most 200 million", suffix=".png"),
    Kind("folder", lambda path: path.mkdir(), message="is a folder"),
    Kind("dangling link", lambda path: path.symlink_to("nowhere.jpg"), message="no such file"),
    Kind("DICOM without pixels", dicom(pixels=False), message="without an image", suffix=".dcm"),
    Kind("float TIFF out of range", saved("TIFF", Image.fromarray(np.full((8, 8), -5.0, np.float32))),
         message="expected 0 to 1", suffix=".tif"),
    Kind("progressive JPEG", saved(progressive=True, quality=95), LESION, tolerance=3),
    Kind("JPEG with a tail", raw(encoded(quality=95) + b"junk" * 50), LESION, tolerance=3),
    Kind("CMYK JPEG", saved(image=Image.fromarray(LESION).convert("CMYK"), quality=95), LESION, tolerance=4),
    Kind("grey JPEG", saved(image=Image.fromarray(LESION).convert("L"), quality=95), GREY, tolerance=3),
    Kind("PNG named .jpg", raw(encoded("PNG")), LESION),
    Kind("upper-case suffix", saved("PNG"), LESION, suffix=".PNG"),
    Kind("1-bit", saved("PNG", Image.fromarray(LESION[..., 0] > 99)),
         np.repeat((LESION[..., :1] > 99) * np.uint8(255), 3, axis=2), suffix=".png"),
    Kind("palette with transparency", saved("PNG", RGBA.quantize(64)), over_white(128), tolerance=12, suffix=".png"),
    Kind("RGBA", saved("PNG", RGBA), over_white(128), tolerance=1, suffix=".png"),
    Kind("LA", saved("PNG", RGBA.convert("LA")), None, tolerance=1, suffix=".png"),
    Kind("YCbCr TIFF", saved("TIFF", Image.fromarray(LESION).convert("YCbCr")), LESION, tolerance=2, suffix=".tif"),
    Kind("LAB TIFF", saved("TIFF", ImageCms.profileToProfile(Image.fromarray(LESION), ImageCms.createProfile("sRGB"),
         ImageCms.createProfile("LAB"), outputMode="LAB")), LESION, tolerance=3, suffix=".tif"),
    Kind("16-bit PNG", saved("PNG", Image.fromarray(WIDE)), RED, tolerance=1, suffix=".png"),
    Kind("16-bit TIFF", saved("TIFF", Image.fromarray(WIDE)), RED, tolerance=1, suffix=".tif"),
    Kind("float TIFF", saved("TIFF", Image.fromarray(LESION[..., 0] / np.float32(255))), RED, tolerance=1, suffix=".tif"),
    Kind("GIF animation", animation("GIF"), LESION, tolerance=12, suffix=".gif"),
    Kind("PNG animation", animation("PNG"), LESION, suffix=".png"),
    Kind("WebP animation", animation("WEBP"), LESION, tolerance=1, suffix=".webp"),
    Kind("TIFF of two pages", animation("TIFF"), LESION, suffix=".tif"),
    Kind("BMP", saved("BMP"), LESION, suffix=".bmp"),
    Kind("AVIF", saved("AVIF", quality=95), LESION, tolerance=4, suffix=".avif"),
    Kind("HEIC", heic, LESION, tolerance=4, suffix=".heic"),
    Kind("DICOM in RGB", dicom(), LESION, suffix=".dcm"),
    Kind("DICOM, 12 bits, black on white", dicom("MONOCHROME1", bits=12), RED, tolerance=1, suffix=".dcm"),
    Kind("DICOM, 16 bits", dicom("MONOCHROME2", bits=16), RED, tolerance=1, suffix=".dcm"),
    Kind("foreign colour profile", swapped_profile(), LESION, tolerance=3, suffix=".png"),
    Kind("damaged colour profile", saved("PNG", icc_profile=b"nonsense" * 30), LESION, suffix=".png"),
    Kind("damaged EXIF", saved(quality=95, exif=b"Exif\0\0II*\0nonsense"), LESION, tolerance=3),
    Kind("one pixel", saved("PNG", Image.fromarray(LESION[:1, :1])), LESION[:1, :1], suffix=".png"),
    Kind("a line", saved("PNG", Image.fromarray(LESION[:1])), LESION[:1], suffix=".png"),
    Kind("näme with ünicode", saved("PNG"), LESION, suffix=".png"),
    *(Kind(f"orientation {at}", turned(at), upright(at), suffix=".png") for at in range(2, 9)),
]  # fmt: skip


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request):
    """Every kind of image file, one after the other."""
    return request.param


@pytest.fixture
def image_file(kind, tmp_path):
    """The path of a file of this kind."""
    path = tmp_path / f"{kind.name}{kind.suffix}"
    kind.write(path)
    return path
