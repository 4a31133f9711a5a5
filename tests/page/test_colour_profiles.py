"""Embedded colour profiles: the page converts them as the library does, where a browser would do it in another way."""

import base64
import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

import melanoma_detect as md
from melanoma_detect.images.reader import read_pixels
from melanoma_detect.page import html

ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))  # CIE XYZ, D50


def fixed(value):
    return struct.pack(">i", round(65536 * value))


def gamma(exponent):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(256 * exponent)) + bytes(2)


def table(exponent, count=64):
    values = (np.linspace(0, 1, count) ** exponent * 65535).round().astype(">u2")
    return b"curv" + bytes(4) + struct.pack(">I", count) + values.tobytes()


def parametric(kind, *values):
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + b"".join(map(fixed, values))


SRGB_CURVE = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile(*curves, primaries=ADOBE_RGB, name="another", space=b"RGB ", tags=(), pcs=b"XYZ "):
    """Return an ICC profile of version 2: of a grey scale with one curve, else with primaries."""
    white = b"XYZ " + bytes(4) + fixed(0.9642) + fixed(1) + fixed(0.8249)
    text = name.encode() + b"\0"
    parts = [(b"desc", b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)), (b"wtpt", white), *tags]
    names = (b"kTRC",) if space == b"GRAY" else (b"rTRC", b"gTRC", b"bTRC")
    parts += zip(names, curves, strict=True)
    if space == b"RGB ":
        points = [b"XYZ " + bytes(4) + b"".join(map(fixed, values)) for values in primaries]
        parts += zip((b"rXYZ", b"gXYZ", b"bXYZ"), points, strict=True)
    place, listed, data = 132 + 12 * len(parts), b"", b""
    for tag, content in parts:
        listed += tag + struct.pack(">II", place + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    head = bytes(4) + struct.pack(">I", 0x02100000) + b"mntr" + space + pcs + bytes(12) + b"acsp" + bytes(28)
    head += fixed(0.9642) + fixed(1) + fixed(0.8249) + bytes(48)
    whole = head + struct.pack(">I", len(parts)) + listed + data
    return struct.pack(">I", 4 + len(whole)) + whole


def srgb():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encoded(icc, kind="PNG", mode="RGB", **options):
    image = Image.fromarray(md.draw_lesion("melanoma", seed=5, size=150).pixels).crop((0, 0, 150, 110))
    if mode == "P":
        image = image.quantize(64)
    elif mode.endswith("A"):
        image = image.convert(mode)
        image.putalpha(Image.new("L", image.size, 255))
    file = io.BytesIO()
    image.convert(mode).save(file, kind, icc_profile=icc, **options)
    return file.getvalue()


ADOBE = profile(*3 * (gamma(2.2),))
CASES = {
    "png": encoded(ADOBE),
    "jpeg": encoded(ADOBE, "JPEG"),
    "webp": encoded(ADOBE, "WEBP", lossless=True),
    "lossy webp": encoded(ADOBE, "WEBP", quality=80),
    "jpeg of several parts": encoded(ADOBE + bytes(150_000), "JPEG"),
    "table": encoded(profile(*3 * (table(1.8),))),
    "three curves": encoded(profile(gamma(1.8), table(2.4, 1024), SRGB_CURVE)),
    "no curve": encoded(profile(*3 * (b"curv" + bytes(8),))),
    "function 0": encoded(profile(*3 * (parametric(0, 2.2),))),
    "function 3": encoded(profile(*3 * (SRGB_CURVE,))),
    "function 4": encoded(profile(*3 * (parametric(4, 2.4, 0.95, 0.05, 0.07, 0.04, 0.001, 0),))),
    "alpha": encoded(ADOBE, mode="RGBA"),
    "srgb": encoded(srgb()),
    "srgb by its name alone": encoded(profile(*3 * (gamma(2.2),), name="sRGB-like")),
    "palette": encoded(ADOBE, mode="P"),
    "grey with alpha": encoded(ADOBE, mode="LA"),
    "grey in a profile of colours": encoded(ADOBE, "JPEG", mode="L"),
    "colours in a profile of greys": encoded(profile(gamma(1.8), space=b"GRAY")),
    "damaged": encoded(ADOBE[:200]),
    "no profile at all": encoded(b"nothing of the kind" * 20, "JPEG"),
    "without primaries": encoded(ADOBE.replace(b"gXYZ", b"none")),
}
NEARLY = {  # LittleCMS rounds these in a table of its own, or moves a black point that is lighter than black
    "function 1": encoded(profile(*3 * (parametric(1, 2.2, 0.9, 0.1),))),
    "function 2": encoded(profile(*3 * (parametric(2, 2.2, 0.9, 0.05, 0.05),))),
    "grey": encoded(profile(gamma(1.8), space=b"GRAY"), mode="L"),
    "grey jpeg": encoded(profile(table(2.4), space=b"GRAY"), "JPEG", mode="L"),
}


@pytest.fixture(scope="module")
def shipped():
    return md.Detector.load()


@pytest.fixture(scope="module")
def page(open_engine, shipped):
    return open_engine(html(shipped)).start()


PIXELS = """
    const { decodeImage } = await import("decode");
    const { converted } = await import("colour_profile");
    const image = await decodeImage(fromBase64(argument), "image");
    const rows = await converted(image, image.conversion).read(0, image.height);
    const shown = await image.thumbnail([0, 0, image.width, image.height], image.width, image.height);
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    const context = canvas.getContext("2d");
    context.drawImage(shown, 0, 0);
    return [rows, context.getImageData(0, 0, image.width, image.height).data].map(toBase64);
"""


def difference(page, content):
    """Return the largest difference of a grey level: of what the model gets, and of what is shown."""
    expected = read_pixels(content).astype(int)
    found = [
        np.frombuffer(base64.b64decode(text), np.uint8).reshape(*expected.shape[:2], 4)[..., :3]
        for text in page.call(PIXELS, base64.b64encode(content).decode())
    ]
    return [int(np.abs(each - expected).max()) for each in found]


@pytest.mark.parametrize("name", CASES)
def test_a_profile_is_converted_as_the_library_does(page, name):
    assert difference(page, CASES[name]) == [0, 0]


@pytest.mark.parametrize("name", NEARLY)
def test_a_rarer_profile_is_converted_nearly_as_the_library_does(page, name):
    assert max(difference(page, NEARLY[name])) <= 2


def test_profiles_make_a_difference():
    plain = read_pixels(encoded(None)).astype(int)
    changing = {name for name in CASES if name != "lossy webp" and np.abs(read_pixels(CASES[name]) - plain).max() > 8}
    assert changing >= {
        "png",
        "webp",
        "jpeg of several parts",
        "table",
        "three curves",
        "no curve",
        "function 0",
        "alpha",
    }
    assert not changing & {"srgb", "srgb by its name alone", "damaged", "without primaries"}
