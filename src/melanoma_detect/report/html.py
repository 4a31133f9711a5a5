"""Pages that people read: one file each, with everything in it."""

import base64
import io
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader
from PIL import Image

from melanoma_detect import __version__
from melanoma_detect.data.record import Record
from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import read

if TYPE_CHECKING:
    from melanoma_detect.data_audit.audit import Audit

_THUMB = (110, 110)
_SHOWN = 24  # cases of a finding


def audit_page(audit: "Audit") -> str:
    """Draw an audit as a page, the pictures of each case side by side.

    Args:
        audit: The audit.

    Returns:
        HTML; pictures stand in it as small JPEGs, nothing is loaded from elsewhere.

    Examples:
        >>> "<html" in audit_page(md.audit(data, progress=False))
        True
    """
    environment = Environment(loader=PackageLoader("melanoma_detect.report", "templates"), autoescape=True)
    environment.globals["thumbnail"] = _thumbnail
    page = environment.get_template("audit.html")
    return page.render(audit=audit, shown=_SHOWN, version=__version__)


def _thumbnail(record: Record) -> str:
    """Return a picture as a data address; a grey square where it cannot be read."""
    try:
        pixels = read(record.picture, _THUMB, "pad")
    except ImageError:
        return ""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
