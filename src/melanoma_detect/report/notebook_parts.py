"""Pieces of the notebooks' views: the templates, and images and plots as data URLs."""

import base64
import functools
import io
from collections.abc import Callable
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader
from PIL import Image

from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.images.reader import ImageLike, load_rgb, min_decode_size, resize_image
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.probabilities import format_percent, format_threshold
from melanoma_detect.utils.template_text import finalize_text

THUMBNAIL = 92  # pixels of the page, of each side
_SHARPNESS = 1.5  # pixels of a thumbnail's file for one of the page
_QUALITY = 78  # of JPEG


class Picture(NamedTuple):
    """An image as a page holds it, or the reason why it cannot be shown.

    Attributes:
        url: A data URL; empty where there is no image.
        width: In pixels of the page.
        height: In pixels of the page.
        problem: Why there is no image; empty where there is one.
    """

    url: str
    width: int
    height: int
    problem: str = ""


@functools.cache
def _environment() -> Environment:
    loader = PackageLoader("melanoma_detect.report", "templates/notebook")
    environment = Environment(
        loader=loader, autoescape=True, finalize=finalize_text, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"repr": repr, "count": count_noun, "percent": format_percent, "threshold": format_threshold}
    environment.globals |= {"disclaimer": DISCLAIMER, "parts": environment.get_template("parts.html").module}
    return environment


def fill_template(name: str, **values: Any) -> str:
    """Fill a template of the folder `templates/notebook`, in which every text is escaped.

    Args:
        name: The template's file name without its suffix.
        **values: What it shows.

    Returns:
        HTML.

    Examples:
        >>> "&lt;b&gt;" in fill_template("scores", scores="<b>", shares=[])
        True
    """
    return _environment().get_template(f"{name}.html").render(**values)


def picture(load: Callable[[], Image.Image], side: int) -> Picture:
    """Return an image in its own shape.

    Args:
        load: Returns the image, in mode RGB.
        side: The longer side, in pixels of the page.

    Returns:
        The image, or the reason why it cannot be loaded.

    Examples:
        >>> shown = picture(lambda: Image.new("RGB", (400, 300)), 100)
        >>> shown.width, shown.height
        (100, 75)
    """
    try:
        image = load()
    except (MelanomaDetectError, OSError) as error:
        return Picture("", side, side, str(error))
    scale = side / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    sharp = max(1.0, min(2.0, max(image.size) / side))
    resized = image.resize((round(width * sharp), round(height * sharp)), Image.Resampling.LANCZOS)
    return Picture(_jpeg_url(resized, 85), width, height)


def thumbnail(image: ImageLike, side: int = THUMBNAIL) -> Picture:
    """Return the square middle of an image, small.

    Args:
        image: What `images.reader.read_pixels` takes.
        side: In pixels of the page.

    Returns:
        The image, or the reason why it cannot be read.

    Examples:
        >>> thumbnail("gone.jpg").problem[:8]
        'gone.jpg'
    """
    size = (round(side * _SHARPNESS),) * 2
    try:
        pixels = resize_image(load_rgb(image, min_decode_size(size, "crop")), size, "crop")
    except MelanomaDetectError as error:
        return Picture("", side, side, str(error))
    return Picture(_jpeg_url(Image.fromarray(pixels), _QUALITY), side, side)


def png_url(content: bytes) -> str:
    """Return a PNG file as a data URL.

    Args:
        content: The file's bytes.

    Returns:
        The URL.

    Examples:
        >>> png_url(b"")
        'data:image/png;base64,'
    """
    return "data:image/png;base64," + base64.b64encode(content).decode()


def _jpeg_url(image: Image.Image, quality: int) -> str:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
