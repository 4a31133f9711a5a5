"""Images of the same: hashes propose, fine detail decides."""

import numpy as np
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data.near_duplicates import find_alike, same_detail
from melanoma_detect.data.record import Record
from melanoma_detect.data_audit.feature_duplicates import agreement, find_by_features
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
    found = find_alike(paths, [fingerprint(Image.open(path).convert("RGB")) for path in paths])
    assert [(pair.first, pair.second, pair.kind) for pair in found] == [(0, 2, "image")]


def test_fine_detail_tells_a_shifted_lesion_from_another(tmp_path):
    large = Image.fromarray(md.draw_lesion("melanoma", seed=1, size=220).pixels)
    first, again = (save(tmp_path, str(x), large.crop((x, x, x + 200, x + 200))) for x in (8, 14))
    assert same_detail(first, again) > 0.8
    assert same_detail(first, save(tmp_path, "other", lesion(2))) < 0.5


def test_features_find_what_no_hash_finds(tmp_path, detector):
    paths = [save(tmp_path, str(seed), lesion(seed)) for seed in range(6)]
    turned = lesion(0).rotate(7, Image.Resampling.BICUBIC).crop((12, 12, 168, 168))
    records = [record(path) for path in [*paths, save(tmp_path, "turned", turned)]]
    assert agreement(records[0], records[6]) > 0.8
    assert max(agreement(records[0], records[at]) for at in range(1, 6)) < 0.6
    found = find_by_features(records, detector, [])
    assert [(pair.first, pair.second) for pair in found] in ([(0, 6)], []), "the detector may not propose it"
    assert np.isfinite([pair.bits for pair in found]).all()
