"""The skin tone of an image as its data set's table records it: on Fitzpatrick's scale, or on the table's own."""

import re
from collections.abc import Mapping

from melanoma_detect.data.sources.patient_columns import FITZPATRICK_COLUMNS, SKIN_TONE_COLUMNS, find_cell

# Neighbouring types are joined as in DDI (Daneshjou et al. 2022): observers often differ by one, and V and VI are few.
FITZPATRICK_GROUPS = ("Fitzpatrick I–II", "Fitzpatrick III–IV", "Fitzpatrick V–VI")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}
_PAIRS = {"12": FITZPATRICK_GROUPS[0], "34": FITZPATRICK_GROUPS[1], "56": FITZPATRICK_GROUPS[2]}  # as DDI writes them
# Of MILK10k, whose other classes have no name of their own.
_MILK10K_SCALE = "0 dark to 5 light"
_MILK10K_ENDS = {"0": "very dark", "5": "very light"}
_WORDS = re.compile(r"fitzpatrick|skin|type|fst|phototype|[\s_]+")
_RANGE = re.compile(r"-|–|/|to|and")


def skin_tone(metadata: Mapping[str, str]) -> str:
    """Return the skin tone that an image's row of a table records.

    Read are Fitzpatrick's skin types (`fitzpatrick_skin_type`, `fitzpatrick_scale`, PAD-UFES-20's `fitspatrick`), which are
    joined in pairs; DDI's `skin_tone`, which holds such pairs; and other scales as they are, such as MILK10k's
    `skin_tone_class` from 0, very dark, to 5, very light (https://challenge.isic-archive.com/landing/milk10k), whose ends
    each class names.

    Args:
        metadata: The row, by column.

    Returns:
        The skin tone; empty where none is recorded.

    Examples:
        >>> skin_tone({"fitspatrick": "2.0"}), skin_tone({"skin_tone": "56"}), skin_tone({"skin_tone_class": "3"})
        ('Fitzpatrick I–II', 'Fitzpatrick V–VI', 'class 3 (0 dark to 5 light)')
    """
    if found := fitzpatrick_group(find_cell(metadata, FITZPATRICK_COLUMNS)):
        return found
    tone = find_cell(metadata, SKIN_TONE_COLUMNS).casefold()
    if not tone.startswith("-") and (found := _PAIRS.get(tone.removesuffix(".0")) or _roman_group(tone)):
        return found
    number = tone.removesuffix(".0")
    if not number.isdecimal():
        return tone if not tone.startswith("-") else ""
    is_milk10k = find_cell(metadata, ("skin_tone_class",)).casefold() == tone
    return f"class {number}{f' ({_MILK10K_ENDS.get(number, _MILK10K_SCALE)})' if is_milk10k else ''}"


def fitzpatrick_group(text: str) -> str:
    """Return the pair of Fitzpatrick's skin types that a cell falls into.

    Args:
        text: Such as `"III"`, `"3.0"`, `"type 3"`, `"III-IV"` or `"34"`.

    Returns:
        `"Fitzpatrick I–II"`, `"Fitzpatrick III–IV"` or `"Fitzpatrick V–VI"`; empty for anything else, such as Fitzpatrick17k's
        -1 for unknown.

    Examples:
        >>> fitzpatrick_group("Type III"), fitzpatrick_group("1.0"), fitzpatrick_group("V-VI"), fitzpatrick_group("-1")
        ('Fitzpatrick III–IV', 'Fitzpatrick I–II', 'Fitzpatrick V–VI', '')
    """
    plain = _WORDS.sub("", text.casefold()).removesuffix(".0")
    if plain.startswith("-"):
        return ""
    types = [_ROMAN.get(part) or (int(part) if part in tuple("123456") else 0) for part in _RANGE.split(plain) if part]
    groups = {FITZPATRICK_GROUPS[(number - 1) // 2] for number in types if number}
    return _PAIRS.get(plain) or (groups.pop() if len(groups) == 1 and all(types) else "")


def _roman_group(tone: str) -> str:
    return fitzpatrick_group(tone) if "i" in tone or "v" in tone else ""
