r"""Text that others wrote, such as the name of a file, made safe to show: it controls no terminal and forges no line.

A name of a file or a folder may hold anything but a zero byte and a slash: the sequences by which a terminal changes its title
or clears its screen, line breaks, marks that turn the direction of writing, and bytes that are no UTF-8. Such characters are
shown as Python writes them (`\x1b`, `\u202e`, `\udce9`); letters of every language, accents and emoji stay as they are.
"""

import re
import unicodedata

# Controls, invisible marks, halves of characters, private and unassigned characters, and the separators of lines. Blanks that
# are wider or narrower than usual stay: they are in the names that cameras and systems give.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINER = "\u200d"  # joins several emoji into one
_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_LINE_BREAK = re.compile("\r\n|\n")


def is_visible(character: str) -> bool:
    r"""Return whether a character is shown by itself, and does nothing to what stands around it.

    Args:
        character: One character.

    Returns:
        Whether it is a letter, a mark, a number, a sign or a blank.

    Examples:
        >>> is_visible("é"), is_visible("\x1b"), is_visible("\u202e")
        (True, False, False)
    """
    return character.isprintable() or unicodedata.category(character) not in _HIDDEN


def printable(text: object) -> str:
    r"""Return a text for one line of a terminal, a log or a message.

    Args:
        text: Anything.

    Returns:
        Its text, in which characters that are not visible are written as Python writes them.

    Examples:
        >>> printable("naevus\x1b[2J\nb.jpg"), printable("nävus 母斑")
        ('naevus\\x1b[2J\\nb.jpg', 'nävus 母斑')
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(_show(shown, place) for place in range(len(shown)))


def printable_lines(text: object) -> str:
    r"""Return a text of several lines, such as a table, for a terminal or a page; see `printable`.

    Args:
        text: Anything.

    Returns:
        The same lines, each of them printable. A tabulator stays.

    Examples:
        >>> printable_lines("a\n\tb\x07")
        'a\n\tb\\x07'
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in _LINE_BREAK.split(shown))


def escape_character(character: str) -> str:
    r"""Return a character by its number, as Python writes it.

    Args:
        character: One character.

    Returns:
        `\x`, `\u` or `\U` with two, four or eight digits.

    Examples:
        >>> escape_character("\n"), escape_character("\u202e")
        ('\\x0a', '\\u202e')
    """
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _show(text: str, place: int) -> str:
    character = text[place]
    if is_visible(character) or (character == _JOINER and _joins_emoji(text, place)):
        return character
    return _NAMED.get(character) or escape_character(character)


def _joins_emoji(text: str, place: int) -> bool:
    before, after = text[:place].rstrip("\ufe0f")[-1:], text[place + 1 : place + 2]
    return bool(before and after) and all(unicodedata.category(one) in ("So", "Sk") for one in (before, after))
