"""Perceptual hashes: 256 bits that describe what an image looks like, whatever its rotation and mirroring.

A grey thumbnail of 32×32 pixels is transformed (discrete cosine). Each of its 16×16 lowest frequencies gives one bit: whether
it is over the median (Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010, with more bits).
Rotation by right angles and mirroring only swap the frequencies and their signs, so each image is brought into a canonical
orientation first. Where that orientation is uncertain, the image is looked up in the others too.

Two hashes are taken: of the whole image, and of its centre crop. A square image may have been squashed from 4:3; its second
hash assumes so. The hashes of a squashed copy and of a centre-cropped copy then match.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_detect.utils.arrays import Float32Array

Codes: TypeAlias = NDArray[np.uint8]
Thumbnails: TypeAlias = NDArray[np.uint8]

THUMBNAIL = 32
BITS = 256
# Of 5,984 images of different lesions, the two most similar ones differ by 30 bits. An image differs from itself turned,
# mirrored, rescaled or compressed again by at most 26 bits, nine times in ten by at most 12.
SAME_BITS = 24
_SIDE = 16
_FLAT = 1.0  # grey levels: with a lower standard deviation, an image has no structure to recognise it by
_UNCERTAIN = 0.05  # of the image's contrast: below it, noise may change which orientation is the canonical one
_ODD = np.where(np.arange(_SIDE) % 2, -1.0, 1.0).astype(np.float32)
# Mirroring changes the sign of the odd frequencies: for no mirroring, along the rows, down the columns, both.
_SIGNS = np.stack(
    [np.outer(down, along) for down in (np.ones(_SIDE), _ODD) for along in (np.ones(_SIDE), _ODD)]
).astype(np.float32)


class Fingerprint(NamedTuple):
    """The perceptual hashes of one image.

    Attributes:
        code: The hash of the whole image in its canonical orientation, uint8 `(32,)`: 256 bits.
        queries: The codes to look up among other images' codes, uint8 `(n, 32)`: of the whole image and of the centre crop,
            each in every orientation that may be the canonical one.
        orientations: The hash of the whole image in all eight orientations, uint8 `(8, 32)`.
    """

    code: Codes
    queries: Codes
    orientations: Codes

    @property
    def hex(self) -> str:
        """The code as 64 hexadecimal digits."""
        return self.code.tobytes().hex()


def fingerprint(image: Image.Image) -> Fingerprint | None:
    """Return the perceptual hashes of an image.

    Args:
        image: An upright RGB image of any size.

    Returns:
        The hashes, or None for an image of one uniform colour.

    Examples:
        >>> image = Image.fromarray(draw_lesion("nevus", seed=1).pixels)
        >>> rotated = fingerprint(image.transpose(Image.Transpose.ROTATE_90))
        >>> min(hamming_distance(fingerprint(image).code, query) for query in rotated.queries) <= 24
        True
        >>> fingerprint(Image.new("RGB", (64, 64), "red")) is None
        True
    """
    return fingerprints(thumbnails([to_grey(image)]))[0]


def to_grey(image: Image.Image) -> Image.Image:
    """Return an image in grey, reduced to a few times the size of its thumbnails.

    Args:
        image: An upright image.

    Returns:
        An image in mode L.

    Examples:
        >>> to_grey(Image.new("RGB", (900, 600))).size
        (225, 150)
    """
    grey = image.convert("L")
    factor = min(grey.size) // (4 * THUMBNAIL)
    return grey.reduce(factor) if factor > 1 else grey  # a box filter first, which is faster


def thumbnails(images: Sequence[Image.Image]) -> Thumbnails:
    """Return the thumbnails of images that their hashes are computed from.

    Args:
        images: What `to_grey` returns.

    Returns:
        Grey levels, uint8 `(n, 2, 32, 32)`: of the whole image, and of its centre crop.

    Examples:
        >>> thumbnails([Image.new("L", (60, 40))]).shape
        (1, 2, 32, 32)
    """
    results = np.empty((len(images), 2, THUMBNAIL, THUMBNAIL), np.uint8)
    by_size: dict[tuple[int, int], list[int]] = {}
    for index, image in enumerate(images):
        by_size.setdefault(image.size, []).append(index)
    for (width, height), indices in by_size.items():
        # Of images that are small, or not square, Pillow may resize the columns first.
        together = [indices] if width == height >= 2 * THUMBNAIL else [[index] for index in indices]
        for part, box in enumerate((None, _centre_box(images[indices[0]]))):
            for chosen in together:
                results[chosen, part] = _resize([images[index] for index in chosen], box)
    return results


def fingerprints(images: Thumbnails | Float32Array) -> list[Fingerprint | None]:
    """Return the perceptual hashes of many images.

    Args:
        images: Their thumbnails, `(n, 2, 32, 32)`.

    Returns:
        The hashes of each, or None for an image of one uniform colour.

    Examples:
        >>> fingerprints(np.zeros((1, 2, 32, 32), np.float32))
        [None]
    """
    images = images.astype(np.float32)
    basis = _cosine_basis()
    frequencies = (basis @ images @ basis.T).astype(np.float32)
    canonical, possible = _canonical_orientations(frequencies)
    codes = _codes(frequencies)
    flat = images.std(axis=(-2, -1)) < _FLAT
    possible &= ~flat[..., None]
    return [
        None if flat[i, 0] else Fingerprint(codes[i, 0, canonical[i, 0]], codes[i][possible[i]], codes[i, 0])
        for i in range(len(images))
    ]


def hamming_distance(first: Codes, second: Codes) -> int:
    """Return the number of bits by which two codes differ.

    Args:
        first: uint8 `(32,)`.
        second: uint8 `(32,)`.

    Returns:
        0 to 256; unrelated images differ by 30 and more, nearly always by over 60.

    Examples:
        >>> hamming_distance(np.zeros(32, np.uint8), np.full(32, 255, np.uint8))
        256
    """
    return int(np.unpackbits(first ^ second).sum())


def _resize(images: Sequence[Image.Image], box: tuple[float, float, float, float] | None) -> Thumbnails:
    """Resize images, or a box of each, to `(n, 32, 32)`; several must be squares of one size.

    Pillow resizes their rows first, then their columns. Images below each other, then beside each other, so give what each
    gives by itself. Threads spend more time on handing over the interpreter's lock than on resizing images one by one.
    """
    bilinear, count = Image.Resampling.BILINEAR, len(images)
    if count == 1:
        return np.asarray(images[0].resize((THUMBNAIL, THUMBNAIL), bilinear, box=box))[None]
    side = images[0].width
    left, top, right, bottom = box or (0, 0, side, side)
    below = Image.fromarray(np.concatenate([np.asarray(image) for image in images]))
    rows = np.asarray(below.resize((THUMBNAIL, count * side), bilinear, box=(left, 0, right, count * side)))
    columns = rows.reshape(count, side, THUMBNAIL).swapaxes(0, 1).reshape(side, count * THUMBNAIL)
    beside = Image.fromarray(columns)
    small = beside.resize((count * THUMBNAIL, THUMBNAIL), bilinear, box=(0, top, count * THUMBNAIL, bottom))
    return np.asarray(small).reshape(THUMBNAIL, count, THUMBNAIL).swapaxes(0, 1)


def _centre_box(image: Image.Image) -> tuple[float, float, float, float]:
    """Return the box of the centre crop; a square image is assumed to be squashed from 4:3."""
    width, height = image.size
    if width == height:
        return (width / 8, 0, width * 7 / 8, height)
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return (left, top, left + side, top + side)


@cache
def _cosine_basis() -> Float32Array:
    """Return the lowest rows of the orthonormal discrete cosine transform (type II), `(16, 32)`."""
    frequency, pixel = np.arange(_SIDE)[:, None], np.arange(THUMBNAIL)[None]
    rows = np.cos(np.pi * frequency * (2 * pixel + 1) / (2 * THUMBNAIL)) * np.sqrt(2 / THUMBNAIL)
    rows[0] /= np.sqrt(2)
    basis: Float32Array = rows.astype(np.float32)
    return basis


def _codes(frequencies: Float32Array) -> Codes:
    """Return the codes of all eight orientations, `(..., 8, 32)`: a bit for each frequency, set where it is over the median."""
    mirrored = frequencies[..., None, :, :] * _SIGNS
    oriented = np.concatenate([mirrored, mirrored.swapaxes(-1, -2)], axis=-3)
    flat = oriented.reshape(*oriented.shape[:-2], -1)
    # Swapping the axes changes the order of the frequencies, not their median: it is taken for four of the eight only.
    half = flat.shape[-1] // 2
    medians = np.partition(flat[..., :4, 1:], half - 1, axis=-1)[..., half - 1]
    over = flat > np.concatenate([medians, medians], axis=-1)[..., None]
    over[..., 0] = False  # the mean depends on the exposure, not on the lesion
    return np.packbits(over, axis=-1)


def _canonical_orientations(frequencies: Float32Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the index of each image's canonical orientation, `(...)`, and which of the eight it may be with noise, `(..., 8)`.

    In the canonical orientation the two lowest frequencies are positive, and the one along the rows is the larger.
    """
    along, down = frequencies[..., 0, 1], frequencies[..., 1, 0]
    contrast = np.sqrt(np.square(frequencies).sum(axis=(-2, -1)) - np.square(frequencies[..., 0, 0]))
    # The bits of an orientation's index, in the order of _codes: swapped axes, mirrored down the columns, along the rows.
    margins = np.stack([np.abs(along) - np.abs(down), down, along], axis=-1)
    canonical = (margins < 0) @ np.array([4, 2, 1])
    uncertain = np.abs(margins) < _UNCERTAIN * contrast[..., None]
    choices = np.array([[index >> 2 & 1, index >> 1 & 1, index & 1] for index in range(8)], dtype=np.bool_)
    possible = (uncertain[..., None, :] | (choices == (margins < 0)[..., None, :])).all(axis=-1)
    return canonical, possible
