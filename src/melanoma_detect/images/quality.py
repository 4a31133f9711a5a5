"""Image quality: when an image is too small, too dark, too bright, too blurred or without the colour to be judged.

A detector takes its limits from its training images (`input_limits`); an audit, which has no such reference, takes
`AUDIT_LIMITS`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.images.reader import Pixels
from melanoma_detect.utils.arrays import Float32Array, Float64Array

MIN_SIDE = 64  # pixels of the shorter side: with fewer, not even a dermatologist recognises a pattern
_MIN_SIDE_SHARE = 0.3  # of the model's side: an image that is enlarged more than three times shows no detail
_TAIL = 0.005  # share of the training images that may be broken themselves: the limits do not depend on them
# Mean difference between an image's strongest and weakest channel, in grey levels. A grey image has 0, or nearly so after JPEG;
# of 140 real images in colour none is under 5. In grey, 44 of the 118 that the default detector judges get another decision.
COLOURLESS = 1.0
NO_COLOUR = "without colour"
_MARGIN = 2  # other cameras are darker and softer than the training images', and still readable


@dataclass(frozen=True)
class InputLimits:
    """What an image must have to be judged. The defaults accept every image.

    Attributes:
        sharpness: The lowest sharpness, in grey levels; see `sharpness_and_brightness`.
        dark: The lowest brightness, 0 to 255.
        bright: The highest brightness, 0 to 255.
        side: The smallest length of the shorter side, in pixels.
        colour: The lowest colourfulness, in grey levels; see `colourfulness`.
    """

    sharpness: float = 0.0
    dark: float = 0.0
    bright: float = 255.0
    side: int = 0
    colour: float = 0.0


# Set on ISIC images at 128×128 pixels. A brightness of 36 (40 in grey) leaves no visible structure. By `laplacian_sharpness`,
# 3 in 5,000 of the images are under 3, and 99.9 % of them after a Gaussian blur of 2 % of the side.
AUDIT_LIMITS = InputLimits(sharpness=3.0, dark=36.0, side=MIN_SIDE)


def min_side(size: tuple[int, int]) -> int:
    """Return the smallest length of an image's shorter side for a model of this input size.

    Args:
        size: `(height, width)` of the model's input, in pixels.

    Returns:
        Pixels: 64, or less for models with a small input.

    Examples:
        >>> min_side((224, 224)), min_side((32, 32))
        (64, 9)
    """
    return min(MIN_SIDE, int(_MIN_SIDE_SHARE * min(size)))


def input_limits(pixels: Pixels) -> InputLimits:
    """Derive the limits of a detector's input from its training images.

    The margins are wide: half the sharpness and half the brightness of all but the worst 0.5 % of the images. Images without
    colour are accepted only if training images have none.

    Args:
        pixels: uint8 `(n, height, width, 3)` at the model's size.

    Returns:
        The limits.

    Examples:
        >>> input_limits(draw_lesion("nevus", seed=1, size=64).pixels[None]).side
        19
    """
    sharpness, brightness = (np.sort(values) for values in sharpness_and_brightness(pixels))
    low, high = np.quantile(brightness, (_TAIL, 1 - _TAIL))
    return InputLimits(
        sharpness=round(float(np.quantile(sharpness, _TAIL)) / _MARGIN, 3),
        dark=round(float(low) / _MARGIN, 3),
        bright=round(float(255 - (255 - high) / _MARGIN), 3),
        side=min_side((pixels.shape[1], pixels.shape[2])),
        colour=COLOURLESS if np.quantile(colourfulness(pixels), _TAIL) >= _MARGIN * COLOURLESS else 0.0,
    )


def rejection_reasons(pixels: Pixels, sides: NDArray[np.int64] | None, limits: InputLimits) -> list[str]:
    """Return why images cannot be judged.

    Args:
        pixels: uint8 `(n, height, width, 3)` at the model's size.
        sides: The shorter side of each image before it was resized, in pixels, `(n,)`; None where it is not known.
        limits: The detector's limits.

    Returns:
        A reason for each image; empty for images that can be judged.

    Examples:
        >>> rejection_reasons(np.zeros((1, 32, 32, 3), np.uint8), np.array([32]), InputLimits(dark=20))
        ['too dark']
    """
    if limits == InputLimits():
        return [""] * len(pixels)
    known = np.full(len(pixels), limits.side) if sides is None else sides
    reasons = describe_violations(known, *sharpness_and_brightness(pixels), limits)
    if not limits.colour:
        return reasons
    colourless = colourfulness(pixels) < limits.colour
    return [reason or NO_COLOUR * bool(grey) for reason, grey in zip(reasons, colourless, strict=True)]


def describe_violations(
    sides: NDArray[np.int64], sharpness: Float64Array, brightness: Float64Array, limits: InputLimits
) -> list[str]:
    """Return which limit images violate.

    Args:
        sides: The shorter side of each image in pixels, `(n,)`.
        sharpness: `(n,)`, by the measure that the limits were set with.
        brightness: `(n,)`, 0 to 255.
        limits: The limits.

    Returns:
        `"too small"`, `"too dark"`, `"too bright"` or `"too blurred"` for each image, the first that applies; else empty.

    Examples:
        >>> describe_violations(np.array([40, 200]), np.array([2.0, 2.0]), np.array([99.0, 99.0]), AUDIT_LIMITS)
        ['too small', 'too blurred']
    """
    # Sharpness comes last: what is small, black or white is never sharp, and the first reason explains more.
    # "Not at least" rather than "under": what is no number is no image that can be judged.
    checks = (
        ("too small", ~(sides >= limits.side)),
        ("too dark", ~(brightness >= limits.dark)),
        ("too bright", ~(brightness <= limits.bright)),
        ("too blurred", ~(sharpness >= limits.sharpness)),
    )
    return [next((reason for reason, violated in checks if violated[index]), "") for index in range(len(sides))]


def sharpness_and_brightness(pixels: Pixels) -> tuple[Float64Array, Float64Array]:
    """Measure how sharp and how bright images are.

    Args:
        pixels: uint8 `(n, height, width, 3)`.

    Returns:
        The mean difference to the pixels two to the right and two below, in grey levels `(n,)`; and the mean, 0 to 255 `(n,)`.
        Both of every other pixel of the green channel, which holds most of an image's detail.

    Examples:
        >>> [round(float(values[0]), 3) for values in sharpness_and_brightness(np.full((1, 8, 8, 3), 9, np.uint8))]
        [0.0, 9.0]
    """
    # Every prediction runs this. A quarter of the pixels gives the same answer, and a BLAS product is faster than a mean.
    green = pixels[:, ::2, ::2, 1].astype(np.float32)
    across, down = np.abs(green[:, :, 1:] - green[:, :, :-1]), np.abs(green[:, 1:] - green[:, :-1])
    return (_means(across) + _means(down)) / 2, _means(green)


def colourfulness(pixels: Pixels) -> Float64Array:
    """Measure how much colour images have.

    Args:
        pixels: uint8 `(n, height, width, 3)`.

    Returns:
        The mean difference between the strongest and the weakest channel of a pixel, in grey levels `(n,)`: 0 for a grey image.
        Of every other pixel.

    Examples:
        >>> colourfulness(np.array([[[[90, 60, 50]]], [[[60, 60, 60]]]], np.uint8))
        array([40.,  0.])
    """
    red, green, blue = (pixels[:, ::2, ::2, channel] for channel in range(3))
    strongest = np.maximum(np.maximum(red, green), blue)
    return _means((strongest - np.minimum(np.minimum(red, green), blue)).astype(np.float32))


def _means(values: Float32Array) -> Float64Array:
    flat = values.reshape(len(values), values.shape[1] * values.shape[2])
    return (flat @ np.full(flat.shape[1], 1 / flat.shape[1], np.float32)).astype(np.float64)


def laplacian_sharpness(grey: Float32Array | NDArray[np.int16]) -> float:
    """Return the standard deviation of an image's Laplacian.

    An absolute limit needs this measure, which hardly depends on the contrast of the lesion. The mean difference of
    `sharpness_and_brightness` is as large for a blurred dark lesion as for a sharp pale one: with a limit that rejects as few
    sharp images as AUDIT_LIMITS, it finds 16 % of the blurred ones.

    Args:
        grey: Grey levels, 0 to 255, `(height, width)`; floats or signed integers.

    Returns:
        The sharpness in grey levels (after Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000, who
        take its square).

    Examples:
        >>> laplacian_sharpness(np.full((8, 8), 100, np.float32))
        0.0
    """
    # The Laplacian as sums of differences: a pixel at the border has fewer neighbours.
    down, across = grey[1:] - grey[:-1], grey[:, 1:] - grey[:, :-1]
    laplacian = np.zeros_like(grey)
    laplacian[1:] += down
    laplacian[:-1] -= down
    laplacian[:, 1:] += across
    laplacian[:, :-1] -= across
    # Each difference counts twice, with opposite signs: the mean is 0.
    values = laplacian.ravel().astype(np.float32)
    return float(np.sqrt(values @ values / values.size))
