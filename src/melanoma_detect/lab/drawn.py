"""Drawn worlds: lesions of nine diagnoses, several views of each, and fresh ones for the truth."""

import functools

import numpy as np

from melanoma_detect.data.synthetic import draw_lesion
from melanoma_detect.images.reader import Pixels
from melanoma_detect.lab.samples import SIDE, Samples, World
from melanoma_detect.taxonomy import DIAGNOSES

VIEWS = 3  # photographs of each lesion that the study has
_MARGIN = 8  # pixels that a view may be shifted by
_FAINTNESS = (0.3, 0.85)  # how far a lesion fades into its skin: drawn lesions are textbook cases otherwise
_CLASSES = tuple(diagnosis.name for diagnosis in DIAGNOSES)


@functools.lru_cache(maxsize=12)
def draw_world(seed: int, lesions: int) -> World:
    """Draw a world: the study's lesions with three views of each, and as many fresh lesions with one.

    No two seeds share a lesion.

    Args:
        seed: The same seed gives the same world.
        lesions: Lesions of each of the nine classes, in the study and among the untouched ones.

    Returns:
        The world.

    Examples:
        >>> world = draw_world(1, 2)
        >>> len(world.development), len(world.untouched)
        (54, 18)
    """
    rng = np.random.default_rng([seed, 18])
    return World(_draw(rng, lesions, VIEWS), _draw(rng, lesions, 1))


def _draw(rng: np.random.Generator, lesions: int, views: int) -> Samples:
    pixels = []
    for name in _CLASSES:
        for _ in range(lesions):
            lesion = _faint_lesion(name, rng)
            pixels += [_photograph(lesion, rng) for _ in range(views)]
    labels = np.repeat(np.arange(len(_CLASSES)), lesions * views)
    return Samples(np.array(pixels), labels, np.repeat(np.arange(len(_CLASSES) * lesions), views), _CLASSES)


def _faint_lesion(name: str, rng: np.random.Generator) -> np.ndarray:
    drawn = draw_lesion(name, seed=int(rng.integers(2**32)), size=SIDE + _MARGIN)
    fade = rng.uniform(*_FAINTNESS)
    skin = np.median(drawn.pixels[~drawn.mask], axis=0)
    faint: np.ndarray = drawn.pixels * (1 - fade) + skin * fade
    return faint


def _photograph(lesion: np.ndarray, rng: np.random.Generator) -> Pixels:
    """Return a view: turned by right angles, shifted, in another light."""
    top, left = rng.integers(0, _MARGIN + 1, 2)
    view = np.rot90(lesion, int(rng.integers(4)))[top : top + SIDE, left : left + SIDE]
    lit = view * rng.uniform(0.85, 1.1) * rng.uniform(0.97, 1.03, 3) + rng.normal(0, 2, view.shape)
    pixels: Pixels = np.clip(lit, 0, 255).astype(np.uint8)
    return pixels
