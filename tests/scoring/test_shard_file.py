"""The file of a shard of a score table."""

import hashlib

import pytest

from melanoma_detect.scoring.shard_file import pack_rows, unpack_rows

ROWS = [["a,b\r\n.jpg", "", "0.5"], ["sha256,", '"', "caf\\udce9"]]


def test_rows_are_read_back():
    assert unpack_rows(pack_rows(ROWS)) == ROWS
    assert unpack_rows(pack_rows([])) == []


@pytest.mark.parametrize("place", range(0, len(pack_rows(ROWS)), 7))
def test_no_damaged_file_is_read(place):
    content = pack_rows(ROWS)
    changed = bytearray(content)
    changed[place] ^= 1
    assert unpack_rows(bytes(changed)) is None
    assert unpack_rows(content[:place]) is None
    assert unpack_rows(content[:place] + b"\0" * (len(content) - place)) is None


@pytest.mark.parametrize("content", [b"a.jpg,\xff\r\n", b'a.jpg,"' + b"n" * 200_000 + b'"\r\n'])
def test_a_file_of_another_program_is_not_read(content):
    assert unpack_rows(content + b"sha256," + hashlib.sha256(content).hexdigest().encode() + b"\r\n") is None
