"""Near duplicates: hashes propose pairs, fine detail decides; the index finds the same pairs as comparing all with all."""

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data import near_duplicates
from melanoma_detect.data.near_duplicates import correlate_detail, find_near_duplicates, find_pairs
from melanoma_detect.data.record import Record
from melanoma_detect.data_audit.detector_checks import run_once
from melanoma_detect.data_audit.feature_duplicates import correlate_turned, find_by_features
from melanoma_detect.images.perceptual_hash import fingerprint


def save(tmp_path, name, image):
    path = tmp_path / f"{name}.png"
    image.save(path)
    return path


def lesion(seed):
    return Image.fromarray(md.draw_lesion("melanoma", seed=seed, size=180).pixels)


def record(path):
    return Record(path.stem, path, "melanoma", "train", path.stem, path.stem)


def test_the_same_image_is_told_from_the_same_lesion_and_from_strangers(tmp_path):
    paths = [
        save(tmp_path, "a", lesion(1)),
        save(tmp_path, "b", lesion(2)),
        save(tmp_path, "turned", lesion(1).transpose(Image.Transpose.ROTATE_270)),
        save(tmp_path, "even", Image.new("RGB", (9, 9))),
    ]
    found = find_near_duplicates(paths, [fingerprint(Image.open(path).convert("RGB")) for path in paths])
    assert [(pair.first, pair.second, pair.kind) for pair in found] == [(0, 2, "image")]


def test_fine_detail_tells_a_shifted_lesion_from_another(tmp_path):
    large = Image.fromarray(md.draw_lesion("melanoma", seed=1, size=220).pixels)
    first, again = (save(tmp_path, str(x), large.crop((x, x, x + 200, x + 200))) for x in (8, 14))
    assert correlate_detail(first, again) > 0.8
    assert correlate_detail(first, save(tmp_path, "other", lesion(2))) < 0.5


def test_features_find_what_no_hash_finds(tmp_path, detector):
    paths = [save(tmp_path, str(seed), lesion(seed)) for seed in range(6)]
    turned = lesion(0).rotate(7, Image.Resampling.BICUBIC).crop((12, 12, 168, 168))
    records = [record(path) for path in [*paths, save(tmp_path, "turned", turned)]]
    assert correlate_turned(records[0], records[6]) > 0.8
    assert max(correlate_turned(records[0], records[at]) for at in range(1, 6)) < 0.6
    found = find_by_features(records, run_once(records, detector.predictor).features, [])
    assert [(pair.first, pair.second) for pair in found] in ([(0, 6)], []), "the detector may not propose it"
    assert np.isfinite([pair.bits for pair in found]).all()


def codes(count, twins, bits, seed=0):
    """Return random codes, some of which are others with so many bits turned over."""
    rng = np.random.default_rng(seed)
    found = rng.integers(0, 256, (count, 32), np.uint8)
    for at in range(twins):
        changed = np.unpackbits(found[at])
        changed[rng.choice(256, bits, replace=False)] ^= 1
        found[count - 1 - at] = np.packbits(changed)
    return found


@pytest.mark.parametrize("exact", [True, False], ids=["all with all", "index"])
def test_every_pair_within_the_radius_is_found_and_no_other(monkeypatch, exact):
    monkeypatch.setattr(near_duplicates, "EXACT", 10_000 if exact else 10)
    some = codes(3000, twins=200, bits=24)
    pairs = find_pairs(some, some, np.arange(3000), radius=24)
    assert pairs.first.tolist() == list(range(200))
    assert pairs.second.tolist() == [2999 - at for at in range(200)]
    assert set(pairs.bits.tolist()) == {24}


def test_a_pair_counts_once_with_its_smallest_distance():
    some = codes(2, twins=1, bits=10)
    queries = np.concatenate([some, some[:1]])
    queries[2, 0] ^= 255
    pairs = find_pairs(some, queries, np.array([0, 1, 0]), radius=24)
    assert (pairs.first.tolist(), pairs.second.tolist(), pairs.bits.tolist()) == ([0], [1], [10])


def test_nothing_is_near_nothing():
    assert (
        len(find_pairs(np.empty((0, 32), np.uint8), np.empty((0, 32), np.uint8), np.empty(0, int), radius=9).first) == 0
    )
