"""What all pages share: the templates, figures and images as data URLs, and the numbers behind a page as a file in it."""

import base64
import io
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from jinja2 import Environment, PackageLoader
from matplotlib.figure import Figure
from PIL import Image

from melanoma_detect import __version__
from melanoma_detect.data.record import Record
from melanoma_detect.errors import ImageError
from melanoma_detect.evaluation.agreement import DECISIONS, p_text
from melanoma_detect.evaluation.independent_units import PLURALS as UNIT_PLURALS
from melanoma_detect.images.reader import Pixels, read_pixels
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.template_text import finalize_text

THUMBNAIL = (112, 112)  # pixels
_PIXELS_PER_INCH = 96  # of CSS


class Picture(NamedTuple):
    """A figure as a page shows it.

    Attributes:
        url: A data URL of an SVG, which is sharp at any size.
        width: In CSS pixels, at which its letters have the size that they were drawn at.
        height: In CSS pixels.
    """

    url: str
    width: int
    height: int


def render(template: str, **values: Any) -> str:
    """Render a template of this package.

    Args:
        template: The name of its file.
        **values: What it shows; all text is escaped.

    Returns:
        HTML.

    Examples:
        >>> "No problems found" in render("audit.html", audit=md.Audit((), 0, (), ()), max_cases=1)
        True
    """
    loader = PackageLoader("melanoma_detect.report", "templates")
    environment = Environment(loader=loader, autoescape=True, finalize=finalize_text)
    today = datetime.now(tz=UTC).date().isoformat()
    environment.globals.update(
        count=count_noun,
        thumbnail=thumbnail,
        version=__version__,
        disclaimer=DISCLAIMER,
        date=today,
        p_text=p_text,
        decisions=DECISIONS,
        unit_plurals=UNIT_PLURALS,
    )
    return environment.get_template(template).render(**values)


def picture(figure: Figure) -> Picture:
    """Return a figure for a page, without its white background: the page has a dark one for those who prefer it.

    Args:
        figure: The figure.

    Returns:
        The same bytes each time.

    Examples:
        >>> from melanoma_detect.report.style import new_figure
        >>> picture(new_figure(4, 3, "lesions")).width
        384
    """
    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "melanoma-detect"}):
        figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    url = "data:image/svg+xml;base64," + base64.b64encode(file.getvalue().encode()).decode()
    width, height = figure.get_size_inches() * _PIXELS_PER_INCH
    return Picture(url, round(width), round(height))


def jpeg_url(pixels: Pixels) -> str:
    """Return an image as a data URL of a small JPEG.

    Args:
        pixels: uint8 `(height, width, 3)`.

    Returns:
        The URL.

    Examples:
        >>> jpeg_url(draw_lesion("nevus", seed=1).pixels)[:23]
        'data:image/jpeg;base64,'
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def thumbnail(record: Record, size: tuple[int, int] = THUMBNAIL) -> str:
    """Return a record's image as a data URL.

    Args:
        record: The record.
        size: `(height, width)` in pixels; the image keeps its shape.

    Returns:
        The URL; empty if the image cannot be read, which the page then says.

    Examples:
        >>> thumbnail(data.test.records[0])[:23]
        'data:image/jpeg;base64,'
    """
    try:
        return jpeg_url(read_pixels(record.image, size, "pad"))
    except ImageError:
        return ""


def json_url(values: Mapping[str, Any]) -> str:
    """Return values as a data URL of a JSON file, which a browser saves without a network.

    Args:
        values: Plain values, of NumPy too; what is not a number becomes null, which JSON has, and paths become text.

    Returns:
        The URL.

    Examples:
        >>> json_url({"images": 3})[:29]
        'data:application/json;base64,'
    """
    text = json.dumps(_plain(values), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    encoded = base64.b64encode(text.encode("utf-8", "backslashreplace")).decode()
    return f"data:application/json;base64,{encoded}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, int)) else str(value)
