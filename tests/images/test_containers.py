import io
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images import containers
from melanoma_detect.images.containers import check_length
from melanoma_detect.images.reader import read_pixels

LESION = Image.fromarray(md.draw_lesion("melanoma", seed=3, size=101).pixels)
EXIF = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"
WAYS = [
    ("PNG", "RGB", {}),
    ("PNG", "P", {}),
    ("WEBP", "RGB", {}),
    ("WEBP", "RGBA", {}),
    ("WEBP", "RGB", {"lossless": True}),
    ("WEBP", "RGB", {"exif": EXIF}),
    ("WEBP", "RGB", {"save_all": True, "append_images": [LESION.rotate(90)]}),
    ("BMP", "RGB", {}),
    ("BMP", "RGBA", {}),
    ("BMP", "L", {}),
    ("BMP", "P", {}),
    ("BMP", "1", {}),
    ("TIFF", "RGB", {}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "RGB", {"compression": "tiff_adobe_deflate", "exif": EXIF}),
    ("TIFF", "L", {"big_tiff": True}),
    ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "RGB", {"save_all": True, "append_images": [LESION.rotate(90)]}),
    ("GIF", "P", {}),
    ("GIF", "L", {"interlace": 0, "comment": b"a lesion " * 90}),
    ("GIF", "P", {"save_all": True, "append_images": [LESION.rotate(90)], "loop": 0}),
    ("AVIF", "RGB", {}),
    ("AVIF", "RGB", {"exif": EXIF}),
]
LOSSY_WAYS = [
    way for way in WAYS if way[0] in ("WEBP", "BMP", "AVIF", "GIF") or (way[2:] == ({},) and way[0] == "TIFF")
]


def file_of(kind, mode, options):
    file = io.BytesIO()
    LESION.convert(mode).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "mode", "options"), WAYS)
def test_a_whole_file_passes(kind, mode, options):
    content = file_of(kind, mode, options)
    check_length(kind, io.BytesIO(content))
    assert read_pixels(content).shape == (101, 101, 3)


@pytest.mark.parametrize(("kind", "mode", "options"), LOSSY_WAYS)
def test_bytes_added_or_lost_within_the_pixels_are_noticed(kind, mode, options):
    content, chance = file_of(kind, mode, options), random.Random(1)
    seen = 0
    for count in (1, 2, 3, 5, 16, 40):
        place = chance.randrange(len(content) // 2, len(content) - 50)
        added = content[:place] + chance.randbytes(count) + content[place:]
        for changed in (added, content[:place] + content[place + count :]):
            try:
                check_length(kind, io.BytesIO(changed))
            except ValueError:
                seen += 1
    # A TIFF file that lost bytes is refused by its decoder, and three bytes behind its image may be padding. The blocks of a
    # GIF file that lie wrongly may end rightly by chance.
    assert seen >= {"TIFF": 3, "GIF": 9}.get(kind, 12)


@pytest.mark.parametrize("kind", ["WEBP", "BMP", "TIFF", "GIF", "AVIF"])
def test_an_error_names_the_file_and_both_lengths(kind, tmp_path):
    path = tmp_path / f"lesion.{kind.lower()}"
    content = file_of(kind, "RGB", {})
    place = len(content) * 3 // 4
    path.write_bytes(content[:place] + b"\1\2\3\4\5\6" + content[place:])
    with pytest.raises(ImageError, match=r"lesion.*cannot be decoded \(.*bytes.*copy it again"):
        read_pixels(path)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "AVIF"])
def test_zeros_behind_the_image_are_padding(kind):
    content = file_of(kind, "RGB", {})
    assert (read_pixels(content + bytes(512)) == read_pixels(content)).all()


@pytest.mark.parametrize("kind", ["WEBP", "BMP", "GIF", "TIFF", "AVIF"])
def test_other_bytes_behind_the_image_are_refused(kind):
    with pytest.raises(ImageError, match="bytes were lost"):
        read_pixels(file_of(kind, "RGB", {}) + b"\0\0\1\2\3\4\5\6\7\x08\x09")


def test_a_gif_without_its_trailer_is_read():
    content = file_of("GIF", "P", {})
    assert (read_pixels(content[:-1]) == read_pixels(content)).all()


def test_a_bmp_whose_header_has_no_length_is_read():
    content = file_of("BMP", "RGB", {})
    assert (read_pixels(content[:2] + bytes(4) + content[6:]) == read_pixels(content)).all()


def test_a_run_length_encoded_bmp_is_read():
    rows = b"".join(bytes([4, 1 + row % 2, 0, 0]) for row in range(3)) + b"\0\1"
    palette = bytes([0, 0, 0, 0, 255, 255, 255, 0, 30, 60, 90, 0]) + bytes(4 * 253)
    start = 14 + 40 + len(palette)
    header = struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start)
    header += struct.pack("<IiiHHIIiiII", 40, 4, 3, 1, 8, 1, len(rows), 0, 0, 0, 0)
    assert read_pixels(header + palette + rows).shape == (3, 4, 3)
    with pytest.raises(ImageError, match="bytes"):
        read_pixels(header + palette + rows[:4] + b"\4\2\0\0" + rows[4:])


def test_a_tiff_with_tags_of_its_maker_may_hold_bytes_of_its_own():
    file, tags = io.BytesIO(), TiffImagePlugin.ImageFileDirectory_v2()
    tags[65000] = "of a maker"
    LESION.save(file, "TIFF", tiffinfo=tags)
    assert read_pixels(file.getvalue() + b"what only the maker knows of").shape == (101, 101, 3)


def test_the_chunks_of_a_png_are_limited(monkeypatch):
    content = file_of("PNG", "RGB", {})
    chunk = struct.pack(">I4sI", 0, b"teSt", zlib.crc32(b"teSt"))
    check_length("PNG", io.BytesIO(content[:33] + 100 * chunk + content[33:]))
    monkeypatch.setattr(containers, "MAX_CHUNKS", 50)
    with pytest.raises(ImageError, match="more than 50 chunks"):
        read_pixels(content[:33] + 100 * chunk + content[33:])


def tiled_tiff(side, tile, compression):
    """Return a TIFF file of one grey level whose tiles all lie at the same place."""
    count = (side // tile) ** 2
    pixels = np.full(tile * tile, 90, np.uint8).tobytes()
    packed = zlib.compress(pixels) if compression == 8 else pixels
    start = 8 + 2 + 11 * 12 + 4
    places, sizes = start, start + 4 * count
    entries = [
        *((tag, 4, 1, value) for tag, value in ((256, side), (257, side))),
        *((tag, 3, 1, value) for tag, value in ((258, 8), (259, compression), (262, 1), (277, 1))),
        *((tag, 4, 1, value) for tag, value in ((322, tile), (323, tile))),
        (324, 4, count, places if count > 1 else start),
        (325, 4, count, sizes if count > 1 else len(packed)),
        (339, 3, 1, 1),
    ]
    at = start + 8 * count
    arrays = struct.pack(f"<{count}I", *[at] * count) + struct.pack(f"<{count}I", *[len(packed)] * count)
    return (
        struct.pack("<2sHIH", b"II", 42, 8, len(entries))
        + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        + bytes(4)
        + arrays
        + packed
    )


@pytest.mark.parametrize("compression", [1, 8])
def test_the_tiles_of_a_tiff_are_limited(compression):
    assert (read_pixels(tiled_tiff(64, 16, compression)) == 90).all()
    with pytest.raises(ImageError, match=r"250,000 (strips or )?tiles"):
        read_pixels(tiled_tiff(500, 1, compression))


def test_tiles_that_the_file_does_not_list_are_counted_too():
    content = bytearray(tiled_tiff(64, 16, 8))
    for place in range(10, 10 + 11 * 12, 12):
        tag = int.from_bytes(content[place : place + 2], "little")
        if tag in (256, 257):
            content[place + 8 : place + 12] = (9000).to_bytes(4, "little")
    with pytest.raises(ImageError, match=r"316,969 tiles"):
        read_pixels(bytes(content))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("WEBP", b"RIFF" + struct.pack("<I", 4 + 8 * 300_000) + b"WEBP" + (b"junk" + bytes(4)) * 300_000),
        ("AVIF", struct.pack(">I", 8) + b"ftyp" + (struct.pack(">I", 8) + b"junk") * 300_000),
        ("GIF", b"GIF89a" + bytes(7) + b"\x21\xfe\0" * 2_100_000 + b";"),
    ],
)
def test_a_file_of_countless_tiny_parts_is_refused(kind, content):
    with pytest.raises(ValueError, match=r"bytes were lost|blocks"):
        check_length(kind, io.BytesIO(content))


def test_a_directory_that_names_itself_is_refused_at_once():
    count = 2000
    entry = struct.pack("<HHII", 34665, 4, 1, 8)
    content = struct.pack("<2sHIH", b"II", 42, 8, count) + entry * count + bytes(4)
    with pytest.raises(ImageError, match="more than 100,000 tags"):
        read_pixels(content)
