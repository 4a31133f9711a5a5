"""Drawing of heat maps over images, with a colour scale and a caption. NumPy and Pillow only."""

import textwrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from melanoma_detect.images.reader import Pixels
from melanoma_detect.utils.arrays import Float32Array

# The stops of matplotlib's viridis, from dark blue to yellow: its brightness rises evenly, colour-blind readers can read it,
# and skin has none of its colours.
_STOPS = np.array(
    [(68, 1, 84), (65, 68, 135), (42, 120, 142), (34, 168, 132), (122, 209, 81), (253, 231, 37)], np.float64
)
_MAX_OPACITY = 0.72  # of the colours: the lesion must stay visible under them
_MIN_HEAT, _OPAQUE_HEAT = 0.08, 0.6  # opacity rises from 0 to its maximum between these: little heat is noise
_GAP, _BAR, _INK, _PAPER = 12, 12, (40, 46, 52), (255, 255, 255)
_TITLE_SIZE, _TEXT_SIZE, _NOTE_SIZE = 16, 14, 12  # in pixels; 12, 10.5 and 9 points
_FAINT = (92, 100, 108)  # the ink of notes: 6:1 on paper
SHEET_WIDTH = 2 * 420 + 3 * _GAP  # in pixels


def apply_colormap(heat: NDArray[np.floating]) -> Pixels:
    """Return the colour of each value of a heat map.

    Args:
        heat: Any shape, 0 to 1.

    Returns:
        uint8, the same shape with a last axis of red, green and blue.

    Examples:
        >>> apply_colormap(np.array([0.0, 1.0])).tolist()
        [[68, 1, 84], [253, 231, 37]]
    """
    positions = np.linspace(0, 1, len(_STOPS))
    channels = [np.interp(heat, positions, _STOPS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def resize_heat(heat: NDArray[np.floating], size: tuple[int, int]) -> Float32Array:
    """Resize a heat map by bicubic interpolation.

    Args:
        heat: `(height, width)`, 0 to 1.
        size: `(height, width)` in pixels.

    Returns:
        float32 of that size, 0 to 1.

    Examples:
        >>> resize_heat(np.eye(2), (4, 4)).shape
        (4, 4)
    """
    height, width = size
    resized = Image.fromarray(heat.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized).clip(0, 1)  # bicubic interpolation overshoots


def draw_overlay(image: Pixels, heat: NDArray[np.floating]) -> Image.Image:
    """Draw a heat map over an image: the more heat, the more opaque; without heat, the image shows in grey.

    Args:
        image: uint8 `(height, width, 3)`.
        heat: `(rows, columns)` of any size, 0 to 1.

    Returns:
        A PIL image in mode RGB, of the image's size.

    Examples:
        >>> draw_overlay(draw_lesion("nevus", seed=1).pixels, np.eye(6)).size
        (180, 180)
    """
    resized = resize_heat(heat, image.shape[:2])
    opacity = (_MAX_OPACITY * np.clip((resized - _MIN_HEAT) / (_OPAQUE_HEAT - _MIN_HEAT), 0, 1))[..., None]
    # In grey, no colour of the lesion can be mistaken for one of the map.
    grey = np.repeat((image @ np.array([0.299, 0.587, 0.114]))[..., None], 3, axis=2)
    return Image.fromarray((grey * (1 - opacity) + apply_colormap(resized) * opacity).round().astype(np.uint8))


def draw_sheet(
    image: Pixels,
    heat: NDArray[np.floating],
    caption: str,
    *,
    title: str = "Evidence",
    note: str = "",
    width: int = SHEET_WIDTH,
) -> Image.Image:
    """Draw an image, its overlay beside it, a colour scale and a caption.

    Args:
        image: uint8 `(height, width, 3)`.
        heat: `(rows, columns)`, 0 to 1.
        caption: The text below.
        title: The words over the overlay.
        note: Small letters under the caption.
        width: The least width of the sheet in pixels.

    Returns:
        A PIL image in mode RGB. Its letters are at least 9 points high where 96 pixels make an inch, as on a web page.

    Examples:
        >>> draw_sheet(draw_lesion("nevus", seed=1, size=420).pixels, np.eye(6), "nevus").size[0]
        876
    """
    height, panel = image.shape[0], max(image.shape[1], (width - 3 * _GAP) // 2)
    total = 2 * panel + 3 * _GAP
    titles = [_wrap(text, panel, _TITLE_SIZE) for text in ("Image", title)]
    text, note = _wrap(caption, total - 2 * _GAP, _TEXT_SIZE), _wrap(note, total - 2 * _GAP, _NOTE_SIZE)
    top = _GAP + max(_text_height(words, _TITLE_SIZE) for words in titles) + _GAP // 2
    below = top + height + _GAP // 2
    end = below + _BAR + _text_height("o", _TEXT_SIZE) + _GAP
    under = end + _GAP + _text_height(text, _TEXT_SIZE)
    bottom = under + _GAP + _text_height(note, _NOTE_SIZE) if note else under
    page = Image.new("RGB", (total, bottom + _GAP), _PAPER)
    draw = ImageDraw.Draw(page)
    centre = (panel - image.shape[1]) // 2
    for column, (words, shown) in enumerate(
        zip(titles, (Image.fromarray(image), draw_overlay(image, heat)), strict=True)
    ):
        left = _GAP + column * (panel + _GAP)
        draw.multiline_text((left + centre, _GAP), words, fill=_INK, font=ImageFont.load_default(size=_TITLE_SIZE))
        page.paste(shown, (left + centre, top))
    _draw_scale(page, (panel + 2 * _GAP + centre, below), image.shape[1])
    draw.multiline_text((_GAP, end + _GAP), text, fill=_INK, font=ImageFont.load_default(size=_TEXT_SIZE))
    draw.multiline_text((_GAP, under + _GAP), note, fill=_FAINT, font=ImageFont.load_default(size=_NOTE_SIZE))
    return page


def _wrap(text: str, width: int, size: int) -> str:
    """Break a text into lines of at most a width in pixels."""
    font = ImageFont.load_default(size=size)
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if font.getlength(longer) <= width:
            line = longer
            continue
        lines += [line] if line else []
        *full, line = _split_word(word, width, font)
        lines += full
    return "\n".join([*lines, line])


def _split_word(word: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """Return a word in parts that fit into a width: a path may be longer than a line."""
    letters = max(8, int(len(word) * width / max(font.getlength(word), 1)))
    return textwrap.wrap(word, letters, break_on_hyphens=False) if font.getlength(word) > width else [word]


def _text_height(text: str, size: int) -> int:
    font = ImageFont.load_default(size=size)
    return int(ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), text, font=font)[3])


def _draw_scale(page: Image.Image, corner: tuple[int, int], width: int) -> None:
    left, top = corner
    ramp = draw_overlay(np.full((_BAR, width, 3), 160, np.uint8), np.linspace(0, 1, width)[None].repeat(_BAR, 0))
    page.paste(ramp, corner)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=_TEXT_SIZE)
    draw.text((left, top + _BAR + 3), "no evidence", fill=_INK, font=font)
    draw.text((left + width, top + _BAR + 3), "most in this image", fill=_INK, font=font, anchor="ra")
