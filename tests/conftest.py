"""Fixtures of the tests: the folder of real images, a synthetic image, small folders of images."""

import os
from pathlib import Path

import pytest

import melanoma_detect as md

REAL_DATA = "MELANOMA_DETECT_DATA"


@pytest.fixture(scope="session")
def real_folder():
    """Return the folder of real images; skip the test with a message if the variable is not set."""
    if not os.environ.get(REAL_DATA):
        pytest.skip(f"{REAL_DATA} is not set: no real images")
    folder = Path(os.environ[REAL_DATA]).expanduser()
    folder = folder if folder.is_absolute() else Path(__file__).parents[1] / folder
    if not folder.is_dir():
        pytest.fail(f"{REAL_DATA}={folder} is not a folder")
    return folder


@pytest.fixture
def image():
    """Draw a synthetic melanoma, uint8 (64, 64, 3)."""
    return md.draw_lesion("melanoma", seed=5, size=64).pixels


@pytest.fixture
def tree(tmp_path):
    """Return a function that writes folders: `tree({"Train/nevus": 3, ...})` writes that many different images into each."""

    def make(counts, root="tree"):
        number = 0
        for folder, count in counts.items():
            path = tmp_path / root / folder
            path.mkdir(parents=True, exist_ok=True)
            for _ in range(count):
                number += 1
                save(path / f"image_{number:03d}.png", number)
        return tmp_path / root

    def save(path, seed):
        from PIL import Image

        Image.fromarray(md.draw_lesion("nevus", seed=seed, size=32).pixels).save(path)

    return make
