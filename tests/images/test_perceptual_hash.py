"""Perceptual hashes: close for copies of an image, far apart for different images."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageEnhance

import melanoma_detect as md
from melanoma_detect.images.perceptual_hash import fingerprint, hamming_distance


def lesion(seed, label="melanoma", size=180):
    return Image.fromarray(md.draw_lesion(label, seed=seed, size=size).pixels)


def nearest(first, second):
    return min(hamming_distance(fingerprint(first).code, query) for query in fingerprint(second).queries)


def compressed(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=60)
    return Image.open(file).convert("RGB")


CHANGES = {
    **{turn.name: lambda image, turn=turn: image.transpose(turn) for turn in Image.Transpose},
    "half the size": lambda image: image.resize((90, 90), Image.Resampling.BICUBIC),
    "quality 60": compressed,
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
}


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_changed_copy_is_recognised(change):
    assert max(nearest(lesion(seed), CHANGES[change](lesion(seed))) for seed in range(20)) <= 24


def test_a_squashed_copy_and_a_centre_crop_match():
    photo = lesion(3, size=480).resize((640, 480))
    squashed = photo.resize((180, 180), Image.Resampling.BILINEAR)
    crop = photo.crop((80, 0, 560, 480)).resize((224, 224), Image.Resampling.BILINEAR)
    assert hamming_distance(fingerprint(squashed).code, fingerprint(crop).code) > 24
    assert nearest(crop, squashed) <= 24


def test_unrelated_images_are_far_apart():
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).resize((99, 99)) for _ in range(20)]
    assert min(nearest(*pair) for pair in itertools.combinations(noise, 2)) > 60


def test_a_uniform_image_has_no_fingerprint():
    assert fingerprint(Image.new("RGB", (50, 40), (200, 150, 140))) is None


def test_the_code_is_one_of_the_orientations():
    hashes = fingerprint(lesion(1))
    assert (hashes.orientations == hashes.code).all(axis=1).any()
    assert len(hashes.hex) == 64
