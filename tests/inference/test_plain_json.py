"""JSON of a detector's file is read within bounds."""

import pytest

from melanoma_detect.inference.plain_json import format_json, read_json


def test_plain_values_are_read():
    assert read_json('{"a": [1, 2.5, null, true, "é \\u00e9 \\ud83d\\ude00"]}'.encode()) == {
        "a": [1, 2.5, None, True, "é é 😀"]
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1, "a": 2}', "has 'a' twice"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 50_000, "nested"),
        (b'["\\ud800"]', "surrogates"),
        (b'{"\\uDFFF": 1}', "surrogates"),
        (b"\xff\xfe", "utf-8"),
        (b"", "Expecting value"),
        (b'{"loss": NaN}', "NaN, which is no number of JSON"),
        (b"[-Infinity]", "-Infinity, which is no number of JSON"),
        (b"9" * 10_000, "limit"),
        (b"[" + b"1," * (17 * 2**20) + b"1]", "more than 16,777,216 values"),
    ],
)
def test_what_no_real_file_has_is_a_value_error(content, message):
    with pytest.raises(ValueError, match=message):
        read_json(content)


def test_earlier_versions_wrote_nan():
    assert str(read_json(b"[NaN]", nan=True)) == "[nan]"


def test_what_is_written_can_be_read():
    value = {"loss": [0.5, float("nan"), float("inf")], "n\udce4vus": ("é😀", True, None, 3), 0.9: 0.1}
    expected = {"loss": [0.5, None, None], "nävus": ["é😀", True, None, 3], "0.9": 0.1}
    assert read_json(format_json(value)) == expected
    assert read_json(format_json(value, indent=1)) == expected
