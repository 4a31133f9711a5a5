"""The figure that every plot returns: a Matplotlib figure that shows itself in a notebook."""

import functools
import io
from typing import Any, cast

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter
from PIL import Image

from melanoma_detect.printable import escape_character, printable, printable_lines

_SHARPNESS = 2  # pixels of the file for one of the page: sharp on the screens of laptops and phones
_PAGE_DPI = 96  # pixels of a page in an inch, by CSS


def drawable(text: str) -> str:
    r"""Return a text that Matplotlib can draw and an SVG can hold.

    Names may hold characters that are not visible, and letters that the font lacks, for which Matplotlib draws the same box:
    both are shown by their numbers.

    Args:
        text: The text, of one or several lines.

    Returns:
        The same text for almost every name.

    Examples:
        >>> drawable("caf\udce9.jpg"), drawable("nævus")
        ('caf\\udce9.jpg', 'nævus')
    """
    shown = printable_lines(text)
    if shown.isascii():
        return shown
    glyphs = _glyphs(findfont(FontProperties()))
    return "".join(one if one.isspace() or ord(one) in glyphs else escape_character(one) for one in shown)


@functools.lru_cache(maxsize=8)
def _glyphs(font: str) -> frozenset[int]:
    return frozenset(get_font(font).get_charmap())


class NotebookFigure(Figure):
    """A figure that a notebook shows when it is the last value of a cell.

    A plain `Figure` that was made without `pyplot` is text there (`<Figure size 676x806 with 2 Axes>`) until
    `%matplotlib inline` has run. With inline plots on, this one is shown by them, once: it is no figure of `pyplot`, which
    would be drawn again at the end of the cell.

    Attributes:
        alt: The text in place of the figure for readers who do not see it; empty for its titles and the names of its axes.

    Examples:
        >>> NotebookFigure(figsize=(2, 1))._repr_png_()[1]
        {'width': 192, 'height': 96, 'alt': 'Figure'}
    """

    alt: str = ""

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        width, height = (round(float(side) * _PAGE_DPI) for side in self.get_size_inches())
        # nbconvert, JupyterLab and GitHub read the text in place of an image from its metadata.
        return self.to_png(), {"width": width, "height": height, "alt": self.alt or self._describe()}

    def to_png(self, *, dpi: float = _SHARPNESS * _PAGE_DPI) -> bytes:
        """Return the figure as the bytes of a PNG file.

        Args:
            dpi: Pixels an inch.

        Returns:
            The file's bytes. A plot without photographs has 256 colours: less than half of the size, and it looks the same.

        Examples:
            >>> NotebookFigure(figsize=(2, 1)).to_png()[1:4]
            b'PNG'
        """
        file, image = io.BytesIO(), self.to_image(dpi=dpi)
        if not self._has_photographs:
            # Without dithering, which would speckle flat areas.
            image = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        image.save(file, "PNG", dpi=(dpi, dpi))
        return file.getvalue()

    def to_image(self, *, dpi: float = _SHARPNESS * _PAGE_DPI) -> Image.Image:
        """Return the figure as an image.

        Args:
            dpi: Pixels an inch.

        Returns:
            A PIL image in mode RGB.

        Examples:
            >>> NotebookFigure(figsize=(2, 1)).to_image(dpi=100).size
            (200, 100)
        """
        before, canvas = self.dpi, cast("Any", FigureCanvasAgg(self))
        try:
            self.set_dpi(dpi)
            canvas.draw()
            return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
        finally:
            self.set_dpi(before)

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure; called by Matplotlib.

        Args:
            renderer: What draws.
        """
        for text in self.findobj(Text):
            text.set_parse_math(False)  # dollars in the names of files and classes are no formulas
            text.set_text(drawable(text.get_text()))
        for axis in (axis for axes in self.axes for axis in (axes.xaxis, axes.yaxis)):
            formatter = axis.get_major_formatter()
            if isinstance(formatter, FixedFormatter):  # the names of classes beside a matrix
                formatter.seq = list(map(drawable, formatter.seq))
        super().draw(renderer)

    def _describe(self) -> str:
        """Return the title of the figure, and the title of each of its plots with what it draws against what."""
        parts = ["Figure" if not self.get_suptitle() else f"Figure: {self.get_suptitle()}"]
        for axes in self.axes:
            names = " against ".join(filter(None, (axes.get_ylabel(), axes.get_xlabel())))
            parts.append(": ".join(filter(None, (axes.get_title(), names))))
        return printable(" ".join("; ".join(filter(None, dict.fromkeys(parts))).split()))

    @property
    def _has_photographs(self) -> bool:
        arrays = (image.get_array() for axes in self.axes for image in axes.get_images())
        return any(array is not None and array.ndim > 2 for array in arrays)


# Matplotlib writes a `set` into every subclass; that of `Figure` does the same and is documented.
del NotebookFigure.set
