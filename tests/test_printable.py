"""Text that others wrote, made safe to show."""

import sys
import unicodedata

import pytest

from melanoma_detect.printable import is_visible, printable, printable_lines

PLAIN = ["nævus", "母斑.jpg", "שומה", "👩‍⚕️ 🩺", "Screenshot 10\u202fAM.png", "a\\b [bold] $x$ <b>", "", " "]
HOSTILE = {
    "\x1b[2J": r"\x1b[2J",
    "\x9b2J": r"\x9b2J",
    "a\nb.jpg: no alert": r"a\nb.jpg: no alert",
    "a\r\tb": r"a\r\tb",
    "gpj.\u202eevil": r"gpj.\u202eevil",
    "\u2066\u200f": r"\u2066\u200f",
    "zero\u200bwidth\ufeff": r"zero\u200bwidth\ufeff",
    "caf\udce9": r"caf\udce9",
    "\ue000\U000e0041": r"\ue000\U000e0041",
    "two\u2028lines": r"two\u2028lines",
    "a\u200db": r"a\u200db",
}


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_text_stays(text):
    assert printable(text) == printable_lines(text) == text


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items())
def test_what_is_not_visible_is_shown_escaped(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown  # text that went through it may go through it again


def test_no_character_passes_that_controls_or_hides():
    passed = [char for number in range(sys.maxunicode + 1) if printable(char := chr(number)) == char]
    assert {unicodedata.category(char) for char in passed}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
    assert all(map(is_visible, passed))


def test_the_lines_of_a_text_stay_and_nothing_else_ends_one():
    assert printable_lines("a\n\tb\r\nc\x0bd\x85e\u2028f\rg") == "a\n\tb\nc\\x0bd\\x85e\\u2028f\\rg"
