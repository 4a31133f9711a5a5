"""Perceptual hashes: close for copies of an image, far apart for different images."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageEnhance

import melanoma_detect as md
from melanoma_detect.images.perceptual_hash import fingerprint, hamming_distance, thumbnails, to_grey


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


def test_images_that_are_hashed_together_have_the_thumbnails_that_each_has_by_itself():
    rng = np.random.default_rng(0)
    sizes = [(180, 180), (224, 224), (64, 64), (256, 256), (70, 66), (300, 500), (1, 1), (3, 200), (31, 33)]
    images = [Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)) for size in sizes for _ in range(3)]
    together = thumbnails([to_grey(image) for image in images])
    for image, own in zip(images, together, strict=True):
        grey = to_grey(image)
        whole = np.asarray(grey.resize((32, 32), Image.Resampling.BILINEAR))
        assert np.array_equal(own[0], whole)
        assert np.array_equal(thumbnails([grey])[0], own)
    square, wide = images[0].convert("L"), images[15].convert("L").reduce(2)
    assert np.array_equal(together[0, 1], square.resize((32, 32), Image.Resampling.BILINEAR, box=(22.5, 0, 157.5, 180)))
    assert np.array_equal(together[15, 1], wide.resize((32, 32), Image.Resampling.BILINEAR, box=(50, 0, 200, 150)))
