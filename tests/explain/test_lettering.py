"""Letters: every character is drawn, in a font of the machine or spelled out."""

import subprocess
import sys

import pytest
from PIL import ImageFont

from melanoma_detect.explain import lettering
from melanoma_detect.explain.lettering import Lettering, choose_lettering


@pytest.fixture
def bare_machine(monkeypatch):
    """A machine without fonts and without Matplotlib, as a slim container is."""
    monkeypatch.setattr(lettering, "_FONTS", ())
    monkeypatch.setattr(lettering.importlib.util, "find_spec", lambda name: None)
    lettering._choose.cache_clear()
    yield
    lettering._choose.cache_clear()


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("schöner Fleck, 3×4, 1–2 — „ja„", 'schoner Fleck, 3x4, 1-2 - "ja"'),
        ("Łódź, smørrebrød, straße, naïve", "Lodz, smorrebrod, strasse, naive"),
        ("日本", r"\u65e5\u672c"),
        ("a\nb\x1b[31m\u202ecod", r"a\nb\x1b[31m\u202ecod"),
        ("n\udce4vus 😀", r"n\udce4vus \U0001f600"),
        ("plain, 27.5% (cam); [a]_b", "plain, 27.5% (cam); [a]_b"),
    ],
)
def test_without_any_font_everything_is_spelled_in_characters_that_are_there(bare_machine, text, spelled):
    letters = choose_lettering([text])
    assert letters.file is None
    assert letters.spell(text) == spelled


def test_the_embedded_font_has_no_empty_box_for_ascii():
    everything = frozenset(map(chr, range(32, 127)))
    assert lettering._missing(None, everything) == frozenset()
    assert lettering._missing(None, frozenset("日×")) == frozenset("日×")


def test_a_font_of_the_machine_is_used_where_it_has_more(tmp_path):
    """Matplotlib's font stands for one of the machine."""
    letters = choose_lettering(["Фото ö × – λ"])
    assert letters.file is not None
    assert letters.spell("Фото ö × – λ") == "Фото ö × – λ"
    assert isinstance(letters.font(14), ImageFont.FreeTypeFont)
    mixed = choose_lettering(["Фото \U0010ffff"])
    assert mixed.spell("Фото") == "Фото"


def test_plain_text_looks_for_no_font(monkeypatch):
    monkeypatch.setattr(lettering, "_files", lambda: pytest.fail("no font is needed"))
    assert choose_lettering(["Evidence for melanoma, 27.5%"]) == Lettering()


def test_matplotlib_is_not_imported_for_its_font():
    code = (
        "import sys; from melanoma_detect.explain.lettering import choose_lettering; choose_lettering(['日 Ф']); "
        "print('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
