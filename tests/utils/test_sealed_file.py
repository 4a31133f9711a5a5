"""Tests of files with a checksum: what is written is read, and no more of another file than its beginning."""

import os
import zlib
from dataclasses import replace

import pytest

from melanoma_detect.errors import DatasetError, OutputError
from melanoma_detect.utils.sealed_file import SealedFile, decompress

NOTES = SealedFile("index of notes", ".notes", b"MDNOTES1", 100, "write it again", "of a folder, give its path")


def test_what_is_written_is_read(tmp_path):
    file = NOTES.write(NOTES.seal([b"first, ", b"second"]), tmp_path / "new" / "ours.notes", overwrite=False)
    assert NOTES.read(file, lambda content: bytes(NOTES.unseal(content))) == b"first, second"


def test_an_output_is_checked(tmp_path):
    file = tmp_path / "ours.notes"
    with pytest.raises(OutputError, match=r"\.notes"):
        NOTES.check_output(tmp_path / "ours.txt", overwrite=False)
    NOTES.write(NOTES.seal([]), file, overwrite=False)
    with pytest.raises(OutputError, match="input"):
        NOTES.check_output(file, overwrite=True, inputs=[file])
    with pytest.raises(OutputError, match="exists"):
        NOTES.write(NOTES.seal([]), file, overwrite=False)
    NOTES.write(NOTES.seal([b"more"]), file, overwrite=True)


def test_every_changed_byte_is_noticed():
    content = NOTES.seal([b"first"])
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(ValueError, match=r"is no index of notes|is damaged"):
            NOTES.unseal(bytes(changed))
        with pytest.raises(ValueError, match=r"is no index of notes|is damaged"):
            NOTES.unseal(content[:place])


def test_a_content_that_is_too_short_is_none():
    with pytest.raises(ValueError, match="is no index of notes; expected a file that begins with MDNOTES1"):
        NOTES.unseal(NOTES.seal([b"1234567"]), least=8)
    assert bytes(NOTES.unseal(NOTES.seal([b"12345678"]), least=8)) == b"12345678"


def test_a_file_of_another_kind_is_not_read_to_its_end(tmp_path):
    file = tmp_path / "film.notes"
    with file.open("wb") as opened:
        opened.write(b"PK\x03\x04 no notes")
        opened.truncate(2**40)  # takes no room on the disk; in memory it would
    with pytest.raises(DatasetError, match=r"film\.notes: is no index of notes.*; write it again"):
        NOTES.read(file, NOTES.unseal)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    file = tmp_path / "large.notes"
    with file.open("wb") as opened:
        opened.write(NOTES.mark)
        opened.truncate(2**40)
    with pytest.raises(DatasetError, match=r"large\.notes: is larger than 100 bytes, which no index of notes is"):
        NOTES.read(file, NOTES.unseal)
    with pytest.raises(ValueError, match="is larger than 100 bytes"):
        NOTES.unseal(NOTES.seal([bytes(101)]))
    assert len(replace(NOTES, most=200).unseal(NOTES.seal([bytes(101)]))) == 101


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"gone\.notes: cannot be read \(No such file.*; of a folder, give its path"):
        NOTES.read(tmp_path / "gone.notes", NOTES.unseal)
    with pytest.raises(DatasetError, match=r"expected an index of notes, a file that ends in \.notes"):
        NOTES.read(tmp_path, NOTES.unseal)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.notes")
    with pytest.raises(DatasetError, match=r"^[^:]*pipe\.notes: is a named pipe.* into one$"):
        NOTES.read(tmp_path / "pipe.notes", NOTES.unseal)


def test_no_more_is_decompressed_than_is_allowed():
    packed = zlib.compress(bytes(1000))
    assert decompress(packed, 1000, "header") == bytes(1000)
    for damaged, most in ((packed, 999), (packed[:-1], 1000), (packed + b"x", 1000)):
        with pytest.raises(ValueError, match="is damaged: its header has another length than it says"):
            decompress(damaged, most, "header")
    with pytest.raises(ValueError, match="is damaged: its body cannot be decompressed"):
        decompress(b"none", 1000, "body")
