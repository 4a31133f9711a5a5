"""Perceptual hashes: what an image looks like in 256 bits, whichever way it is turned.

A grey thumbnail of 32×32 pixels is transformed (discrete cosine), and each of its 16×16 lowest frequencies says with one bit
whether it lies over the median (Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010, with more
bits). Turning by a right angle and mirroring only swap frequencies and their signs, so each image is brought into one
orientation of its own first; where that orientation is a close call, it is looked up in the others too.

Two forms are taken: of the whole image, and of the image as its centre crop would look. Of a square image nobody knows
whether it was squashed from 4:3; its second form supposes so. A squashed copy and a centre-cropped one then meet.
"""

from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_detect.utils.arrays import Float32Array

Codes: TypeAlias = NDArray[np.uint8]

THUMBNAIL = 32
BITS = 256
_SIDE = 16
_FLAT = 1.0  # grey levels: an image that varies less than this shows nothing to be recognised by
_CLOSE = 0.05  # of the image's contrast: below this, noise may turn the choice of the orientation over
_ODD = np.where(np.arange(_SIDE) % 2, -1.0, 1.0).astype(np.float32)
# What mirroring does to the frequencies: not, along the rows, down the columns, both.
_SIGNS = np.stack(
    [np.outer(down, along) for down in (np.ones(_SIDE), _ODD) for along in (np.ones(_SIDE), _ODD)]
).astype(np.float32)


class Fingerprint(NamedTuple):
    """The perceptual hashes of one image.

    Attributes:
        code: That of the whole image, uint8 `(32,)`: 256 bits.
        queries: What to look other images' codes up by, uint8 `(some, 32)`.
        turned: The code of the whole image in all eight orientations, uint8 `(8, 32)`.
    """

    code: Codes
    queries: Codes
    turned: Codes

    @property
    def hex(self) -> str:
        """The code as 64 hexadecimal digits."""
        return self.code.tobytes().hex()


def fingerprint(image: Image.Image) -> Fingerprint | None:
    """Take the perceptual hashes of an image.

    Args:
        image: An upright RGB image of any size.

    Returns:
        The hashes, or None for an image of one even colour.

    Examples:
        >>> image = Image.fromarray(draw_lesion("nevus", seed=1).pixels)
        >>> turned = fingerprint(image.transpose(Image.Transpose.ROTATE_90))
        >>> min(distance(fingerprint(image).code, query) for query in turned.queries) <= 24
        True
        >>> fingerprint(Image.new("RGB", (64, 64), "red")) is None
        True
    """
    return fingerprints(thumbnails(image)[None])[0]


def thumbnails(image: Image.Image) -> Float32Array:
    """Shrink an image to what its hashes are taken from.

    Args:
        image: An upright image.

    Returns:
        Grey levels, float32 `(2, 32, 32)`: of the whole image, and of its centre.

    Examples:
        >>> thumbnails(Image.new("RGB", (60, 40))).shape
        (2, 32, 32)
    """
    grey = image.convert("L")
    factor = min(grey.size) // (4 * THUMBNAIL)
    if factor > 1:  # first fast, then with care
        grey = grey.reduce(factor)
    small = [grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR, box=box) for box in (None, _centre(grey))]
    return np.stack([np.asarray(found, dtype=np.float32) for found in small])


def fingerprints(images: Float32Array) -> list[Fingerprint | None]:
    """Take the perceptual hashes of many images at once.

    Args:
        images: Their thumbnails, float32 `(n, 2, 32, 32)`.

    Returns:
        The hashes of each, or None for an image of one even colour.

    Examples:
        >>> fingerprints(np.zeros((1, 2, 32, 32), np.float32))
        [None]
    """
    basis = _basis()
    frequencies = (basis @ images @ basis.T).astype(np.float32)
    own, possible = _orientations(frequencies)
    codes = _codes(frequencies)
    flat = images.std(axis=(-2, -1)) < _FLAT
    possible &= ~flat[..., None]
    return [
        None if flat[at, 0] else Fingerprint(codes[at, 0, own[at, 0]], codes[at][possible[at]], codes[at, 0])
        for at in range(len(images))
    ]


def distance(one: Codes, other: Codes) -> int:
    """Count the bits by which two codes differ.

    Args:
        one: uint8 `(32,)`.
        other: uint8 `(32,)`.

    Returns:
        0 to 256; unrelated images differ by 30 and more, nearly always by over 60.

    Examples:
        >>> distance(np.zeros(32, np.uint8), np.full(32, 255, np.uint8))
        256
    """
    return int(np.unpackbits(one ^ other).sum())


def _centre(image: Image.Image) -> tuple[float, float, float, float]:
    """Return the box of the centre crop; a square image is taken for a squashed 4:3."""
    width, height = image.size
    if width == height:
        return (width / 8, 0, width * 7 / 8, height)
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return (left, top, left + side, top + side)


@cache
def _basis() -> NDArray[np.float32]:
    """Return the lowest rows of the orthonormal cosine transform (type II)."""
    frequency, at = np.arange(_SIDE)[:, None], np.arange(THUMBNAIL)[None]
    rows = np.cos(np.pi * frequency * (2 * at + 1) / (2 * THUMBNAIL)) * np.sqrt(2 / THUMBNAIL)
    rows[0] /= np.sqrt(2)
    basis: Float32Array = rows.astype(np.float32)
    return basis


def _codes(frequencies: Float32Array) -> Codes:
    """Return the codes of all eight orientations, `(..., 8, 32)`: bit by bit, what lies over the median."""
    flipped = frequencies[..., None, :, :] * _SIGNS
    turned = np.concatenate([flipped, flipped.swapaxes(-1, -2)], axis=-3)
    flat = turned.reshape(*turned.shape[:-2], -1)
    over = flat > np.median(flat[..., 1:], axis=-1, keepdims=True)
    over[..., 0] = False  # the mean says how bright, not what
    return np.packbits(over, axis=-1)


def _orientations(frequencies: Float32Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return each image's own orientation, `(...)`, and which of the eight noise might have made its own, `(..., 8)`.

    Its own is the one in which the two lowest waves are positive, and the one along the rows is the stronger.
    """
    along, down = frequencies[..., 0, 1], frequencies[..., 1, 0]
    contrast = np.sqrt(np.square(frequencies).sum(axis=(-2, -1)) - np.square(frequencies[..., 0, 0]))
    # In the order of _codes: without and with a swap of the axes, then down, then along.
    margins = np.stack([np.abs(along) - np.abs(down), down, along], axis=-1)
    own = (margins < 0) @ np.array([4, 2, 1])
    close = np.abs(margins) < _CLOSE * contrast[..., None]
    choices = np.array([[number >> 2 & 1, number >> 1 & 1, number & 1] for number in range(8)], dtype=np.bool_)
    possible = (close[..., None, :] | (choices == (margins < 0)[..., None, :])).all(axis=-1)
    return own, possible
