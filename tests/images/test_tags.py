"""Metadata whose tags stand for far more bytes than there are: refused at once, without being copied."""

import io
import struct
import subprocess
import sys
import time
import zlib

import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import read_pixels
from melanoma_detect.images.tags import check_boxed_tags, check_jpeg_tags, check_tags

LESION = Image.fromarray(md.draw_lesion("melanoma", seed=5, size=64).pixels)
# A grey image of 64×64 pixels, by its tags.
PLAIN = [(256, 3, 1, 64), (257, 3, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
PLAIN += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 64), (279, 4, 1, 4096)]


def bomb(order="<", *, size=2**20, tags=3000, within=None, wide=False):
    """Return a TIFF of 64×64 pixels with tags that all point to the same bytes."""
    letter = "Q" if wide else "I"
    start = (16 if wide else 8) + size
    entries = [(tag, kind, count, value) for tag, kind, count, value in PLAIN]
    many = [(40_000 + number, 7, size, 16 if wide else 8) for number in range(tags)]
    if within:
        entries.append((within, 4, 1, start + 20_000))
    else:
        entries += many

    def directory(own):
        packed = b"".join(pack(each) for each in own)
        return struct.pack(f"{order}{'Q' if wide else 'H'}", len(own)) + packed + bytes(8)

    def pack(each):
        tag, kind, count, value = each
        short = kind == 3 and count == 1
        content = struct.pack(f"{order}H", value) if short else struct.pack(f"{order}{letter}", value)
        return struct.pack(f"{order}HH{letter}", tag, kind, count) + content.ljust(8 if wide else 4, b"\0")

    mark = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}H", 43 if wide else 42)
    head = mark + (struct.pack(f"{order}HHQ", 8, 0, start) if wide else struct.pack(f"{order}I", start))
    content = head + bytes(size) + directory(entries)
    if within:
        content = content.ljust(start + 20_000, b"\0") + directory(many)
    return content


def png(exif):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    file = io.BytesIO()
    LESION.save(file, "PNG")
    content = file.getvalue()
    return content[:33] + chunk(b"eXIf", exif) + content[33:]


def jpeg(exif):
    file = io.BytesIO()
    LESION.save(file, "JPEG")
    content = file.getvalue()
    parts = [exif[start : start + 65_000] for start in range(0, len(exif), 65_000)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part for part in parts)
    return content[:2] + segments + content[2:]


BOMBS = {
    "little-endian": bomb(),
    "big-endian": bomb(">"),
    "BigTIFF": bomb(wide=True),
    "of EXIF": bomb(within=34665),
    "of a place": bomb(within=34853),
}


def test_honest_tags_pass():
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif.get_ifd(0x8769)[0x9286] = b"a comment" * 1000
    for content in (exif.tobytes(), b"", b"nothing", b"II*\0", b"MM\0*" + b"\xff" * 20):
        check_tags(content)
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        file = io.BytesIO()
        LESION.save(file, kind, exif=exif)
        check_tags(file.getvalue())
        check_jpeg_tags(file)
        check_boxed_tags(file)
        assert read_pixels(file.getvalue()).shape == (64, 64, 3)


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_tags_that_all_point_to_the_same_bytes(content):
    for check, given in (
        (check_tags, content),
        (check_jpeg_tags, io.BytesIO(jpeg(content))),
        (check_boxed_tags, io.BytesIO(b"box" + content)),
    ):
        with pytest.raises(ValueError, match="far more bytes"):
            check(given)


# What Pillow passes over between the segments of a JPEG file.
BETWEEN = {
    "a byte": b"\xff\xfe\0\2\0",
    "an end": b"\xff\xd9",
    "a restart": b"\xff\xd0",
    "a zero": b"\xff\0",
    "fill": b"\xff\xff",
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
def test_tags_behind_what_is_passed_over(between):
    content = jpeg(bomb(size=2**15, tags=2500))
    with pytest.raises(ImageError, match="far more bytes"):
        read_pixels(content[:2] + between + content[2:])


def test_the_tags_of_a_list_of_pages():
    tags = bomb(size=2**14, tags=3000)[:65_000]
    content = jpeg(b"")
    segment = b"\xff\xe2" + struct.pack(">H", len(tags) + 6) + b"MPF\0" + tags
    with pytest.raises(ImageError, match="far more bytes"):
        read_pixels(content[:2] + segment + content[2:])


@pytest.mark.parametrize("many", [b"\xff", b"\xff\xfe\0\2", b"\xff\xd0\0"])
def test_an_endless_header(many):
    content, start = jpeg(b""), time.process_time()
    with pytest.raises(ImageError, match=r"more than 1,000,000 markers"):
        read_pixels(content[:2] + many * 5_000_000 + content[2:])
    assert time.process_time() - start < 10


READ = """
import resource, sys
from melanoma_detect.errors import ImageError
from melanoma_detect.data.scan import scan
resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30,) * 2)
from pathlib import Path
[found] = scan([Path(sys.argv[1])], (32, 32), "squash")
print(found.error or "read")
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
assert peak < 700_000, peak
"""


@pytest.mark.parametrize("kind", ["tif", "png", "jpg"])
@pytest.mark.parametrize("within", [None, 34665])
def test_a_file_with_such_tags_takes_no_memory(kind, within, tmp_path):
    content = bomb(within=within)
    path = tmp_path / f"a.{kind}"
    path.write_bytes({"tif": content, "png": png(content), "jpg": jpeg(content)}[kind])
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert "far more bytes" in done.stdout or done.stdout == "read\n"


def test_the_reader_names_the_file(tmp_path):
    (tmp_path / "a.tif").write_bytes(bomb())
    with pytest.raises(ImageError, match=r"a\.tif: cannot be decoded \(metadata whose tags"):
        read_pixels(tmp_path / "a.tif")
