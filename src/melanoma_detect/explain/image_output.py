"""Checks of the path of an image file that is about to be written."""

import os
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from melanoma_detect.errors import OutputError
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
