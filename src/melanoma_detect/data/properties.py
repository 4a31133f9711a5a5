"""Properties of an image file besides the lesion: size, format, camera, compression, brightness, sharpness."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_detect.errors import ImageError
from melanoma_detect.images.formats import open_image
from melanoma_detect.images.orientation import read_exif
from melanoma_detect.images.quality import AUDIT_LIMITS, describe_violations, laplacian_sharpness
from melanoma_detect.images.reader import Pixels, load_rgb

SIDE = 128  # pixels that brightness and sharpness are measured at: AUDIT_LIMITS hold for this size
# Flat positions of 12×12 pixels in each corner: the black ring of a round lens lies there, and hardly ever a lesion.
_ENDS = np.r_[0:12, SIDE - 12 : SIDE]
_CORNERS = (_ENDS[:, None] * SIDE + _ENDS).ravel()
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


class Header(NamedTuple):
    """The properties of an image that its file's header shows.

    Attributes:
        height: In pixels, as stored.
        width: In pixels, as stored.
        format: `"JPEG"`, `"PNG"`, ...
        camera: Make and model from the file's EXIF data; empty where there are none.
        quantisation: The sum of the JPEG quantisation tables, which grows with compression; 0 for other formats.
    """

    height: int
    width: int
    format: str
    camera: str
    quantisation: int


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
    green = np.asarray(image.getchannel("G"))
    small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return _measure(int(green.sum()) / green.size, np.asarray(small, dtype=np.int16))


def measure_squares(pixels: Pixels) -> list[PixelStatistics]:
    """Measure several images at once, which takes a third of the time; the results are those of `measure_pixels`.

    Args:
        pixels: uint8 `(n, side, side, 3)`, with a side of at least 128.

    Returns:
        The statistics of each.

    Examples:
        >>> measure_squares(np.full((1, 200, 200, 3), 255, np.uint8))
        [PixelStatistics(brightness=255.0, sharpness=0.0, corner=1.0)]
    """
    count, side = len(pixels), pixels.shape[1]
    # Pillow resizes rows first, then columns: images below each other, then beside each other, do not mix.
    below = Image.fromarray(pixels.reshape(count * side, side, 3)).convert("L")
    rows = np.asarray(below.resize((SIDE, count * side), Image.Resampling.BILINEAR))
    columns = rows.reshape(count, side, SIDE).swapaxes(0, 1).reshape(side, count * SIDE)
    small = np.asarray(Image.fromarray(columns).resize((count * SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.int16)
    greys = np.ascontiguousarray(small.reshape(SIDE, count, SIDE).swapaxes(0, 1))
    greens = pixels[..., 1].sum(axis=(1, 2), dtype=np.int64)
    return [_measure(int(green) / side**2, grey) for green, grey in zip(greens, greys, strict=True)]


def _measure(brightness: float, grey: NDArray[np.int16]) -> PixelStatistics:
    mean = grey.sum() / grey.size
    return PixelStatistics(
        brightness=brightness,
        sharpness=laplacian_sharpness(grey),
        corner=float(grey.take(_CORNERS).sum() / len(_CORNERS) / max(mean, 1)),  # a black image has no dark corners
    )


def describe_header(image: Image.Image) -> Header:
    """Describe an image file by its header.

    Args:
        image: An image that has been opened, and not been decoded yet.

    Returns:
        What the header says.

    Examples:
        >>> with open_image(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg") as image:
        ...     describe_header(image).format
        'JPEG'
    """
    quantisation = sum(map(sum, getattr(image, "quantization", {}).values()))
    return Header(image.height, image.width, image.format or "", _read_camera(image), quantisation)


def read_properties(path: Path, cached: Pixels | None = None, header: Header | None = None) -> ImageProperties:
    """Read the properties of an image file.

    Args:
        path: The file.
        cached: The image at a model's size, where it has been decoded; used if the file has that very size.
        header: What its header says, where that is known.

    Returns:
        Its properties.

    Raises:
        ImageError: The file cannot be read.

    Examples:
        >>> properties = read_properties(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
        >>> properties.height, properties.format
        (64, 'JPEG')
    """
    if header is None:
        with open_image(path) as image:
            header = describe_header(image)
    decoded = Image.fromarray(cached) if _shows_all(cached, header) else load_rgb(path, (SIDE, SIDE))
    return ImageProperties(*header, pixels=measure_pixels(decoded))


def read_all_properties(
    paths: Sequence[Path], cached: Sequence[Pixels | None], headers: Sequence[Header | None]
) -> list[ImageProperties | ImageError]:
    """Read the properties of several image files.

    Args:
        paths: The files.
        cached: Of each the image at a model's size, where it has been decoded.
        headers: What each header says, where that is known.

    Returns:
        The properties of each, or why it cannot be read.

    Examples:
        >>> read_all_properties([Path("gone.jpg")], [None], [None])
        [ImageError('gone.jpg: no such file; check the path')]
    """
    results: dict[int, ImageProperties | ImageError] = {}
    known = {
        index: (pixels, header)
        for index, (pixels, header) in enumerate(zip(cached, headers, strict=True))
        if pixels is not None and header is not None and _shows_all(pixels, header) and header.height >= SIDE
    }
    if known:  # all of the model's size
        measured = measure_squares(np.stack([pixels for pixels, _ in known.values()]))
        for (index, (_, header)), statistics in zip(known.items(), measured, strict=True):
            results[index] = ImageProperties(*header, pixels=statistics)
    for index, path in enumerate(paths):
        if index not in results:
            try:
                results[index] = read_properties(path, cached[index], headers[index])
            except ImageError as error:
                results[index] = error
    return [results[index] for index in range(len(paths))]


def _shows_all(pixels: Pixels | None, header: Header) -> TypeGuard[Pixels]:
    """Return whether decoded pixels are those that `load_rgb` gives for the measurements."""
    # A larger JPEG would be decoded at half its size; an image that is not square may have been turned upright.
    size = header.height, header.width
    return pixels is not None and pixels.shape[:2] == size and header.height == header.width < 2 * SIDE


def _read_camera(header: Image.Image) -> str:
    try:
        exif = read_exif(header)
        return " ".join(str(exif.get(tag, "")).strip() for tag in (_MAKE, _MODEL)).strip()
    except Exception:  # noqa: BLE001 - damaged EXIF data, for which Pillow raises nearly anything
        return ""
