"""JSON of a detector's file is read within bounds."""

import pytest

from melanoma_detect.inference.plain_json import read_json


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
        (b"[" + b"1," * (17 * 2**20) + b"1]", "more than 16,777,216 values"),
    ],
)
def test_what_no_real_file_has_is_a_value_error(content, message):
    with pytest.raises(ValueError, match=message):
        read_json(content)
