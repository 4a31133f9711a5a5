"""Image files that are written: the check of their path, before what they show is drawn."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image

from melanoma_detect.errors import OutputError
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import check_output
from melanoma_detect.utils.paths import expand_path


def check_image_output(
    path: "str | os.PathLike[str]", *, overwrite: bool, inputs: "Iterable[str | os.PathLike[str]]" = ()
) -> Path:
    """Raise OutputError unless an image can be written to a path; see `check_output`.

    Args:
        path: The file to write.
        overwrite: Whether a file that is there may be replaced.
        inputs: Files that are never overwritten.

    Returns:
        The path, with `~` expanded.

    Raises:
        OutputError: No image format has its suffix, the file exists or is an input, or it cannot be written.

    Examples:
        >>> check_image_output("overlay.png", overwrite=False).name
        'overlay.png'
    """
    suffix = expand_path(path).suffix
    if Image.registered_extensions().get(suffix.lower()) not in Image.SAVE:
        raise OutputError(f"{path}: no image format has the suffix {suffix!r}; expected .png, .jpg or .webp")
    return check_output(path, overwrite=overwrite, inputs=inputs)


def save_image(
    draw: Callable[[], Image.Image],
    path: "str | os.PathLike[str]",
    *,
    overwrite: bool = False,
    inputs: "Iterable[str | os.PathLike[str]]" = (),
) -> Path:
    """Write an image file completely or not at all.

    Args:
        draw: Returns the image.
        path: The file; its suffix decides the format.
        overwrite: Replace a file that is there.
        inputs: Files that are never overwritten.

    Returns:
        The file.

    Raises:
        OutputError: No image format has its suffix, the file exists or is an input, or it cannot be written.

    Examples:
        >>> save_image(lambda: Image.new("RGB", (8, 8)), "square.png").name
        'square.png'
    """
    file = check_image_output(path, overwrite=overwrite, inputs=inputs)
    with atomic_file(file, overwrite=overwrite) as partial:
        draw().save(partial, Image.registered_extensions()[file.suffix.lower()])
    return file
