"""From a picture to what the model looks at: pixels at its size, and what the picture was before."""

from typing import NamedTuple, cast

import numpy as np

from melanoma_detect.data.images import Picture, Pixels, Resize, fit, load, needed


class Look(NamedTuple):
    """A picture as the model sees it.

    Attributes:
        pixels: uint8 `(height, width, 3)` at the model's size.
        height: Of the picture itself, in pixels, before it was brought to that size; a JPEG that was decoded at a smaller scale
            of its own has that one's.
        width: Likewise.
    """

    pixels: Pixels
    height: int
    width: int


def look(picture: Picture, size: tuple[int, int], resize: Resize) -> Look:
    """Read a picture.

    Args:
        picture: What `data.images.read` takes.
        size: `(height, width)` in pixels that the model wants.
        resize: How a picture of another shape comes to that size.

    Returns:
        The pixels, and the height and width that the picture was decoded at.

    Raises:
        ImageError: It cannot be read; the message names it.

    Examples:
        >>> seen = look(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", (32, 32), "squash")
        >>> seen.pixels.shape, seen.height
        ((32, 32, 3), 64)
    """
    if isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.shape == (*size, 3):
        return Look(cast("Pixels", picture), *size)  # as it is: nothing to decode, and nothing to copy
    image = load(picture, needed(size, resize))
    return Look(fit(image, size, resize), image.height, image.width)
