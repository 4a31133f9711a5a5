import numpy as np
import pytest

from melanoma_detect.images import hash_search
from melanoma_detect.images.hash_search import MAX_RADIUS, HashSearch


def compare_all(codes, queries, radius):
    bits = np.unpackbits(codes[None] ^ queries[:, None], axis=2).sum(axis=2)
    query, code = np.nonzero(bits <= radius)
    return np.stack([query, code, bits[query, code]])


def codes_near(centres, generator, most):
    """Return copies of codes, each with 0 to `most` bits changed."""
    bits = np.unpackbits(centres, axis=1)
    for row in bits:
        changed = generator.choice(256, generator.integers(most + 1), replace=False)
        row[changed] ^= 1
    return np.packbits(bits, axis=1)


@pytest.mark.parametrize("radius", [0, 7, 24, MAX_RADIUS])
def test_finds_what_comparing_all_finds(radius):
    generator = np.random.default_rng(3)
    codes = generator.integers(0, 256, (400, 32), dtype=np.uint8)
    codes[100:200] = codes[:100]
    queries = codes_near(codes, generator, 40)
    found = HashSearch(codes).find(queries, radius=radius)
    assert np.array_equal(np.stack(found), compare_all(codes, queries, radius))
    assert radius == 0 or len(found.query) > 50


def test_batches_change_nothing(monkeypatch):
    generator = np.random.default_rng(4)
    codes = generator.integers(0, 4, (300, 32), dtype=np.uint8)  # most bits are 0: many candidates
    queries = codes_near(codes, generator, 30)
    whole = HashSearch(codes).find(queries, radius=24)
    monkeypatch.setattr(hash_search, "_BATCH", 7)
    monkeypatch.setattr(hash_search, "_MAX_CANDIDATES", 100)
    assert np.array_equal(np.stack(HashSearch(codes).find(queries, radius=24)), np.stack(whole))


def test_counts_bits_without_numpy_2(monkeypatch):
    codes = np.random.default_rng(5).integers(0, 256, (9, 32), dtype=np.uint8)
    expected = hash_search._count_bits(codes)
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert np.array_equal(hash_search._count_bits(codes), expected)
    assert expected.tolist() == np.unpackbits(codes, axis=1).sum(axis=1).tolist()


def test_nothing_to_search():
    nothing = np.empty((0, 32), np.uint8)
    assert len(HashSearch(nothing).find(np.zeros((2, 32), np.uint8), radius=24).query) == 0
    assert len(HashSearch(np.zeros((2, 32), np.uint8)).find(nothing, radius=24).query) == 0


def test_radius_out_of_range():
    with pytest.raises(ValueError, match="radius=32; expected 0 to 31"):
        HashSearch(np.zeros((1, 32), np.uint8)).find(np.zeros((1, 32), np.uint8), radius=32)
