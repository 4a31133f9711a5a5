"""Skin tones as data sets write them."""

import pytest

from melanoma_detect.evaluation.skin_tone import FITZPATRICK_GROUPS, fitzpatrick_group, skin_tone

LIGHT, MIDDLE, DARK = FITZPATRICK_GROUPS


@pytest.mark.parametrize(
    ("text", "group"),
    [
        *[(text, LIGHT) for text in ("I", "ii", "1", "2.0", "12", "Type II", "FST1", "Skin type 1", "I-II", "1 to 2")],
        *[(text, MIDDLE) for text in ("III", "4", "34.0", "III–IV", "fst_3", "phototype 4")],
        *[(text, DARK) for text in ("V", "vi", "6.0", "56", "Fitzpatrick skin type 6", "V/VI")],
        *[(text, "") for text in ("", "-1", "7", "0", "13", "II-III", "banana")],
    ],
)
def test_fitzpatricks_types_are_joined_in_pairs(text, group):
    assert fitzpatrick_group(text) == group


@pytest.mark.parametrize(
    ("metadata", "tone"),
    [
        ({"fitzpatrick_skin_type": "IV"}, MIDDLE),  # the ISIC archive
        ({"meta.clinical.fitzpatrick_skin_type": "I"}, LIGHT),
        ({"fitzpatrick_scale": "5"}, DARK),  # Fitzpatrick17k
        ({"fitzpatrick_scale": "-1"}, ""),
        ({"fitspatrick": "2.0"}, LIGHT),  # PAD-UFES-20
        ({"skin_tone": "34"}, MIDDLE),  # DDI
        ({"skin_tone": "VI"}, DARK),
        ({"skin_tone_class": "0"}, "class 0 (very dark)"),  # MILK10k
        ({"skin_tone_class": "3.0"}, "class 3 (0 dark to 5 light)"),
        ({"skin_tone": "7"}, "class 7"),  # of a scale that says nothing of its ends
        ({"skin_tone": "Olive"}, "olive"),
        ({"skin_tone": "-1"}, ""),
        ({"Skin Tone": " light "}, "light"),
        ({"fitzpatrick_scale": "", "skin_tone_class": "5"}, "class 5 (very light)"),
        ({"age": "40"}, ""),
    ],
)
def test_columns_of_published_tables(metadata, tone):
    assert skin_tone(metadata) == tone
