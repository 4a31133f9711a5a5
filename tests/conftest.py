"""Helpers of the tests."""

import os
from pathlib import Path

import pytest

import melanoma_detect as md

REAL = "MELANOMA_DETECT_DATA"


@pytest.fixture(scope="session")
def real_folder():
    """The folder of real images; tests that ask for it are skipped, saying so, where it is not set."""
    if not os.environ.get(REAL):
        pytest.skip(f"{REAL} is not set: no real images here")
    folder = Path(os.environ[REAL]).expanduser()
    folder = folder if folder.is_absolute() else Path(__file__).parents[1] / folder
    if not folder.is_dir():
        pytest.fail(f"{REAL}={folder} is no folder")
    return folder


@pytest.fixture
def image():
    """One procedural melanoma, uint8 (64, 64, 3)."""
    return md.draw_lesion("melanoma", seed=5, size=64).pixels


@pytest.fixture
def tree(tmp_path):
    """A maker of small folders: `tree({"Train/nevus": 3, ...})` writes so many different images into each."""

    def make(counts, root="tree"):
        number = 0
        for folder, count in counts.items():
            place = tmp_path / root / folder
            place.mkdir(parents=True, exist_ok=True)
            for _ in range(count):
                number += 1
                save(place / f"image_{number:03d}.png", number)
        return tmp_path / root

    def save(path, seed):
        from PIL import Image

        Image.fromarray(md.draw_lesion("nevus", seed=seed, size=32).pixels).save(path)

    return make
