"""Drawn images that show no skin: examples of what a detector must decline, where there are no photographs of such things.

Noise, gradients, stripes, mosaics, pages of text and scattered shapes have little in common with photographs but colours, edges
and textures that skin lacks. That is enough to learn a direction in feature space from (after Baradad et al. 2021, "Learning to
See by Looking at Noise", arXiv:2106.05963).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from melanoma_detect.data.arguments import check_image_size
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.number_arguments import whole_number
from melanoma_detect.utils.random import check_seed

_MAX_COUNT = 1_000_000  # far more than anyone needs
_MAX_SIDE = 256  # pixels: larger images are drawn at this size and enlarged, which is much faster
_LETTERS = np.array([*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,", *" " * 12])


def draw_outliers(count: int, size: tuple[int, int], *, seed: int = 123) -> Pixels:
    """Draw images that show no skin, as many of each kind.

    Args:
        count: The number of images.
        size: Height and width in pixels.
        seed: The same seed gives the same images.

    Returns:
        uint8 `(count, height, width, 3)`, RGB.

    Raises:
        DatasetError: A number is out of range.

    Examples:
        >>> draw_outliers(6, (32, 48), seed=1).shape
        (6, 32, 48, 3)
    """
    count = whole_number(count, "count", DatasetError, below=_MAX_COUNT + 1)
    size, seed = check_image_size(size), check_seed(seed, DatasetError)
    side = min(max(size), _MAX_SIDE)
    drawn = np.empty((count, *size, 3), np.uint8)
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        canvas = _KINDS[number % len(_KINDS)](rng, side)
        canvas = np.clip(canvas + rng.normal(0, rng.uniform(0, 8), canvas.shape), 0, 255).astype(np.uint8)
        drawn[number] = np.asarray(Image.fromarray(canvas).resize(size[::-1], Image.Resampling.BICUBIC))
    return drawn


def _noise(rng: np.random.Generator, side: int) -> Float64Array:
    """Coloured noise whose spectrum falls with the frequency, from white noise to clouds."""
    spectrum = np.fft.rfft2(rng.normal(size=(side, side, 3)), axes=(0, 1))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = 1 / side
    field = np.fft.irfft2(spectrum / frequency[..., None] ** rng.uniform(0, 2), s=(side, side), axes=(0, 1))
    field = field @ rng.uniform(size=(3, 3)) if rng.random() < 0.7 else field  # the channels go together, or do not
    field = (field - field.mean(axis=(0, 1))) / (field.std(axis=(0, 1)) + 1e-6)
    return np.asarray(rng.uniform(60, 200, 3) + field * rng.uniform(15, 70))


def _gradient(rng: np.random.Generator, side: int) -> Float64Array:
    along, _ = _rotated_grid(rng, side)
    return _mix(rng, np.clip(along + 0.5, 0, 1))


def _stripes(rng: np.random.Generator, side: int) -> Float64Array:
    """Stripes, squares or a grid."""
    along, across = _rotated_grid(rng, side)
    first, second = (np.sin(2 * np.pi * rng.uniform(2, 30) * axis) for axis in (along, across))
    return _mix(
        rng, (first > rng.uniform(-0.5, 0.5), first * second > 0, np.maximum(first, second) > 0.8)[rng.integers(3)]
    )


def _mosaic(rng: np.random.Generator, side: int) -> Float64Array:
    """Tiles around random points."""
    points = rng.uniform(0, side, (int(rng.integers(5, 80)), 2))
    y, x = np.mgrid[:side:2, :side:2]
    nearest = np.argmin((y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2, axis=-1)
    tiles = rng.uniform(0, 255, (len(points), 3))[nearest]
    return np.asarray(tiles.repeat(2, axis=0).repeat(2, axis=1)[:side, :side])


def _document(rng: np.random.Generator, side: int) -> Float64Array:
    """A page of text with a coloured box, slightly turned."""
    page = Image.new("RGB", (side, side), _colour(rng, 200 if rng.random() < 0.7 else 0))
    draw = ImageDraw.Draw(page)
    size = max(side * rng.uniform(0.04, 0.12), 1.0)  # FreeType draws nothing smaller than a pixel
    font, ink = ImageFont.load_default(size), _colour(rng) if rng.random() < 0.5 else (20, 20, 20)
    for line in np.arange(rng.uniform(0, 0.1) * side, side, size * rng.uniform(1.1, 1.6)):
        if rng.random() < 0.85:
            draw.text((side * rng.uniform(0, 0.1), line), "".join(rng.choice(_LETTERS, 50)), fill=ink, font=font)
    if rng.random() < 0.4:
        left, top = rng.uniform(0, side, 2)
        draw.rectangle((left, top, left + side / 3, top + side / 4), fill=_colour(rng))
    turned = page.rotate(rng.normal(0, 6), fillcolor=_colour(rng), resample=Image.Resampling.BILINEAR)
    return np.asarray(turned, np.float64)


def _shapes(rng: np.random.Generator, side: int) -> Float64Array:
    """Ellipses, boxes, polygons, lines and arcs over a textured ground."""
    ground = (_noise, _gradient, _stripes)[rng.choice(3, p=[0.4, 0.4, 0.2])](rng, side)
    image = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 40))):
        _draw_shape(draw, rng, side)
    return np.asarray(image, np.float64)


def _draw_shape(draw: ImageDraw.ImageDraw, rng: np.random.Generator, side: int) -> None:
    colour, radius = _colour(rng), side * rng.uniform(0.03, 0.4)
    x, y = rng.uniform(0, side, 2)
    box = (x - radius, y - 0.7 * radius, x + radius, y + 0.7 * radius)
    corners = [(float(a), float(b)) for a, b in rng.normal((x, y), radius, (int(rng.integers(3, 7)), 2))]
    width = int(rng.integers(1, 2 + side // 20))
    match rng.integers(5):
        case 0:
            draw.ellipse(box, fill=colour)
        case 1:
            draw.rectangle(box, fill=colour)
        case 2:
            draw.polygon(corners, fill=colour)
        case 3:
            draw.line(corners, fill=colour, width=width)
        case _:
            draw.arc(box, 0, rng.uniform(60, 360), fill=colour, width=width)


def _rotated_grid(rng: np.random.Generator, side: int) -> tuple[Float64Array, Float64Array]:
    """Coordinates from -0.5 to 0.5 along a random direction and across it."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _mix(rng: np.random.Generator, share: NDArray[np.generic]) -> Float64Array:
    """Mix two colours."""
    weights = share.astype(np.float64)[..., None]
    return np.asarray(rng.uniform(0, 255, 3) * weights + rng.uniform(0, 255, 3) * (1 - weights))


def _colour(rng: np.random.Generator, lowest: int = 0) -> tuple[int, int, int]:
    red, green, blue = rng.integers(lowest, 256, 3).tolist()
    return red, green, blue


_KINDS: tuple[Callable[[np.random.Generator, int], Float64Array], ...] = (
    _shapes,
    _document,
    _noise,
    _mosaic,
    _stripes,
    _gradient,
)
