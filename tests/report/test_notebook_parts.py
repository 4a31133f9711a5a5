"""Pieces of views: images as data URLs, and templates that escape."""

import base64
import io

import numpy as np
from PIL import Image

from melanoma_detect.report.notebook_parts import fill_template, picture, png_url, thumbnail


def decode(url):
    """Return the image of a data URL."""
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def test_a_picture_keeps_its_shape_and_is_sharp():
    shown = picture(lambda: Image.new("RGB", (3000, 2000), "red"), 300)
    assert (shown.width, shown.height, shown.problem) == (300, 200, "")
    assert decode(shown.url).size == (600, 400)


def test_a_small_picture_is_not_blown_up_in_its_file():
    assert decode(picture(lambda: Image.new("RGB", (64, 48)), 300).url).size == (300, 225)


def test_a_thumbnail_is_the_square_middle():
    pixels = np.zeros((200, 400, 3), np.uint8)
    pixels[:, 100:300] = 255
    shown = thumbnail(pixels, 80)
    assert (shown.width, shown.height) == (80, 80)
    assert np.asarray(decode(shown.url)).mean() > 250


def test_what_cannot_be_read_is_a_reason(tmp_path):
    gone = tmp_path / "gone.jpg"
    assert str(gone) in thumbnail(gone).problem
    assert thumbnail(gone).url == ""

    def load():
        raise OSError("the disk is on fire")

    assert picture(load, 100).problem == "the disk is on fire"


def test_png_url():
    assert png_url(b"\x89PNG") == "data:image/png;base64,iVBORw=="


def test_templates_escape():
    html = fill_template("scores", scores="<i>no</i>", shares=[])
    assert "&lt;i&gt;no&lt;/i&gt;" in html
    assert "<i>no" not in html
