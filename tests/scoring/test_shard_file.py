"""The file of a shard of a score table."""

import pytest

from melanoma_detect.scoring.shard_file import pack_rows, unpack_rows

ROWS = [["a,b\r\n.jpg", "", "0.5"], ["sha256,", '"', "caf\\udce9"]]


def test_rows_are_read_back():
    assert list(unpack_rows(pack_rows(ROWS))) == ROWS
    assert list(unpack_rows(pack_rows([]))) == []


@pytest.mark.parametrize("place", range(0, len(pack_rows(ROWS)), 7))
def test_no_damaged_file_is_read(place):
    content = pack_rows(ROWS)
    changed = bytearray(content)
    changed[place] ^= 1
    assert unpack_rows(bytes(changed)) is None
    assert unpack_rows(content[:place]) is None
    assert unpack_rows(content[:place] + b"\0" * (len(content) - place)) is None
