"""The sheet of similar cases: the image, and the cases with their diagnoses and distances. NumPy and Pillow only."""

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from melanoma_detect.errors import ImageError
from melanoma_detect.explain.image_output import save_image
from melanoma_detect.explain.lettering import choose_lettering
from melanoma_detect.explain.sheet import FAINT, GAP, NOTE_SIZE, PAPER, SHEET_WIDTH, TEXT_SIZE, TITLE_SIZE, TextBlocks
from melanoma_detect.images.reader import load_rgb, min_decode_size, resize_image
from melanoma_detect.inference.prediction_image import load_image
from melanoma_detect.printable import printable
from melanoma_detect.similar.cases import SimilarCases
from melanoma_detect.utils.disclaimer import DISCLAIMER

_COLUMNS = 4  # of cases alone; one more beside the image
_MOST = 40  # cases that are drawn: ten rows
_MISSING = (232, 235, 238)


def draw_similar(found: SimilarCases, *, width: int = SHEET_WIDTH) -> Image.Image:
    """Draw an image, and the cases that are similar to it.

    Args:
        found: The cases.
        width: The width of the sheet in pixels.

    Returns:
        A PIL image in mode RGB: the image first, then the cases, the nearest first, with their distances in
        brackets. Where an image cannot be read, the reason stands in its place.

    Examples:
        >>> draw_similar(detector.similar(data.records[0], data, k=3)).width
        876
    """
    return _draw(found, width, note=DISCLAIMER, with_image=True)


def add_similar(sheet: Image.Image, found: SimilarCases) -> Image.Image:
    """Draw cases below another sheet, such as an explanation's.

    Args:
        sheet: The sheet, in mode RGB.
        found: The cases.

    Returns:
        The longer sheet.

    Examples:
        >>> add_similar(Image.new("RGB", (876, 10)), detector.similar(data.records[0], data, k=3)).width
        876
    """
    below = _draw(found, sheet.width, note="", with_image=False)
    page = Image.new("RGB", (sheet.width, sheet.height + below.height), PAPER)
    page.paste(sheet, (0, 0))
    page.paste(below, (0, sheet.height))
    return page


def save_similar(
    found: SimilarCases,
    path: "str | os.PathLike[str]",
    *,
    overwrite: bool = False,
    inputs: "Iterable[str | os.PathLike[str]]" = (),
) -> Path:
    """Write the sheet of similar cases to an image file; see `SimilarCases.save`.

    Args:
        found: The cases.
        path: The file.
        overwrite: Replace a file that is there.
        inputs: Files that are never overwritten.

    Returns:
        The file.

    Raises:
        OutputError: It cannot be written.

    Examples:
        >>> save_similar(detector.similar(data.records[0], data, k=3), "sheet.png").name
        'sheet.png'
    """
    return save_image(lambda: draw_similar(found), path, overwrite=overwrite, inputs=inputs)


def case_image(found: SimilarCases, place: int, side: int) -> Image.Image:
    """Return the image of a case as a square.

    Args:
        found: The cases.
        place: Which one, from 0.
        side: Of the square, in pixels.

    Returns:
        The middle of the image, in mode RGB.

    Raises:
        ImageError: It cannot be read.

    Examples:
        >>> case_image(detector.similar(data.records[0], data, k=3), 0, 64).size
        (64, 64)
    """
    return _square(load_rgb(found[place].record.image, min_decode_size((side, side), "crop")), side)


def _draw(found: SimilarCases, width: int, *, note: str, with_image: bool) -> Image.Image:
    columns = _COLUMNS + with_image
    side = (width - (columns + 1) * GAP) // columns
    shown = found.cases[:_MOST]
    pictures: list[tuple[str, Callable[[], Image.Image]]] = [
        (_caption(found, place), partial(case_image, found, place, side)) for place in range(len(shown))
    ]
    if with_image:
        name = Path(found.source).name or found.source
        pictures.insert(0, (f"this image: {printable(name)}", lambda: _square(load_image(found, found.source), side)))
    words = [found.heading, *(caption for caption, _ in pictures), found.summary, *found.notes, note]
    blocks = TextBlocks(choose_lettering(words), width)
    blocks.add("Similar cases", TITLE_SIZE, (GAP, GAP))
    blocks.add(found.heading, TEXT_SIZE, (GAP, blocks.bottom + GAP // 2))
    places = []
    for start in range(0, len(pictures), columns):
        top = blocks.bottom + GAP
        for column, (caption, load) in enumerate(pictures[start : start + columns]):
            left = GAP + column * (side + GAP)
            places.append((left, top, load))
            blocks.add(caption, TEXT_SIZE, (left, top + side + GAP // 4), width=side)
    more = f"and {len(found) - _MOST} more; " if len(found) > _MOST else ""
    blocks.add(f"{more}{found.summary}", TEXT_SIZE, (GAP, blocks.bottom + GAP))
    blocks.add(" ".join([*found.notes, note]).strip(), NOTE_SIZE, (GAP, blocks.bottom + GAP), ink=FAINT)
    page = Image.new("RGB", (width, blocks.bottom + GAP), PAPER)
    for left, top, load in places:
        page.paste(_picture(load, side), (left, top))
    blocks.draw(page)
    return page


def _caption(found: SimilarCases, place: int) -> str:
    case = found[place]
    source = f" ({Path(case.source).name})" if case.source else ""
    return printable(f"{place + 1}. {case.diagnosis} [{case.distance:.3f}] {case.record.path.name}{source}")


def _picture(load: Callable[[], Image.Image], side: int) -> Image.Image:
    """Return a picture, or a grey square with the reason why there is none."""
    try:
        return load()
    except ImageError as error:
        page = Image.new("RGB", (side, side), _MISSING)
        blocks = TextBlocks(choose_lettering([str(error)]), side)
        blocks.add(f"no image: {error}", NOTE_SIZE, (GAP, GAP))
        blocks.draw(page)
        return page


def _square(image: Image.Image, side: int) -> Image.Image:
    return Image.fromarray(np.asarray(resize_image(image, (side, side), "crop")))
