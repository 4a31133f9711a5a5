"""Real images, decoded by a browser: the answers of the page are those of Python."""

import random

import pytest

import melanoma_detect as md
from melanoma_detect.page import html

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

TOLERANCE = 2e-3
LARGE_TOLERANCE = 6e-3  # the library reduces a JPEG image of 4 megapixels while decoding it, the page afterwards
FOLDERS = (
    "isic9",
    "pad_ufes_20",
    "milk10k/dermoscopy",
    "milk10k/clinical",
    "isic2017_2019",
    "isic2020",
    "ham10000_224",
    "ham10000_rest",
)
EACH = 25
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@pytest.fixture(scope="module")
def shipped(open_engine):
    detector = md.Detector.load()
    return detector, open_engine(html(detector)).start()


def compare(shipped, paths):
    """Return the largest difference of a probability for each image, and whether everything that is decided agrees."""
    detector, page = shipped
    differences, agreements = [], []
    for path in paths:
        found, expected = page.analyse(path.read_bytes(), str(path))["prediction"], detector.predict(path)
        own = expected.to_dict()
        differences.append(
            max(abs(found["probabilities"][label] - share) for label, share in own["probabilities"].items())
        )
        agreements.append(
            all(found[name] == own[name] for name in ("decision", "diagnosis", "abstained", "image_type"))
        )
    return differences, agreements


def test_two_hundred_real_images(shipped, real_folder):
    paths = []
    for folder in FOLDERS:
        found = sorted(path for path in (real_folder / folder).rglob("*") if path.suffix.lower() in SUFFIXES)
        paths += random.Random(7).sample(found, EACH)
    differences, agreements = compare(shipped, paths)
    assert len(paths) == 200
    assert max(differences) <= TOLERANCE, paths[differences.index(max(differences))]
    assert sum(agreements) >= 0.99 * len(paths)


def test_everyday_photographs_some_of_them_with_a_colour_profile(shipped, real_folder):
    differences, agreements = compare(shipped, sorted((real_folder / "not_skin").glob("*.jpg"))[::2])
    assert max(differences) <= TOLERANCE
    assert all(agreements)


def test_photographs_as_the_camera_wrote_them(shipped, real_folder):
    paths = sorted((real_folder / "originals").glob("*.jpg"))
    differences, agreements = compare(shipped, paths)
    assert max(differences) <= LARGE_TOLERANCE
    assert all(agreements)
