"""Heat over an image, as an image that a person can read: NumPy and Pillow only."""

import textwrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from melanoma_detect.images.reader import Pixels

# Dark blue over green to yellow, evenly brighter all the way (the stops of matplotlib's viridis): colours that skin does not
# have, and that colour-blind readers tell apart.
_STOPS = np.array(
    [(68, 1, 84), (65, 68, 135), (42, 120, 142), (34, 168, 132), (122, 209, 81), (253, 231, 37)], np.float64
)
_STRONGEST = 0.72  # how much of the image the hottest colour covers: the lesion must stay visible under it
_VISIBLE = 0.08  # heat under this leaves the image as it is
_GAP, _BAR, _INK, _PAPER = 12, 10, (40, 46, 52), (255, 255, 255)


def colours(heat: NDArray[np.floating]) -> Pixels:
    """Return the colour of each degree of heat.

    Args:
        heat: Any shape, 0 to 1.

    Returns:
        uint8, the same shape with a last axis of red, green and blue.

    Examples:
        >>> colours(np.array([0.0, 1.0])).tolist()
        [[68, 1, 84], [253, 231, 37]]
    """
    place = np.linspace(0, 1, len(_STOPS))
    channels = [np.interp(heat, place, _STOPS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def enlarged(heat: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float32]:
    """Bring a map of heat to another size, smoothly.

    Args:
        heat: `(height, width)`, 0 to 1.
        size: `(height, width)` in pixels.

    Returns:
        float32 of that size, 0 to 1.

    Examples:
        >>> enlarged(np.eye(2), (4, 4)).shape
        (4, 4)
    """
    height, width = size
    found = Image.fromarray(heat.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(found).clip(0, 1)


def overlaid(image: Pixels, heat: NDArray[np.floating]) -> Image.Image:
    """Lay heat over an image: the hotter, the more it covers; cold places show the image in grey.

    Args:
        image: uint8 `(height, width, 3)`.
        heat: `(rows, columns)` of any size, 0 to 1.

    Returns:
        A PIL image in mode RGB, of the image's size.

    Examples:
        >>> overlaid(draw_lesion("nevus", seed=1).pixels, np.eye(6)).size
        (180, 180)
    """
    warmth = enlarged(heat, image.shape[:2])
    cover = (_STRONGEST * np.clip((warmth - _VISIBLE) / (0.6 - _VISIBLE), 0, 1))[..., None]
    # In grey, no colour of the lesion can be taken for one of the map.
    grey = np.repeat((image @ np.array([0.299, 0.587, 0.114]))[..., None], 3, axis=2)
    return Image.fromarray((grey * (1 - cover) + colours(warmth) * cover).round().astype(np.uint8))


def sheet(image: Pixels, heat: NDArray[np.floating], caption: str) -> Image.Image:
    """Put an image, its overlay, a scale and a caption on one sheet.

    Args:
        image: uint8 `(height, width, 3)`.
        heat: `(rows, columns)`, 0 to 1.
        caption: What stands below.

    Returns:
        A PIL image in mode RGB.

    Examples:
        >>> sheet(draw_lesion("nevus", seed=1).pixels, np.eye(6), "nevus").size[0]
        396
    """
    height, width = image.shape[:2]
    total = 2 * width + 3 * _GAP
    font = ImageFont.load_default(size=13)
    letters = (total - 2 * _GAP) / font.getlength("an even mix") * len("an even mix")
    words = "\n".join(textwrap.wrap(caption, max(20, int(letters))))
    below = int(ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), words, font=font)[3])
    page = Image.new("RGB", (total, height + below + _BAR + 18 + 4 * _GAP), _PAPER)
    page.paste(Image.fromarray(image), (_GAP, _GAP))
    page.paste(overlaid(image, heat), (width + 2 * _GAP, _GAP))
    _draw_scale(page, (width + 2 * _GAP, height + 2 * _GAP), width)
    ImageDraw.Draw(page).multiline_text((_GAP, height + _BAR + 18 + 3 * _GAP), words, fill=_INK, font=font)
    return page


def _draw_scale(page: Image.Image, corner: tuple[int, int], width: int) -> None:
    left, top = corner
    ramp = overlaid(np.full((_BAR, width, 3), 160, np.uint8), np.linspace(0, 1, width)[None].repeat(_BAR, 0))
    page.paste(ramp, corner)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=11)
    draw.text((left, top + _BAR + 3), "no evidence", fill=_INK, font=font)
    draw.text((left + width, top + _BAR + 3), "most evidence", fill=_INK, font=font, anchor="ra")
