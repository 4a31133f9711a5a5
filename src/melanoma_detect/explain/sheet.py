"""The sheet of an explanation: the image, the overlay beside it, its scale and the sentences. NumPy and Pillow only."""

from bisect import bisect_right
from functools import partial
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from melanoma_detect.explain.lettering import Font, Lettering, choose_lettering
from melanoma_detect.explain.overlay import draw_overlay
from melanoma_detect.images.reader import Pixels

GAP, _BAR, _INK, PAPER = 12, 12, (40, 46, 52), (255, 255, 255)
TITLE_SIZE, TEXT_SIZE, NOTE_SIZE = 20, 14, 12  # in pixels; 15, 10.5 and 9 points
FAINT = (92, 100, 108)  # the ink of notes: 6:1 on paper
_LEAST, _MOST = "no evidence", "most in this image"
SHEET_WIDTH = 2 * 420 + 3 * GAP  # in pixels


class SheetText(NamedTuple):
    """The words of a sheet, in the order in which they are read.

    Attributes:
        title: The line above the images.
        image: The words over the image.
        overlay: The words over the overlay.
        caption: The text below.
        note: Small letters under the caption.
    """

    title: str = "Evidence"
    image: str = "Image"
    overlay: str = "Evidence"
    caption: str = ""
    note: str = ""


def draw_sheet(image: Pixels, heat: NDArray[np.floating], text: SheetText, *, width: int = SHEET_WIDTH) -> Image.Image:
    """Draw an image, its overlay beside it, a colour scale, and the words.

    Args:
        image: uint8 `(height, width, 3)`.
        heat: `(rows, columns)`, 0 to 1.
        text: The words.
        width: The least width of the sheet in pixels.

    Returns:
        A PIL image in mode RGB. Its letters are at least 9 points high where 96 pixels make an inch, as on a web page.

    Examples:
        >>> draw_sheet(draw_lesion("nevus", seed=1, size=420).pixels, np.eye(6), SheetText(caption="nevus")).size[0]
        876
    """
    letters = choose_lettering(text)
    panel = max(image.shape[1], (width - 3 * GAP) // 2)
    total = 2 * panel + 3 * GAP
    margin = (panel - image.shape[1]) // 2
    columns = (GAP + margin, 2 * GAP + panel + margin)
    blocks = TextBlocks(letters, total)
    blocks.add(text.title, TITLE_SIZE, (GAP, GAP))
    top = blocks.bottom + GAP
    for left, words in zip(columns, (text.image, text.overlay), strict=True):
        blocks.add(words, TEXT_SIZE, (left, top), width=panel - margin)
    shown = blocks.bottom + GAP // 2
    scale = shown + image.shape[0] + GAP // 2
    blocks.add(_LEAST, TEXT_SIZE, (columns[1], scale + _BAR + 3))
    least, most = (ceil(letters.font(TEXT_SIZE).getlength(words)) for words in (_LEAST, _MOST))
    if least + GAP + most > image.shape[1]:
        blocks.add(_MOST, TEXT_SIZE, (columns[1], blocks.bottom + 3))  # two lines under a narrow image
    else:
        blocks.add(_MOST, TEXT_SIZE, (columns[1] + image.shape[1] - most, scale + _BAR + 3), width=most)
    blocks.add(text.caption, TEXT_SIZE, (GAP, blocks.bottom + 2 * GAP))
    blocks.add(text.note, NOTE_SIZE, (GAP, blocks.bottom + GAP), ink=FAINT)
    page = Image.new("RGB", (total, blocks.bottom + GAP), PAPER)
    for left, picture in zip(columns, (Image.fromarray(image), draw_overlay(image, heat)), strict=True):
        page.paste(picture, (left, shown))
    ramp = np.linspace(0, 1, image.shape[1])[None].repeat(_BAR, 0)
    page.paste(draw_overlay(np.full((_BAR, image.shape[1], 3), 160, np.uint8), ramp), (columns[1], scale))
    blocks.draw(page)
    return page


class _Block(NamedTuple):
    """Lines of text at a place."""

    words: str
    size: int
    corner: tuple[int, int]
    ink: tuple[int, int, int]


class TextBlocks:
    """The text of a sheet, block by block from the top down: its height is known before the sheet is made.

    Args:
        letters: The fonts.
        width: Of the sheet, in pixels.

    Attributes:
        bottom: Of the lowest line so far, in pixels.

    Examples:
        >>> blocks = TextBlocks(choose_lettering(("nevus",)), 200)
        >>> blocks.add("nevus", TEXT_SIZE, (GAP, GAP))
        >>> blocks.bottom > GAP
        True
    """

    def __init__(self, letters: Lettering, width: int) -> None:
        self._letters, self._width = letters, width
        self._blocks: list[_Block] = []
        self._measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
        self.bottom = 0

    def add(
        self,
        text: str,
        size: int,
        corner: tuple[int, int],
        *,
        width: int | None = None,
        ink: tuple[int, int, int] = _INK,
    ) -> None:
        """Put a text at a place, in lines no wider than a width.

        Args:
            text: The text.
            size: Of its letters, in pixels.
            corner: Its upper left corner.
            width: Of the lines, in pixels; None for up to the right margin.
            ink: Its colour.
        """
        font = self._letters.font(size)
        words = _wrap(self._letters.spell(text), width or self._width - corner[0] - GAP, font)
        if words:
            self._blocks.append(_Block(words, size, corner, ink))
            self.bottom = max(
                self.bottom, int(self._measure.multiline_textbbox(corner, f"{words}\N{EM SPACE}g", font=font)[3])
            )

    def draw(self, page: Image.Image) -> None:
        """Draw every block.

        Args:
            page: The sheet.
        """
        draw = ImageDraw.Draw(page)
        for block in self._blocks:
            draw.multiline_text(block.corner, block.words, fill=block.ink, font=self._letters.font(block.size))


def _wrap(text: str, width: int, font: Font) -> str:
    """Break a text into lines of at most a width in pixels."""
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


def _split_word(word: str, width: int, font: Font) -> list[str]:
    """Return a word in parts that fit into a width: a path may be longer than a line, and some scripts have no blanks."""
    parts = []
    while font.getlength(word) > width:
        fitting = bisect_right(range(len(word)), width, key=partial(_width, word, font)) - 1
        parts.append(word[: max(fitting, 1)])
        word = word[max(fitting, 1) :]
    return [*parts, word]


def _width(word: str, font: Font, length: int) -> int:
    """Return the width of the beginning of a word in pixels."""
    return ceil(font.getlength(word[:length]))
