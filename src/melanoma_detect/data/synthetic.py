"""Synthetic lesions: drawn images for demonstrations and tests without real data.

Each diagnosis is drawn with the marks that dermoscopy knows it by (a pigment network, lacunae, arborising vessels, a white
centre, ...), so that a network has something to learn. A detector trained on them knows nothing about skin.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_detect.data.sample_folder import TABLE, check_same
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.taxonomy import DIAGNOSES, Diagnosis, find
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.files import atomic_file, atomic_folder, convert_write_errors
from melanoma_detect.utils.number_arguments import whole_number
from melanoma_detect.utils.outputs import check_is_path
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.random import check_seed

_SKINS = ((236, 200, 178), (224, 184, 158), (205, 160, 130), (172, 124, 94), (126, 86, 64))
# How many training images the nine-class ISIC set has of each class, as a share of the largest.
_IMBALANCE = {
    "AK": 0.25,
    "BCC": 0.82,
    "DF": 0.21,
    "MEL": 0.95,
    "NV": 0.77,
    "BKL": 1.0,
    "SK": 0.17,
    "SCC": 0.39,
    "VASC": 0.3,
}
_NAMES = tuple(diagnosis.name for diagnosis in DIAGNOSES)
_TWO_VIEWS = 0.2  # the share of lesions that are photographed twice, as real sets have them


class Lesion(NamedTuple):
    """A procedural image and the position of its lesion.

    Attributes:
        pixels: uint8 `(size, size, 3)`, RGB.
        mask: bool `(size, size)`, True on the lesion.
    """

    pixels: Pixels
    mask: NDArray[np.bool_]


class _Drawing(NamedTuple):
    """One image to draw: its file in the folder, its row of the table, the lesion's seed."""

    file: Path
    row: str
    seed: int
    view: tuple[int, float] | None  # of a second view: right angles that it is turned by, and its brightness

    def draw(self, size: int) -> Image.Image:
        """Draw it at a size in pixels."""
        pixels = _draw(_find_diagnosis(self.file.parent.name), self.seed, size).pixels
        if self.view:
            turned = np.rot90(pixels, self.view[0]) * self.view[1]
            pixels = np.ascontiguousarray(np.clip(turned, 0, 255).astype(np.uint8))
        return Image.fromarray(pixels)


@dataclass(frozen=True)
class _Canvas:
    """What the marks of a diagnosis are drawn with: polar coordinates around the lesion, and randomness."""

    rng: np.random.Generator
    size: int
    radius: Float64Array  # 1 on the lesion's border
    angle: Float64Array

    def noise(self, cells: int) -> Float64Array:
        """Smooth noise from 0 to 1 with so many cells across the image."""
        grid = Image.fromarray(self.rng.integers(0, 256, (cells, cells)).astype(np.uint8))
        return np.asarray(grid.resize((self.size, self.size), Image.Resampling.BICUBIC)) / 255.0

    def spots(self, count: int, spread: float, size: float) -> Float64Array:
        """Round spots, 1 at their centres, scattered over the lesion."""
        field = np.zeros((self.size, self.size))
        x, y = self.radius * np.cos(self.angle), self.radius * np.sin(self.angle)
        for _ in range(count):
            distance, direction = spread * np.sqrt(self.rng.random()), self.rng.uniform(0, 2 * np.pi)
            width = size * self.rng.uniform(0.7, 1.4)
            away = (x - distance * np.cos(direction)) ** 2 + (y - distance * np.sin(direction)) ** 2
            field = np.maximum(field, np.exp(-away / (2 * width**2)))
        return field

    def lines(self, count: int, reach: float) -> Float64Array:
        """Thin winding lines from the border inwards, as vessels run."""
        field = np.zeros((self.size, self.size))
        for _ in range(count):
            start, bend = self.rng.uniform(0, 2 * np.pi), self.rng.uniform(-1.2, 1.2)
            wave = 0.12 * np.sin(9 * self.radius + self.rng.uniform(0, 6))
            off = np.angle(np.exp(1j * (self.angle - start - bend * self.radius - wave))) * self.radius
            inside = (self.radius < 1) & (self.radius > 1 - reach)
            field = np.maximum(field, np.exp(-((off / 0.035) ** 2)) * inside)
        return field


def draw_lesion(diagnosis: str, *, seed: int, size: int = 180) -> Lesion:
    """Draw one procedural lesion.

    Args:
        diagnosis: A name, code or alias of the taxonomy.
        seed: The same seed gives the same image.
        size: Height and width in pixels, 32 or more.

    Returns:
        The image and the lesion's mask.

    Raises:
        DatasetError: The diagnosis is not in the taxonomy, or the size is too small.

    Examples:
        >>> draw_lesion("melanoma", seed=1).pixels.shape
        (180, 180, 3)
    """
    known = _find_diagnosis(diagnosis)
    return _draw(known, check_seed(seed, DatasetError), whole_number(size, "size", DatasetError, low=32))


def _draw(known: Diagnosis, seed: int, size: int) -> Lesion:
    position = DIAGNOSES.index(known)
    canvas, alpha = _outline(np.random.default_rng([seed, position]), size, known.code)
    skin = _skin(canvas)
    lesion = _MARKS[known.code](canvas)
    image = skin * (1 - alpha[..., None]) + lesion * alpha[..., None]
    image = _hair(canvas, image) + canvas.rng.normal(0, 3, image.shape)
    return Lesion(np.clip(image, 0, 255).astype(np.uint8), alpha > 0.5)


def write_samples(
    folder: "str | os.PathLike[str]",
    *,
    train: int = 40,
    test: int = 8,
    seed: int = 123,
    size: int = 180,
    classes: Sequence[str] = _NAMES,
    imbalanced: bool = False,
) -> Path:
    """Write procedural lesions as a folder that `load_dataset` takes: `Train`, `Test` and `metadata.csv`.

    One lesion in five is photographed twice; `metadata.csv` names it, and both images are in the same folder.

    Args:
        folder: Where to write; made if it is not there. One that holds the drawings of the same arguments is returned as it is,
            and one that holds anything else is refused.
        train: Training images of each class.
        test: Test images of each class.
        seed: The same seed gives the same images.
        size: Height and width in pixels.
        classes: The diagnoses.
        imbalanced: Draw fewer training images of the classes that the nine-class ISIC set has few of.

    Returns:
        The folder.

    Raises:
        OutputError: The folder cannot be written, or holds something else.
        DatasetError: A class is not in the taxonomy, or the numbers are too small.

    Examples:
        >>> folder = write_samples("lesions", train=4, test=2, classes=("melanoma", "nevus"), size=64)
        >>> sorted(child.name for child in folder.iterdir())
        ['Test', 'Train', 'metadata.csv']
    """
    check_is_path(folder)
    root = expand_path(folder)
    seed, size = check_seed(seed, DatasetError), whole_number(size, "size", DatasetError, low=32)
    train, test = whole_number(train, "train", DatasetError, low=2), whole_number(test, "test", DatasetError, low=1)
    drawings: list[_Drawing] = []
    for name, count, offset in (("Train", train, 0), ("Test", test, 1_000_000)):
        for label in classes:
            share = _IMBALANCE[_find_diagnosis(label).code] if imbalanced and name == "Train" else 1
            number = max(min(count, 2), round(count * share))
            drawings += _plan_class(Path(name, label), number, seed + offset)
    table = "\n".join(["image_id,lesion_id", *(drawing.row for drawing in drawings)]) + "\n"
    if not os.path.lexists(root):
        with atomic_folder(root) as partial, convert_write_errors(root):
            _write(partial, drawings, table, size)
    elif not root.is_dir() or any(root.iterdir()):
        check_same(root, [drawing.file for drawing in drawings], table, size)
    else:
        # An empty folder of the user's, even the working folder, is filled and not replaced.
        with convert_write_errors(root):
            _write(root, drawings, table, size)
    return root


def _write(folder: Path, drawings: Sequence[_Drawing], table: str, size: int) -> None:
    for drawing in drawings:
        (folder / drawing.file).parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(folder / drawing.file, one_of_many=True) as partial:
            drawing.draw(size).save(partial, quality=92)
    with atomic_file(folder / TABLE) as partial:
        partial.write_text(table, encoding="utf-8", newline="\n")


def _find_diagnosis(diagnosis: str) -> Diagnosis:
    known = find(diagnosis)
    if known is None:
        raise DatasetError(f"no procedural lesion for {diagnosis!r}; expected one of {', '.join(_NAMES)}")
    return known


def _plan_class(folder: Path, count: int, seed: int) -> list[_Drawing]:
    rng = np.random.default_rng([seed, 7])
    drawings: list[_Drawing] = []
    lesion = -1
    for number in range(count):
        again = number > 0 and rng.random() < _TWO_VIEWS
        lesion += not again
        view = (int(rng.integers(1, 4)), rng.uniform(0.85, 1.1)) if again else None
        name = f"{folder.name.replace(' ', '_')}_{number + (seed >= 1_000_000) * 5000:04d}"
        row = f"{name},{folder.name}-{seed}-{lesion}"
        drawings.append(_Drawing(folder / f"{name}.jpg", row, seed * 1000 + lesion, view))
    return drawings


def _outline(rng: np.random.Generator, size: int, code: str) -> tuple[_Canvas, Float64Array]:
    """Return the canvas of a lesion and how opaque it is, 0 to 1, at each pixel."""
    y, x = (np.mgrid[0:size, 0:size] - size / 2) / (size / 2)
    x, y = x - rng.uniform(-0.12, 0.12), y - rng.uniform(-0.12, 0.12)
    stretch, turn = rng.uniform(1, 1.3), rng.uniform(0, np.pi)
    along = (x * np.cos(turn) + y * np.sin(turn)) / stretch
    across = -x * np.sin(turn) + y * np.cos(turn)
    angle = np.arctan2(across, along)
    irregular = {"MEL": 0.14, "SCC": 0.1, "BCC": 0.08}.get(code, 0.04)
    border = sum(
        rng.normal(0, irregular / wave**0.5) * np.cos(wave * angle + rng.uniform(0, 2 * np.pi)) for wave in range(2, 8)
    )
    reach = rng.uniform(0.4, 0.62) + (0.08 if code == "MEL" else 0)
    radius = np.hypot(along, across) / (reach * (1 + border))
    softness = {"AK": 0.28, "NV": 0.12, "DF": 0.16}.get(code, 0.05)
    alpha = 1 / (1 + np.exp(np.clip((radius - 1) / (softness / 2), -50, 50)))
    return _Canvas(rng, size, radius, angle), alpha


def _skin(canvas: _Canvas) -> Float64Array:
    base = np.array(_SKINS[canvas.rng.choice(len(_SKINS), p=[0.3, 0.3, 0.2, 0.12, 0.08])], float)
    light = 0.94 + 0.08 * canvas.noise(4) + 0.05 * canvas.noise(40)
    y, x = (np.mgrid[0 : canvas.size, 0 : canvas.size] / canvas.size) - 0.5
    shaded: Float64Array = base * (light * (1 - 0.35 * (x**2 + y**2)))[..., None]
    return shaded


def _hair(canvas: _Canvas, image: Float64Array) -> Float64Array:
    y, x = np.mgrid[0 : canvas.size, 0 : canvas.size] / canvas.size
    for _ in range(int(canvas.rng.poisson(1.5))):
        turn, shift, bend = (
            canvas.rng.uniform(0, np.pi),
            canvas.rng.uniform(0, 1),
            canvas.rng.uniform(-0.6, 0.6),
        )
        across = (x - shift) * np.cos(turn) + (y - 0.5) * np.sin(turn)
        along = -(x - shift) * np.sin(turn) + (y - 0.5) * np.cos(turn)
        hair = np.exp(-(((across + bend * along**2) / 0.006) ** 2))[..., None]
        image = image * (1 - 0.75 * hair) + np.array([48, 34, 28]) * 0.75 * hair
    return image


def _blend(below: Float64Array, colour: tuple[int, int, int], amount: Float64Array | float) -> Float64Array:
    weight = np.clip(np.asarray(amount, float), 0, 1)[..., None]
    blended: Float64Array = below * (1 - weight) + np.array(colour, float) * weight
    return blended


def _fill(canvas: _Canvas, colour: tuple[int, int, int]) -> Float64Array:
    tint = np.array(colour, float) * canvas.rng.uniform(0.9, 1.1) + canvas.rng.normal(0, 5, 3)
    filled: Float64Array = np.ones((canvas.size, canvas.size, 1)) * tint * (0.88 + 0.24 * canvas.noise(9))[..., None]
    return filled


def _melanoma(canvas: _Canvas) -> Float64Array:
    body = _fill(canvas, (92, 58, 44))
    for colour, strength in (((38, 26, 26), 1.0), ((98, 104, 128), 0.9), ((160, 66, 60), 0.6)):
        body = _blend(body, colour, strength * np.clip(3 * (canvas.noise(4) - 0.5), 0, 1))
    return _blend(body, (24, 18, 20), canvas.spots(9, 0.95, 0.05))


def _nevus(canvas: _Canvas) -> Float64Array:
    spacing = canvas.rng.uniform(14, 18)
    x, y = canvas.radius * np.cos(canvas.angle), canvas.radius * np.sin(canvas.angle)
    wobble = 1.2 * canvas.noise(6)
    network = np.abs(np.sin(spacing * x + wobble)) * np.abs(np.sin(spacing * y + wobble))
    return _blend(_fill(canvas, (150, 102, 70)), (98, 62, 44), 0.7 * (1 - network) ** 3)


def _basal_cell_carcinoma(canvas: _Canvas) -> Float64Array:
    body = _blend(_fill(canvas, (226, 168, 158)), (112, 112, 140), 0.8 * canvas.spots(4, 0.8, 0.11))
    return _blend(body, (190, 40, 48), 0.85 * canvas.lines(7, 0.8))


def _actinic_keratosis(canvas: _Canvas) -> Float64Array:
    body = _fill(canvas, (208, 118, 106))
    return _blend(body, (244, 226, 196), 0.8 * np.clip(4 * (canvas.noise(26) - 0.62), 0, 1))


def _pigmented_benign_keratosis(canvas: _Canvas) -> Float64Array:
    x = canvas.radius * np.cos(canvas.angle + canvas.rng.uniform(0, np.pi))
    ridges = 0.5 + 0.5 * np.sin(24 * x + 5 * canvas.noise(5))
    return _blend(_fill(canvas, (190, 146, 102)), (126, 88, 58), 0.75 * ridges)


def _seborrheic_keratosis(canvas: _Canvas) -> Float64Array:
    body = _blend(_fill(canvas, (136, 108, 86)), (52, 38, 32), 0.9 * canvas.spots(14, 0.9, 0.04))
    return _blend(body, (240, 228, 206), 0.9 * canvas.spots(10, 0.85, 0.035))


def _dermatofibroma(canvas: _Canvas) -> Float64Array:
    body = _fill(canvas, (168, 116, 88))
    return _blend(body, (240, 216, 202), 0.95 / (1 + np.exp(np.clip((canvas.radius - 0.42) / 0.06, -50, 50))))


def _squamous_cell_carcinoma(canvas: _Canvas) -> Float64Array:
    body = _blend(_fill(canvas, (214, 138, 128)), (176, 36, 40), 0.8 * canvas.spots(16, 1.0, 0.035))
    keratin = (canvas.radius < 0.5 + 0.2 * canvas.noise(8)) * (0.75 + 0.25 * canvas.noise(18))
    return _blend(body, (236, 206, 132), 0.9 * keratin)


def _vascular(canvas: _Canvas) -> Float64Array:
    lacunae = np.clip(1.6 * canvas.spots(12, 0.8, 0.15), 0, 1)
    body = _blend(_fill(canvas, (206, 120, 118)), (150, 24, 44), lacunae)
    return _blend(body, (74, 34, 84), 0.8 * np.clip(1.5 * canvas.spots(3, 0.6, 0.17), 0, 1))


_MARKS: dict[str, Callable[[_Canvas], Float64Array]] = {
    "AK": _actinic_keratosis,
    "BCC": _basal_cell_carcinoma,
    "DF": _dermatofibroma,
    "MEL": _melanoma,
    "NV": _nevus,
    "BKL": _pigmented_benign_keratosis,
    "SK": _seborrheic_keratosis,
    "SCC": _squamous_cell_carcinoma,
    "VASC": _vascular,
}
