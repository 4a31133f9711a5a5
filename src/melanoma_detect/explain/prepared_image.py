"""An image to explain: as the model sees it, and as the explanation shows it."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from melanoma_detect.images.reader import ImageLike, Pixels, load_rgb, min_decode_size, resize_image, source_name
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.preprocessing import check_image_path

_DISPLAY_SIZE = 420  # the longer side of the image under the heat map, in pixels: large enough to read on a screen


class PreparedImage(NamedTuple):
    """What an explanation needs of an image; the decoded image itself, which may take 100 MB, is not kept.

    Attributes:
        source: The image's path or name.
        pixels: uint8 `(height, width, 3)` at the detector's size.
        side: The shorter side that the image was decoded at, in pixels.
        shown: uint8 `(height, width, 3)`: the part that the model saw, in its own shape, with a longer side of 420 pixels.
        seen: The share of the image that the model saw, over 0 to 1.
    """

    source: str
    pixels: Pixels
    side: int
    shown: Pixels
    seen: float


def prepare_image(predictor: Predictor, image: ImageLike) -> PreparedImage:
    """Decode an image, and resize it for the model and for the screen.

    Args:
        predictor: The detector.
        image: One image, as `Detector.predict` takes it.

    Returns:
        The prepared image.

    Raises:
        ImageError: The image cannot be read; the message names it.

    Examples:
        >>> prepared = prepare_image(predictor, draw_lesion("nevus", seed=1).pixels)
        >>> prepared.pixels.shape, prepared.shown.shape, prepared.seen
        ((32, 32, 3), (420, 420, 3), 1.0)
    """
    size, resize = predictor.image_size, predictor.config.resize
    check_image_path(image)
    loaded = load_rgb(image, min_decode_size(size, resize))
    return PreparedImage(
        source_name(image),
        resize_image(loaded, size, resize),
        min(loaded.size),
        _display_image(loaded, predictor),
        _seen(loaded, predictor),
    )


def _seen(image: Image.Image, predictor: Predictor) -> float:
    """Return the share of an image that is left when it is cropped to the shape of the model's input."""
    if predictor.config.resize != "crop":
        return 1.0
    height, width = predictor.image_size
    scale = min(image.height / height, image.width / width)
    return scale * height * scale * width / (image.height * image.width)


def _display_image(image: Image.Image, predictor: Predictor) -> Pixels:
    """Return the part of the image that the model saw, in its own shape, at a size for the screen."""
    resize = predictor.config.resize
    height, width = (image.height, image.width) if resize == "squash" else predictor.image_size
    scale = _DISPLAY_SIZE / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    if resize == "squash":
        return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BICUBIC))
    return resize_image(image, size, resize)
