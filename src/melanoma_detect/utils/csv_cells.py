r"""Cells of CSV tables that hold what others wrote: no spreadsheet runs them, and no terminal obeys them.

`csv_cell` writes a cell, and `plain_cell` gives back the very text. Nearly every text is its own cell.
"""

import re
import unicodedata

from melanoma_detect.printable import escape_character

# A cell that begins so is a formula to spreadsheets, which may run it: names of files come from others. With an apostrophe
# before it, it is text. Apostrophes that are there already get another, so that `plain_cell` finds every name again.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
# What stands for a character that is not visible, and for a backslash that would otherwise look like one.
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U(0010[0-9a-f]{4}|000[0-9a-f]{5}))")
_BACKSLASH = re.compile(r"\\(?=x[0-9a-f]{2}|u(?!d[89a-f])[0-9a-f]{4}|U(?:0010[0-9a-f]{4}|000[0-9a-f]{5}))")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # parts of words and of emoji, which order and end nothing


def csv_cell(text: str) -> str:
    r"""Return a text as it stands in a CSV table.

    Before what a spreadsheet would take for a formula stands an apostrophe. Line breaks and characters that are not visible are
    written by their number, so that one line of the file is one row.

    Args:
        text: A name, a message or another cell.

    Returns:
        The text; with an apostrophe, if it begins with `=`, `+`, `-`, `@`, a tabulator or a line break, or with these after
        apostrophes.

    Examples:
        >>> csv_cell("=1+1.jpg"), csv_cell("a=b.jpg"), csv_cell("two\nlines.jpg")
        ("'=1+1.jpg", 'a=b.jpg', 'two\\x0alines.jpg')
    """
    cell = f"'{text}" if _FORMULA.match(text) else text
    if "\\" in cell:
        cell = _BACKSLASH.sub(r"\\x5c", cell)
    if cell.isprintable():
        return cell
    return "".join(escape_character(one) if _is_hidden(one) else one for one in cell)


def plain_cell(text: str) -> str:
    r"""Return the text that a cell of a CSV table stands for: the one that `csv_cell` was given.

    Args:
        text: A cell.

    Returns:
        The text.

    Examples:
        >>> plain_cell("'=1+1.jpg"), plain_cell("'quoted'.jpg"), plain_cell("two\\x0alines.jpg")
        ('=1+1.jpg', "'quoted'.jpg", 'two\nlines.jpg')
    """
    plain = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2] or found[3], 16)), text) if "\\" in text else text
    return plain[1:] if plain.startswith("'") and _FORMULA.match(plain) else plain


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN and character not in _JOINERS
