"""Torn JPEG images: all that follows a damaged place is lighter or darker, or of another colour, along the edges of blocks.

JPEG stores the mean of each block as a difference from the block before. After a changed bit the decoder may fall into step
again before the end of the data, which then fit; but its blocks keep the difference that it has read wrongly. The image has a
seam: along the top of all blocks that come after the damaged one in its row, and along the top of the next row up to there.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_detect.utils.arrays import Float32Array

_BLOCK = 8
_MOST_PIXELS = 4_000_000  # of a larger image Pillow takes the means over the width of a block: bytes, not float32
_MIN_JUMP = 4.0  # grey levels: a smaller one hardly changes an answer
# Next to the outermost blocks, where lines and bars of frames are: jumps must be larger, and twice as much alike.
_MIN_OUTER_JUMP = 12.0
# Jumps along a seam are alike: their mean is many times their spread. 28,000 whole images at hand have
# at most 2.3.
_MIN_RATIO = 2.5
_MIN_BLOCKS = 4
# A bar that somebody has drawn, or the edge of a frame, is as straight; but one of its sides is of one colour.
_MIN_SPREAD = 1.0
# What is left of a jump some rows away, where the image itself has changed too.
_SHARES = (0.4, 2.5)
_MOST_COLUMNS = 256  # in a wider image several blocks are taken together, for the memory's sake
# From red, green and blue, by ITU-R BT.601, as in JPEG: a damaged difference is one of lightness or of one of two colours.
_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)


def check_seams(image: Image.Image) -> None:
    """Raise ValueError where a decoded JPEG image is torn.

    Args:
        image: A PIL image from a JPEG file, decoded at any scale.

    Raises:
        ValueError: It has a seam along its blocks, over half its width or more.

    Examples:
        >>> with Image.open(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg") as image:
        ...     check_seams(image)
    """
    height, width = _block_size(image)
    if min(height, width) < 2:
        return
    width *= max(1, -(-image.width // width // _MOST_COLUMNS))
    if image.width * image.height > _MOST_PIXELS:
        image, width = image.reduce((width, 1)), 1
    if _seam_ratio(np.asarray(image), height, width) >= _MIN_RATIO:
        raise ValueError("its colours jump along a row of its blocks: bytes were changed on the way")


def _block_size(image: Image.Image) -> tuple[int, int]:
    """Return the size in pixels, at the scale of decoding, of the blocks that JPEG stores together."""
    scale = image.decoderconfig[0] if image.decoderconfig else 1  # type: ignore[attr-defined]
    layers = image.layer  # type: ignore[attr-defined]
    if len(layers) == 1:
        return _BLOCK // scale, _BLOCK // scale
    return (
        _BLOCK * max(layer[2] for layer in layers) // scale,
        _BLOCK * max(layer[1] for layer in layers) // scale,
    )


def _seam_ratio(pixels: NDArray[np.uint8], height: int, width: int) -> float:
    """Return how alike the jumps along the most likely seam are: their mean by their spread."""
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    edges = np.arange(height, len(pixels) - height + 1, height)  # below the last whole blocks nothing is lost
    count = pixels.shape[1] // width
    if len(edges) < 2 or count < _MIN_BLOCKS:
        return 0.0
    number, mean, variance = _along_seams(_jumps(pixels, edges, count, width))
    whole = np.abs(mean[2])
    ratio = whole / np.sqrt(variance + 1)
    ratio[(whole < _MIN_JUMP) | (number < max(_MIN_BLOCKS, count // 2))] = 0
    # A seam over the whole width at one height may be that of two images, one above the other, or of a caption.
    ratio[:, (0, -1)] = 0
    for outer in (0, -1):
        ratio[outer] = np.where(whole[outer] < _MIN_OUTER_JUMP, 0, ratio[outer] / 2)
    if ratio.max(initial=0) >= _MIN_RATIO:  # seldom
        for part in mean[:2]:  # of both edges, or one of them does not belong to it
            ratio[np.abs(part - mean[2]) > whole / 2] = 0
        ratio[~_goes_on(pixels, edges, count, width, mean[2])] = 0
    return float(ratio.max(initial=0))


def _jumps(pixels: NDArray[np.uint8], edges: NDArray[np.int64], count: int, width: int) -> Float32Array:
    """Return by how much more an image changes at each edge, between blocks, than on both sides of it."""
    before, above, below, behind = (_rows(pixels, edges + place) for place in (-2, -1, 0, 1))
    jumps = _per_block(3 * (below - above) + before - behind, count, width)
    # Colours may be stored at half the size, and are smoothed when enlarged.
    if pixels.shape[2] == 3 and edges[0] >= _BLOCK:
        wide = 5 * (behind - before) + 3 * (_rows(pixels, edges - 3) - _rows(pixels, edges + 2))
        jumps[..., 1:] = _per_block(wide, count, width)[..., 1:]
    return jumps / np.float32(2)


def _goes_on(
    pixels: NDArray[np.uint8], edges: NDArray[np.int64], count: int, width: int, jump: Float32Array
) -> NDArray[np.bool_]:
    """Return along which seams an image stays as different some rows away, and has no row of one colour.

    A ruler, or a line in a frame that blurs over its block, is a jump at an edge too, and jumps back; a bar is of one colour.
    """
    height = int(edges[0])
    away = max(1, height // 4)
    change = _rows(pixels, edges + away) - _rows(pixels, edges - 1 - away)
    share = _along_seams(_per_block(change, count, width))[1][2] / np.where(jump == 0, 1, jump)
    found = (share > _SHARES[0]) & (share < _SHARES[1])
    for place in (-height, -1 - away, -1, 0, away, height - 1):
        lightness = _per_block(_rows(pixels, edges + place), count, width)[..., :1]
        found &= _along_seams(lightness)[2] >= _MIN_SPREAD**2
    return found


def _rows(pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.int16]:
    return pixels[rows].astype(np.int16)


def _per_block(rows: NDArray[np.int16] | Float32Array, count: int, width: int) -> Float32Array:
    """Return the means over the width of each block, of lightness and colours where there are three channels."""
    parts = rows[:, : count * width].reshape(len(rows), count, width, -1)
    means = parts.mean(axis=2, dtype=np.float32)
    return np.asarray(means @ _YCBCR.T if means.shape[-1] == 3 else means, np.float32)


def _along_seams(values: Float32Array) -> tuple[NDArray[np.int64], tuple[Float32Array, ...], Float32Array]:
    """Return the number, the means and the variance of values along each possible seam.

    Args:
        values: Of each edge between two rows of blocks, block and channel, `(edges, blocks, channels)`.

    Returns:
        By the edge and the block at which a seam begins, which goes on to the right, and along the next edge up to there:
        `(edges, blocks + 1, 1)`; of the part along the first edge, along the next one, and along both,
        `(edges, blocks + 1, channels)` each; and of both. A part without blocks has the mean of the other.
    """
    right = np.arange(values.shape[1], -1, -1)[None, :, None].repeat(len(values), axis=0)
    left = values.shape[1] - right
    left[-1] = 0  # below the last edge is no other
    number = np.maximum(right + left, 1)
    (first, following), (squares, following_squares) = _sums(values), _sums(values**2)
    mean = (first + following) / number
    parts = (np.where(own, sums / np.maximum(own, 1), mean) for own, sums in ((right, first), (left, following)))
    return right + left, (*parts, mean), np.maximum((squares + following_squares) / number - mean**2, 0)


def _sums(values: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Return sums from each block to the right, and of the blocks before it on the next edge."""
    before = np.concatenate([np.zeros_like(values[:, :1]), values.cumsum(axis=1)], axis=1)
    following = np.concatenate([before[1:], np.zeros_like(before[:1])])
    return before[:, -1:] - before, following
