import hashlib
import json
import struct
import zlib

import pytest

from melanoma_detect.data.known_images.index import KnownImages
from melanoma_detect.data.known_images.index_file import pack_index, read_index, unpack_index, write_index
from melanoma_detect.errors import DatasetError, OutputError


@pytest.fixture
def index(entry):
    return KnownImages.of(
        [entry(1, archive="ISIC_0000001", use="held out"), entry(2, digest=b"12345678"), entry(3, label="ü")]
    )


def make(header, body, mark=b"MDKNOWN1"):
    content = mark + struct.pack("<I", len(header)) + header + zlib.compress(body)
    return content + hashlib.sha256(content).digest()


def header(entries=1, facts=((([["ours", "nevus", ""]]), ""),)):
    return json.dumps({"entries": entries, "facts": facts}).encode()


def test_round_trip(index, tmp_path):
    path = write_index(index, tmp_path / "new" / "ours.known")
    read = read_index(path)
    assert list(read) == list(index)
    assert pack_index(read) == path.read_bytes() == pack_index(index)
    with pytest.raises(OutputError, match="exists"):
        write_index(index, path)
    assert write_index(KnownImages.of([]), path, overwrite=True) == path
    assert len(read_index(path)) == 0


def test_suffix(index):
    with pytest.raises(OutputError, match=r"\.known"):
        write_index(index, "ours.npz")


def test_every_changed_byte_is_noticed(index):
    content = pack_index(index)
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1
        with pytest.raises(ValueError, match=r"is no index|is damaged"):
            unpack_index(bytes(changed))
    for length in range(len(content)):
        with pytest.raises(ValueError, match=r"is no index|is damaged"):
            unpack_index(content[:length])


# Files with a checksum that fits: made on purpose, and not by a disk.
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (make(b"{", b""), "its header is no JSON"),
        (make(b"[" * 100_000, b""), "its header is no JSON"),
        (make(b"[]", b""), "has not the members entries and facts"),
        (make(header(entries=True), b""), "has True entries"),
        (make(header(entries=-1), b""), "has -1 entries"),
        (make(header(entries=10**12), b""), "has 1000000000000 entries"),
        (make(header(facts="ours"), b""), "facts that are no list"),
        (make(header(facts=[["ours", ""]]), b""), "facts of another form"),
        (make(header(facts=[[[["ours", "nevus"]], ""]]), b""), "a set of another form"),
        (make(header(facts=[[[["", "nevus", ""]], ""]]), b""), "a set of another form"),
        (make(header(facts=[[[["x" * 1001, "nevus", ""]], ""]]), b""), "a set of another form"),
        (make(header(), bytes(41)), "another length"),
        (make(header(), bytes(10**6)), "another length"),
        (make(header(entries=2), bytes(84) + b"a"), "1 ids for 2 entries"),
        (make(header(), bytes(40) + b"\1\0"), "has an entry with the facts 1, of which there are 1"),
        (make(header(), bytes(42) + b"\xff"), "no UTF-8"),
        (
            b"MDKNOWN1\xff\xff\xff\xff" + hashlib.sha256(b"MDKNOWN1\xff\xff\xff\xff").digest(),
            "its header of 4294967295 bytes",
        ),
        (make(header(), b"", mark=b"MDKNOWN2"), "is no index of known images"),
    ],
)
def test_hostile_files(content, message, tmp_path):
    (tmp_path / "bad.known").write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        read_index(tmp_path / "bad.known")
    assert "bad.known" in str(caught.value)
    assert "make it again" in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.known: cannot be read .*expected an index"):
        read_index(tmp_path / "none.known")
