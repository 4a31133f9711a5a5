"""From an image to what the model looks at: pixels at its size, and whether they are worth a look."""

from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.images.reader import ImageLike, Pixels, Resize, fit, load, needed

SMALLEST = 64  # pixels of the shorter side: below it not even a dermatologist sees a pattern
_SMALLEST_SHARE = 0.3  # of the model's side: what is blown up more than three times shows no detail


class ModelInput(NamedTuple):
    """An image as the model sees it.

    Attributes:
        pixels: uint8 `(height, width, 3)` at the model's size.
        height: Of the image itself, in pixels, before it was brought to that size; a JPEG that was decoded at a smaller scale
            of its own has that one's.
        width: Likewise.
    """

    pixels: Pixels
    height: int
    width: int


@dataclass(frozen=True)
class InputLimits:
    """What an image must have to be judged: set on the training images, with a margin.

    Attributes:
        sharpness: The least mean difference to the pixels two to the right and two below, in grey levels of the green channel.
        dark: The least mean of the green channel, 0 to 255.
        bright: The largest.
        side: The shorter side that an image must have, in pixels.
    """

    sharpness: float = 0.0
    dark: float = 0.0
    bright: float = 255.0
    side: int = 0


def preprocess(image: ImageLike, size: tuple[int, int], resize: Resize) -> ModelInput:
    """Read an image.

    Args:
        image: What `data.images.read` takes.
        size: `(height, width)` in pixels that the model wants.
        resize: How an image of another shape comes to that size.

    Returns:
        The pixels, and the height and width that the image was decoded at.

    Raises:
        ImageError: It cannot be read; the message names it.

    Examples:
        >>> prepared = preprocess(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", (32, 32), "squash")
        >>> prepared.pixels.shape, prepared.height
        ((32, 32, 3), 64)
    """
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape == (*size, 3):
        return ModelInput(cast("Pixels", image), *size)  # as it is: nothing to decode, and nothing to copy
    loaded = load(image, needed(size, resize))
    return ModelInput(fit(loaded, size, resize), loaded.height, loaded.width)


def min_side(size: tuple[int, int]) -> int:
    """Return the shorter side that an image must have for a model of this size.

    Args:
        size: `(height, width)` in pixels that the model wants.

    Returns:
        Pixels: 64, or less for models that look at less.

    Examples:
        >>> min_side((224, 224)), min_side((32, 32))
        (64, 9)
    """
    return min(SMALLEST, int(_SMALLEST_SHARE * min(size)))


def rejection_reasons(pixels: Pixels, sides: NDArray[np.int64] | None, limits: InputLimits) -> list[str]:
    """Say which images are not worth a look, and why.

    Args:
        pixels: uint8 `(n, height, width, 3)` at the model's size.
        sides: The shorter side of each image before, `(n,)`; None where it is not known.
        limits: What is asked for.

    Returns:
        A reason for each image; empty for those that are good enough.

    Examples:
        >>> rejection_reasons(np.zeros((1, 32, 32, 3), np.uint8), np.array([32]), InputLimits(dark=20))
        ['too dark']
    """
    if limits == InputLimits():
        return [""] * len(pixels)
    sharpness, brightness = measure(pixels)
    known = np.full(len(pixels), limits.side) if sides is None else sides
    checks = (
        ("too small", known < limits.side),
        ("too dark", brightness < limits.dark),
        ("too bright", brightness > limits.bright),
        ("too blurred", sharpness < limits.sharpness),
    )
    return [next((reason for reason, fails in checks if fails[at]), "") for at in range(len(pixels))]


def measure(pixels: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure how sharp and how bright images are.

    Args:
        pixels: uint8 `(n, height, width, 3)`.

    Returns:
        The mean difference to the pixels two to the right and two below, in grey levels `(n,)`; and the mean, 0 to 255 `(n,)`.
        Both of every other pixel of the green channel, which carries most of an image's detail.

    Examples:
        >>> [round(float(found[0]), 3) for found in measure(np.full((1, 8, 8, 3), 9, np.uint8))]
        [0.0, 9.0]
    """
    # A quarter of the pixels says the same, and BLAS sums faster than a mean does: this runs for every prediction.
    green = pixels[:, ::2, ::2, 1].astype(np.float32)
    across, down = np.abs(green[:, :, 1:] - green[:, :, :-1]), np.abs(green[:, 1:] - green[:, :-1])
    return (_means(across) + _means(down)) / 2, _means(green)


def _means(values: NDArray[np.float32]) -> NDArray[np.float64]:
    flat = values.reshape(len(values), values.shape[1] * values.shape[2])
    return (flat @ np.full(flat.shape[1], 1 / flat.shape[1], np.float32)).astype(np.float64)


def input_limits(pixels: Pixels) -> InputLimits:
    """Set what an image must have by images that are good enough.

    The margins are wide: half the sharpness and brightness of the poorest but one in two hundred.

    Args:
        pixels: uint8 `(n, height, width, 3)`, of training images.

    Returns:
        The limits.

    Examples:
        >>> input_limits(draw_lesion("nevus", seed=1, size=64).pixels[None]).side
        19
    """
    sharpness, brightness = (np.sort(found) for found in measure(pixels))
    low, high = np.quantile(brightness, (0.005, 0.995))
    return InputLimits(
        sharpness=round(float(np.quantile(sharpness, 0.005)) / 2, 3),
        dark=round(float(low) / 2, 3),
        bright=round(float(255 - (255 - high) / 2), 3),
        side=min_side((pixels.shape[1], pixels.shape[2])),
    )
