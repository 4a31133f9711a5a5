"""Properties of an image file besides the lesion: size, format, camera, compression, brightness, sharpness."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from melanoma_detect.images.formats import open_image
from melanoma_detect.images.quality import AUDIT_LIMITS, describe_violations, laplacian_sharpness
from melanoma_detect.images.reader import Pixels, load_rgb

SIDE = 128  # pixels that brightness and sharpness are measured at: AUDIT_LIMITS hold for this size
# Flat positions of 12×12 pixels in each corner: the black ring of a round lens lies there, and hardly ever a lesion.
_ENDS = np.r_[0:12, SIDE - 12 : SIDE]
_CORNERS = (_ENDS[:, None] * SIDE + _ENDS).ravel()
_LEVELS = np.arange(256)
_MAKE, _MODEL = 0x010F, 0x0110  # EXIF tags


class PixelStatistics(NamedTuple):
    """The properties of an image that its pixels show.

    Attributes:
        brightness: The mean of the green channel, 0 to 255.
        sharpness: The standard deviation of the Laplacian at 128×128 pixels, in grey levels; see `laplacian_sharpness`.
        corner: The mean grey level of the four corners divided by that of the image: under 1 for a round lens.
    """

    brightness: float
    sharpness: float
    corner: float


@dataclass(frozen=True, slots=True)
class ImageProperties:
    """The properties of one image file.

    Attributes:
        height: In pixels, as stored.
        width: In pixels, as stored.
        format: `"JPEG"`, `"PNG"`, ...
        camera: Make and model from the file's EXIF data; empty where there are none.
        quantisation: The sum of the JPEG quantisation tables, which grows with compression; 0 for other formats.
        pixels: What its pixels show.
    """

    height: int
    width: int
    format: str
    camera: str
    quantisation: int
    pixels: PixelStatistics

    @property
    def rejection_reason(self) -> str:
        """`"too small"`, `"too dark"` or `"too blurred"` by `images.quality.AUDIT_LIMITS`; empty for a good image."""
        measures = (min(self.height, self.width), self.pixels.sharpness, self.pixels.brightness)
        side, sharpness, brightness = (np.array([value]) for value in measures)
        return describe_violations(side, sharpness, brightness, AUDIT_LIMITS)[0]


def measure_pixels(image: Image.Image) -> PixelStatistics:
    """Measure the brightness, the sharpness and the dark corners of an image.

    Args:
        image: The image, in RGB, of at least 128×128 pixels where the file has so many.

    Returns:
        The statistics.

    Examples:
        >>> measure_pixels(Image.new("RGB", (200, 150), "white"))
        PixelStatistics(brightness=255.0, sharpness=0.0, corner=1.0)
    """
    # An audit measures every image: these are the fastest ways to the three numbers.
    green = np.array(image.getchannel("G").histogram())
    small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    grey = np.asarray(small, dtype=np.int16)
    mean = grey.sum() / grey.size
    return PixelStatistics(
        brightness=float(green @ _LEVELS / green.sum()),
        sharpness=laplacian_sharpness(grey),
        corner=float(grey.take(_CORNERS).sum() / len(_CORNERS) / max(mean, 1)),  # a black image has no dark corners
    )


def read_properties(path: Path, cached: Pixels | None = None) -> ImageProperties:
    """Read the properties of an image file.

    Args:
        path: The file.
        cached: The image at a model's size, where it has been decoded; used if the file has that very size.

    Returns:
        Its properties.

    Raises:
        ImageError: The file cannot be read.

    Examples:
        >>> properties = read_properties(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
        >>> properties.height, properties.format
        (64, 'JPEG')
    """
    with open_image(path) as header:
        height, width, kind = header.height, header.width, header.format or ""
        camera = _read_camera(header)
        quantisation = sum(map(sum, getattr(header, "quantization", {}).values()))
    # A larger JPEG would be decoded at half its size; an image that is not square may have been turned upright.
    if cached is not None and cached.shape[:2] == (height, width) and height == width < 2 * SIDE:
        image = Image.fromarray(cached)
    else:
        image = load_rgb(path, (SIDE, SIDE))
    return ImageProperties(height, width, kind, camera, quantisation, measure_pixels(image))


def _read_camera(header: Image.Image) -> str:
    try:
        exif = header.getexif()
    except (OSError, SyntaxError, ValueError, TypeError, Warning):  # damaged EXIF data
        return ""
    return " ".join(str(exif.get(tag, "")).strip() for tag in (_MAKE, _MODEL)).strip()
