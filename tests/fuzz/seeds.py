"""The seed corpus of the fuzzers: small inputs of every kind that a door reads, drawn here and written nowhere."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from damage import reserve_zip
from PIL import Image, ImageCms

import melanoma_detect as md

Seeds = dict[str, bytes]
WIDTH, HEIGHT = 24, 20


@cache
def pixels() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a drawn lesion, uint8 (20, 24, 3)."""
    lesion = Image.fromarray(md.draw_lesion("melanoma", seed=5, size=32).pixels)
    return np.asarray(lesion.resize((WIDTH, HEIGHT)))


def picture(mode: str = "RGB") -> Image.Image:
    """Return the lesion in a mode of Pillow."""
    image = Image.fromarray(pixels())
    if mode == "I;16":
        return Image.fromarray(pixels()[..., 0].astype(np.uint16) * 257)
    if mode == "F":
        return Image.fromarray(pixels()[..., 0] / np.float32(255))
    if mode == "LAB":
        profiles = (ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"))
        changed = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
        assert changed is not None
        return changed
    return image.convert(mode)


def encoded(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    """Return the lesion as a file."""
    file = io.BytesIO()
    picture(mode).save(file, kind, **options)
    return file.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    return exif


def _profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _jpeg() -> Seeds:
    exif, icc = _exif(), _profile()
    return {
        "plain": encoded("JPEG"),
        "progressive": encoded("JPEG", progressive=True, quality=40),
        "cmyk": encoded("JPEG", "CMYK"),
        "grey": encoded("JPEG", "L"),
        "exif": encoded("JPEG", exif=exif),
        "profile": encoded("JPEG", icc_profile=icc),
        "several": encoded("MPO", save_all=True, append_images=[picture()]),
        "restarts": encoded("JPEG", subsampling=0, restart_marker_rows=1),
    }


def _png() -> Seeds:
    modes = {mode: encoded("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")}
    return modes | {
        "exif": encoded("PNG", exif=_exif()),
        "profile": encoded("PNG", icc_profile=_profile()),
        "animation": encoded("PNG", save_all=True, append_images=[picture().rotate(90)]),
        "transparent": encoded("PNG", "P", transparency=3),
    }


def _tiff() -> Seeds:
    compressions = ("raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "jpeg")
    packed = {name: encoded("TIFF", compression=name) for name in compressions}
    modes = {mode: encoded("TIFF", mode) for mode in ("L", "CMYK", "YCbCr", "LAB", "I;16", "F", "RGBA", "P")}
    return (
        packed
        | modes
        | {
            "fax": encoded("TIFF", "1", compression="group4"),
            "pages": encoded("TIFF", save_all=True, append_images=[picture()]),
            "exif": encoded("TIFF", exif=_exif()),
            "big": encoded("TIFF", big_tiff=True),
        }
    )


def _webp() -> Seeds:
    return {
        "plain": encoded("WEBP"),
        "lossless": encoded("WEBP", lossless=True),
        "alpha": encoded("WEBP", "RGBA"),
        "exif": encoded("WEBP", exif=_exif()),
        "profile": encoded("WEBP", icc_profile=_profile()),
        "animation": encoded("WEBP", save_all=True, append_images=[picture().rotate(90)]),
    }


def _bmp() -> Seeds:
    seeds = {mode: encoded("BMP", mode) for mode in ("1", "L", "P", "RGB", "RGBA")}
    header = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, 8, 0, 0, 256, 0)
    runs = bytes([4, 9, 0, 0, 0, 4, 1, 2, 3, 4, 0, 1])  # a run, the end of a line, single pixels, the end
    start = 14 + 40 + 1024
    seeds["runs"] = b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + bytes(1024) + runs
    return seeds


def _gif() -> Seeds:
    frames = [picture().rotate(90).convert("P")]
    return {
        "plain": encoded("GIF", "P"),
        "grey": encoded("GIF", "L"),
        "transparent": encoded("GIF", "P", transparency=3),
        "animation": encoded("GIF", "P", save_all=True, append_images=frames, loop=0, comment=b"drawn"),
    }


def _avif() -> Seeds:
    return {
        "plain": encoded("AVIF"),
        "alpha": encoded("AVIF", "RGBA"),
        "exif": encoded("AVIF", exif=_exif()),
        "animation": encoded("AVIF", save_all=True, append_images=[picture().rotate(90)]),
    }


def _heic() -> Seeds:
    import pillow_heif

    def written(image: Image.Image, **options: Any) -> bytes:
        file = io.BytesIO()
        pillow_heif.from_pillow(image).save(file, quality=50, **options)
        return file.getvalue()

    return {
        "plain": written(picture()),
        "alpha": written(picture("RGBA")),
        "exif": written(picture(), exif=_exif().tobytes()),
    }


def _dicom() -> Seeds:
    import pydicom
    from pydicom.encaps import encapsulate
    from pydicom.uid import (
        DeflatedExplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        JPEGBaseline8Bit,
        RLELossless,
    )

    def written(values: Any, syntax: Any = ExplicitVRLittleEndian, **changes: Any) -> bytes:
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID = syntax
        meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.4"
        meta.MediaStorageSOPInstanceUID = "1.2.3"
        made = pydicom.dataset.Dataset()
        made.file_meta, made.Modality = meta, "XC"
        made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.4", "1.2.5"
        made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        made.Rows, made.Columns, made.PixelRepresentation = HEIGHT, WIDTH, 0
        made.SamplesPerPixel, bits = (1 if values.ndim == 2 else 3), values.itemsize * 8
        made.PhotometricInterpretation = "MONOCHROME2" if values.ndim == 2 else "RGB"
        made.BitsAllocated, made.BitsStored, made.HighBit = bits, bits, bits - 1
        if values.ndim > 2:
            made.PlanarConfiguration = 0
        made.PixelData = values.tobytes()
        for name, value in changes.items():
            setattr(made, name, value)
        if syntax == RLELossless:
            made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            made.compress(RLELossless)
        file = io.BytesIO()
        pydicom.dcmwrite(file, made, enforce_file_format=True)
        return file.getvalue()

    colour, grey = pixels(), pixels()[..., 0]
    frames = np.stack([colour, colour[::-1]])
    palette = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name in ("Red", "Green", "Blue"):
        palette |= {f"{name}PaletteColorLookupTableDescriptor": [256, 0, 16]}  # type: ignore[dict-item]
        palette |= {f"{name}PaletteColorLookupTableData": np.arange(256, dtype=np.uint16).tobytes()}  # type: ignore[dict-item]
    jpeg = {"PixelData": encapsulate([encoded("JPEG")]), "PhotometricInterpretation": "YBR_FULL_422"}
    return {
        "colour": written(colour),
        "implicit": written(colour, ImplicitVRLittleEndian),
        "deflated": written(colour, DeflatedExplicitVRLittleEndian),
        "grey": written(grey),
        "inverted": written(grey, PhotometricInterpretation="MONOCHROME1"),
        "wide": written(grey.astype(np.uint16) * 257, WindowCenter="100", WindowWidth="2000"),
        "frames": written(frames, NumberOfFrames="2"),
        "palette": written(grey, **palette),
        "runs": written(colour, RLELossless),
        "jpeg": written(colour, JPEGBaseline8Bit, **jpeg),
    }


def _detector() -> Seeds:
    from tiny_detector import tiny_detector_file

    return {"tiny": tiny_detector_file()}


def _card() -> Seeds:
    from tiny_detector import tiny_detector_file

    with zipfile.ZipFile(io.BytesIO(tiny_detector_file())) as archive:
        return {"tiny": archive.read("detector.json")}


def _table() -> Seeds:
    rows = "image_id,dx,lesion_id,sex,age\nISIC_0000001,mel,L1,male,50\nISIC_0000002,nv,L2,female,\na.jpg,bcc,L2,,30\n"
    truth = "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC\nISIC_1,1.0,0,0,0,0,0,0\nISIC_2,0,1.0,0,0,0,0,0\n"
    parts = '"image name";diagnosis\n"a ""b"".jpg";"Nævus, kein\nMelanom"\nb.jpg;=1+1\n'
    return {
        "plain": rows.encode(),
        "truth": truth.encode(),
        "tabs": rows.replace(",", "\t").encode(),
        "quoted": parts.encode(),
        "windows": parts.encode("cp1252"),
        "utf-16": rows.encode("utf-16"),
        "utf-32": rows.encode("utf-32"),
        "marked": b"\xef\xbb\xbf" + rows.encode(),
        "gzip": gzip.compress(rows.encode(), mtime=0),
    }


def _parquet() -> Seeds:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"image": ["a.jpg", "b.jpg", None], "dx": ["mel", "nv", "bcc"], "age": [50.0, None, 7.0]})

    def written(**options: Any) -> bytes:
        file = io.BytesIO()
        pq.write_table(table, file, **options)
        return file.getvalue()

    return {"plain": written(compression="none"), "snappy": written(), "encoded": written(use_dictionary=True)}


def _workbook() -> Seeds:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["image", "diagnosis", "age"], ["a.jpg", "melanoma", 50], ["b.jpg", "nevus", None]):
        sheet.append(row)
    book.create_sheet("notes").append(["nothing"])
    file = io.BytesIO()
    book.save(file)
    return {"plain": reserve_zip(file.getvalue())}


def _zip() -> Seeds:
    small = encoded("PNG", "P", optimize=True)

    def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content, method)
        return file.getvalue()

    classes = {"set/Train/melanoma/a.png": small, "set/Train/nevus/b.png": small[:-1], "set/Test/nevus/c.png": small}
    table = {"images/a.png": small, "images/b.png": small, "labels.csv": b"image,dx\na.png,mel\nb.png,nv\n"}
    return {
        "classes": packed(classes),
        "table": packed(table),
        "stored": packed(table, zipfile.ZIP_STORED),
        "lzma": packed(classes, zipfile.ZIP_LZMA),
        "hidden": packed(classes | {"__MACOSX/._a.png": b"x", "set/.hidden": b"x", "näme/": b""}),
    }


def _scored_table() -> Seeds:
    paths = "path,age\na.png,50\nb.png,\nmissing.png,1\n"
    return {
        "csv": paths.encode(),
        "lines": b"a.png\nb.png\n",
        "names": b"image\na\nimages/b\nimages\\b.png\n./a.png\n",
        "frames": b"filename\na.png#1\nb.png#2",
        "gzip": gzip.compress(paths.encode(), mtime=0),
        "utf-16": paths.encode("utf-16"),
    }


def _index_files(kind: str) -> Seeds:
    import index_files

    return {"known": index_files.known_seeds, "similar": index_files.similar_seeds, "sketch": index_files.sketch_seeds}[
        kind
    ]()


def _journal() -> Seeds:
    from journals import as_seed, unfinished_run

    files = sorted(unfinished_run().items())
    return {name: bytes([index]) + as_seed(content) for index, (name, content) in enumerate(files)}


SEEDS: dict[str, Callable[[], Seeds]] = {
    "jpeg": _jpeg,
    "png": _png,
    "tiff": _tiff,
    "webp": _webp,
    "bmp": _bmp,
    "gif": _gif,
    "avif": _avif,
    "heic": _heic,
    "dicom": _dicom,
    "detector": _detector,
    "card": _card,
    "table": _table,
    "parquet": _parquet,
    "workbook": _workbook,
    "zip": _zip,
    "scored-table": _scored_table,
    "journal": _journal,
    **{kind: partial(_index_files, kind) for kind in ("known", "similar", "sketch")},
}


@cache
def seeds_of(door: str) -> Seeds:
    """Return the seeds of a door, by name."""
    return SEEDS[door]()


def write_seeds(door: str, folder: Path) -> None:
    """Write the seeds of a door into a folder, as libFuzzer reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds_of(door).items():
        (folder / f"seed-{name.replace('/', '-').replace(';', '-')}").write_bytes(content)
