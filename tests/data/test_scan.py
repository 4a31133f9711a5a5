"""Scans of files: digests."""

import hashlib

import pytest

from melanoma_detect.data.scan import digest, digests
from melanoma_detect.errors import ImageError


def test_a_digest_is_the_sha256_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"lesion")
    assert digest(tmp_path / "a") == hashlib.sha256(b"lesion").hexdigest()


def test_digests_come_in_order(tmp_path):
    paths = [tmp_path / str(number) for number in range(50)]
    for number, path in enumerate(paths):
        path.write_text(str(number))
    assert digests(paths) == [hashlib.sha256(str(number).encode()).hexdigest() for number in range(50)]


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(ImageError, match="gone"):
        digest(tmp_path / "gone")
