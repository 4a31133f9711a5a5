"""What an image is worth, and what it tells of the camera and the hands it went through."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from melanoma_detect.data.sources.table import image_name
from melanoma_detect.images.formats import opened
from melanoma_detect.images.perceptual_hash import thumbnails
from melanoma_detect.images.reader import load
from melanoma_detect.utils.arrays import Float32Array

TINY = 64
DARK = 40.0
BLURRED = 3.0
_SIDE = 128
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured on one image.

    Attributes:
        height: In pixels, as stored.
        width: In pixels, as stored.
        format: `"JPEG"`, `"PNG"`, ...
        camera: Make and model from the metadata of the file; empty where there is none.
        quantisation: The sum of the JPEG quantisation tables: the harder compressed, the larger; 0 for other formats.
        number: The last number in the file's name; -1 where there is none.
        brightness: The mean grey level, 0 to 255.
        sharpness: The standard deviation of the Laplacian of the image at 128×128 pixels, in grey levels (after Pech-Pacheco
            et al., "Diatom autofocusing in brightfield microscopy", 2000, who take its square).
        corner: The mean grey level of the four corners over that of the image: under 1 behind a round lens.
    """

    height: int
    width: int
    format: str
    camera: str
    quantisation: int
    number: int
    brightness: float
    sharpness: float
    corner: float

    @property
    def complaint(self) -> str:
        """`"tiny"` (a side under 64 pixels), `"dark"` (mean under 40), `"blurred"` (sharpness under 3), or nothing."""
        if min(self.height, self.width) < TINY:
            return "tiny"
        if self.brightness < DARK:
            return "dark"
        return "blurred" if self.sharpness < BLURRED else ""


def examine(path: Path) -> tuple[Quality, Float32Array]:
    """Measure an image.

    Args:
        path: The file.

    Returns:
        What was measured, and the thumbnails that perceptual hashes are taken from.

    Raises:
        ImageError: It cannot be read.

    Examples:
        >>> quality, _ = examine(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
        >>> (quality.height, quality.format, quality.number)
        (64, 'JPEG', 5000)
    """
    with opened(path) as header:
        height, width, kind = header.height, header.width, header.format or ""
        camera = _camera(header)
        quantisation = sum(map(sum, getattr(header, "quantization", {}).values()))
    image = load(path, (_SIDE, _SIDE))
    grey = np.asarray(image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR), dtype=np.float32)
    corners = np.mean([grey[y, x].mean() for y in (slice(12), slice(-12, None)) for x in (slice(12), slice(-12, None))])
    numbers = _NUMBER.findall(image_name(path))
    quality = Quality(
        height,
        width,
        kind,
        camera,
        quantisation,
        number=int(numbers[-1][:15]) if numbers else -1,
        brightness=float(grey.mean()),
        sharpness=float(ndimage.laplace(grey).std()),
        corner=float(corners / max(grey.mean(), 1)),
    )
    return quality, thumbnails(image)


def _camera(header: Image.Image) -> str:
    try:
        exif = header.getexif()
    except (OSError, SyntaxError, ValueError, TypeError, Warning):
        return ""
    return " ".join(str(exif.get(tag, "")).strip() for tag in (0x010F, 0x0110)).strip()
