"""Tests of the file of an index: what is written is read, and what others made is checked."""

import hashlib
import json
import os
import struct
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, OutputError
from melanoma_detect.similar.index_file import pack_similar_index, read_similar_index, unpack_similar_index


@pytest.fixture(scope="module")
def index(data, detector):
    """Make an index of the synthetic lesions."""
    return md.similar_index(data.test, detector, progress=False)


@pytest.fixture(scope="module")
def content(index):
    """Return the bytes of its file."""
    return pack_similar_index(index)


def take_apart(content):
    packed, _ = struct.unpack("<QQ", content[8:24])
    return json.loads(zlib.decompress(content[24 : 24 + packed])), content[24 + packed : -32]


def put_together(header, body, size=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    packed = zlib.compress(text)
    content = b"MDSIMIL1" + struct.pack("<QQ", len(packed), len(text) if size is None else size) + packed + body
    return content + hashlib.sha256(content).digest()


def test_what_is_written_is_read(index, tmp_path):
    read = read_similar_index(index.save(tmp_path / "ours.similar"))
    assert read.records == index.records
    np.testing.assert_array_equal(read.vectors.values, index.vectors.values)
    assert read.identity.difference(index.identity) == ""


def test_directions_and_odd_names_are_kept(index, tmp_path):
    records = tuple(
        replace(record, id=f"<b>{row}</b>\udce9\n", path=Path("/a\udce9") / f"{row}.jpg", aspect=1.5)
        for row, record in enumerate(index.records)
    )
    values = np.ascontiguousarray(index.vectors.values[:, :5])
    directions = np.eye(index.vectors.width, 5, dtype=np.float32)
    odd = replace(index, records=records, vectors=replace(index.vectors, values=values, directions=directions))
    read = read_similar_index(odd.save(tmp_path / "odd.similar"))
    assert read.records[0].id == "<b>0</b>\udce9\n"
    assert read.records[0].path == Path("/a\udce9/0.jpg")
    assert read.records[0].aspect == 1.5
    np.testing.assert_array_equal(read.vectors.directions, directions)


def test_every_changed_byte_is_noticed(content):
    for place in range(0, len(content), len(content) // 60):
        changed = bytearray(content)
        changed[place] ^= 0x10
        with pytest.raises(ValueError, match=r"is |has |does "):
            unpack_similar_index(bytes(changed))


@pytest.mark.parametrize("length", [0, 7, 23, 50, 1000])
def test_a_file_that_is_cut_off_is_refused(content, length):
    with pytest.raises(ValueError, match=r"is no index|is damaged"):
        unpack_similar_index(content[:length])


def changed_record(name, value):
    def change(header):
        header["records"][name][0] = value

    return change


def changed(name, value):
    def change(header):
        header[name] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        changed_record("id", 3),
        changed_record("id", None),
        changed_record("label", ["nevus"]),
        changed_record("path", ""),
        changed_record("path", "a\0b"),
        changed_record("path", "\ud800"),
        changed_record("path", "x" * 5000),
        changed_record("split", "other"),
        changed_record("digest", "zz"),
        changed_record("fingerprint", "00"),
        changed_record("aspect", "wide"),
        changed_record("aspect", 1e300),
        changed_record("aspect", float("nan")),
        changed("records", []),
        changed("records", {}),
        changed("views", "1"),
        changed("views", None),
        changed("detector", 1),
        changed("image_size", [0, 32]),
        changed("image_size", "32"),
        changed("shapes", None),
        changed("shapes", []),
        changed("shapes", [[3, 128]]),
        changed("shapes", [[3, -128], [1, 1]]),
        changed("shapes", [[2**30, 2**30], [2**30, 2**30]]),
        changed("shapes", [[3.0, 128], [36, 128]]),
        lambda header: header["records"]["id"].pop(),
        lambda header: [column.pop() for column in header["records"].values()],
        lambda header: header.pop("shapes"),
    ],
)
def test_headers_of_another_form_are_refused(content, change):
    header, body = take_apart(content)
    assert unpack_similar_index(put_together(header, body))
    change(header)
    with pytest.raises(ValueError, match=r"is |has |does "):
        unpack_similar_index(put_together(header, body))


@pytest.mark.parametrize("header", [b"", b"[]", b"null", b"[" * 100_000, b"\xff", b"{}"])
def test_what_is_no_header_is_refused(content, header):
    with pytest.raises(ValueError, match=r"is |has |does "):
        unpack_similar_index(put_together(header, take_apart(content)[1]))


def test_a_header_that_unpacks_to_more_than_it_says_is_not_unpacked(content):
    bomb = put_together(b" " * 50_000_000, b"", size=1000)
    with pytest.raises(ValueError, match="another length than it says"):
        unpack_similar_index(bomb)
    huge = put_together(b"{}", b"", size=2**40)
    with pytest.raises(ValueError, match="does not fit"):
        unpack_similar_index(huge)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(index, number):
    values = index.vectors.values.copy()
    values[2, 3] = number
    with pytest.raises(ValueError, match="not finite"):
        unpack_similar_index(pack_similar_index(replace(index, vectors=replace(index.vectors, values=values))))


def test_features_of_another_length_are_refused(index):
    huge = replace(index.vectors, values=index.vectors.values * np.float32(1e30))
    with pytest.raises(ValueError, match="no vectors of length 1"):
        unpack_similar_index(pack_similar_index(replace(index, vectors=huge)))


def test_huge_answers_are_those_of_another_model(index):
    identity = index.identity._replace(answers=index.identity.answers + np.float32(1e30))
    read = unpack_similar_index(pack_similar_index(replace(index, identity=identity)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert index.identity.difference(read.identity) == "other features of the same image"


def test_an_error_names_the_file(tmp_path):
    file = tmp_path / "other.similar"
    file.write_bytes(b"PK\x03\x04 something else entirely, and long enough to be one" * 3)
    with pytest.raises(DatasetError, match=r"other\.similar: is no index of similar cases.*make it again"):
        read_similar_index(file)
    with pytest.raises(DatasetError, match=r"gone\.similar: cannot be read"):
        read_similar_index(tmp_path / "gone.similar")
    with pytest.raises(DatasetError, match=r"cannot be read .*give md\.load_dataset\(folder\)"):
        read_similar_index(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.similar")
    with pytest.raises(DatasetError, match="named pipe"):
        read_similar_index(tmp_path / "pipe.similar")


def test_a_file_is_not_overwritten_unasked(index, tmp_path):
    index.save(tmp_path / "ours.similar")
    with pytest.raises(OutputError, match="already exists"):
        index.save(tmp_path / "ours.similar")
    index.save(tmp_path / "ours.similar", overwrite=True)
