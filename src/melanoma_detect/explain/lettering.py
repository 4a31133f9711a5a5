r"""Letters for drawn text: the font that Pillow brings, or one of the machine's where a text needs it.

Pillow's own font has ASCII and little more. A name with other letters is drawn in the first of the usual fonts on this machine
that has them all. What no font has is written in plain letters where there are some (`ö` as `o`, `×` as `x`), else as Python
writes it (`\u65e5`): nothing is drawn as an empty box, and nothing is left out.
"""

import functools
import importlib.util
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import ImageFont

# In the order of trial: names that Pillow finds in the folders of fonts of Linux, macOS and Windows.
_FONTS = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "arial.ttf", "segoeui.ttf"),
    *("Arial Unicode.ttf", "NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "DroidSansFallbackFull.ttf"),
    *("msyh.ttc", "YuGothM.ttc", "malgun.ttf", "PingFang.ttc", "Hiragino Sans GB.ttc", "unifont.otf"),
)
_NO_CHARACTER = "\uffff"  # of Unicode: every font draws its empty box for it
_PROBE = 16  # pixels: the size at which fonts are looked into
_PLAIN = str.maketrans(
    {
        "×": "x",
        "–": "-",
        "—": "-",
        "−": "-",
        "‐": "-",
        "‑": "-",
        "…": "...",
        "·": ".",
        "•": "*",
        "‘": "'",
        "’": "'",
        "‚": ",",
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "ß": "ss",
        "æ": "ae",
        "Æ": "AE",
        "ø": "o",
        "Ø": "O",
        "œ": "oe",
        "Œ": "OE",
        "đ": "d",
        "Đ": "D",
        "ł": "l",
        "Ł": "L",
        "ı": "i",
        "µ": "u",
        "≥": ">=",
        "≤": "<=",
        "≈": "~",
        "±": "+-",
        "°": " deg",
    }
)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Lettering(NamedTuple):
    """A font, and what it cannot draw of a text.

    Attributes:
        file: The font's file; None for the one that Pillow brings.
        missing: The characters that it lacks.
    """

    file: str | None = None
    missing: frozenset[str] = frozenset()

    def font(self, size: int) -> Font:
        """Return the font in a size.

        Args:
            size: The height of its letters in pixels.

        Returns:
            A Pillow font.

        Examples:
            >>> Lettering().font(14).getlength("") == 0
            True
        """
        return _load(self.file, size)

    def spell(self, text: str) -> str:
        r"""Return a text in characters that the font has, on one line.

        Args:
            text: Any text; names of files may hold line breaks, control characters, and bytes that are not UTF-8.

        Returns:
            The same text for almost every name.

        Examples:
            >>> Lettering(missing=frozenset("ö日")).spell("schön\n日")
            'schon\\n\\u65e5'
        """
        return "".join(self._spell(character) for character in text)

    def _spell(self, character: str) -> str:
        if not character.isprintable():
            return repr(character)[1:-1]
        if character not in self.missing:
            return character
        parts = unicodedata.normalize("NFKD", character.translate(_PLAIN))
        plain = "".join(part for part in parts if not unicodedata.combining(part))
        return plain if plain.isascii() else ascii(character)[1:-1]


def choose_lettering(texts: Iterable[str]) -> Lettering:
    """Return a font that has the characters of some texts, or as many of them as any font on this machine.

    Args:
        texts: What is to be drawn.

    Returns:
        The font that Pillow brings, where it is enough.

    Examples:
        >>> choose_lettering(["Evidence for melanoma (cam)"])
        Lettering(file=None, missing=frozenset())
    """
    used = {character for text in texts for character in text if character.isprintable()}
    return _choose(frozenset(character for character in used if not character.isascii()))


@functools.lru_cache(maxsize=256)
def _choose(characters: frozenset[str]) -> Lettering:
    best = Lettering(None, _missing(None, characters))
    for file in _files() if best.missing else ():
        missing = _missing(file, characters)
        if len(missing) < len(best.missing):
            best = Lettering(file, missing)
        if not missing:
            break
    return best


def _files() -> Iterator[str]:
    """Yield the fonts of this machine, and the one that Matplotlib brings, which is not imported for it."""
    for name in _FONTS:
        try:
            ImageFont.truetype(name, _PROBE)
        except OSError:
            continue
        yield name
    found = importlib.util.find_spec("matplotlib")
    if found and found.origin and (file := Path(found.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf").is_file():
        yield str(file)


def _missing(file: str | None, characters: frozenset[str]) -> frozenset[str]:
    font = _load(file, _PROBE)
    box = _drawn(font, _NO_CHARACTER)
    return frozenset(character for character in characters if _drawn(font, character) == box)


def _drawn(font: Font, character: str) -> object:
    """Return what a font draws for a character; None for nothing but a blank."""
    if character.isspace():
        return None
    mask = font.getmask(character)
    return mask.size, bytes(mask)


@functools.lru_cache(maxsize=32)
def _load(file: str | None, size: int) -> Font:
    return ImageFont.load_default(size=size) if file is None else ImageFont.truetype(file, size)
