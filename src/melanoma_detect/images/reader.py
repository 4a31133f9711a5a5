"""The one reader of pixels: any image becomes RGB uint8 at the model's size.

Training, validation, prediction and reports all read images here, so that a model gets the same array in training and in use,
bit for bit.
"""

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from melanoma_detect.errors import ImageError
from melanoma_detect.images.arrays import SupportsArray, as_array, from_array
from melanoma_detect.images.colour import to_array, to_rgb
from melanoma_detect.images.formats import (
    FORMATS,
    SUFFIXES,
    check_path,
    image_error,
    open_image,
    source_name,
    without_warning_errors,
)
from melanoma_detect.images.frames import Frame
from melanoma_detect.images.jpeg_data import check_while_decoding
from melanoma_detect.images.jpeg_seams import check_seams
from melanoma_detect.images.memory import MAX_PIXELS, check_memory, check_size
from melanoma_detect.images.orientation import orientation, turn_upright
from melanoma_detect.images.quiet_decoders import quiet_decoders, silence_libtiff
from melanoma_detect.images.tiff import check_tiff, correct_values

Pixels: TypeAlias = NDArray[np.uint8]
ImageLike: TypeAlias = (
    str | os.PathLike[str] | bytes | BinaryIO | Frame | Image.Image | NDArray[np.generic] | SupportsArray
)
Resize: TypeAlias = Literal["squash", "crop", "pad"]
Size: TypeAlias = tuple[int, int]

RESIZES: tuple[Resize, ...] = ("squash", "crop", "pad")
_SIDEWAYS = 5  # EXIF orientations from here on swap width and height

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "SUFFIXES",
    "Frame",
    "ImageLike",
    "Pixels",
    "Resize",
    "StretchedImage",
    "check_resize",
    "load_rgb",
    "min_decode_size",
    "read_batch",
    "read_pixels",
    "read_size",
    "resize_image",
    "source_name",
    "stretch",
]


@dataclass(frozen=True)
class StretchedImage(os.PathLike[str]):
    """An image file that was squashed into a square and is stretched back when it is read.

    Attributes:
        path: The file.
        aspect: Width over height before the image was squashed. An image that is not square is read as it is.

    Examples:
        >>> load_rgb(StretchedImage(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", aspect=4 / 3)).size
        (85, 64)
    """

    path: Path
    aspect: float

    def __fspath__(self) -> str:
        return os.fspath(self.path)


def read_pixels(image: ImageLike, size: Size | None = None, resize: Resize = "squash") -> Pixels:
    """Read an image as RGB at the model's size.

    Formats are JPEG, PNG, BMP, WebP, TIFF, GIF and AVIF; HEIC and DICOM by the extras `heic` and `dicom`. Of several pages or
    an animation the first image is taken; of a DICOM file of several frames one must be named, as in `"lesion.dcm#3"`, and
    only photographs are read (modality DMS, XC or OT). The camera's EXIF orientation is applied; greyscale, palette, CMYK,
    YCbCr, LAB, 1-bit and 16-bit images become RGB, colour profiles sRGB (a PNG's gamma is ignored); transparency is laid over
    white. TIFF files in layouts that are not decoded rightly are refused. Scaling is bilinear and antialiased; JPEGs are
    decoded at the nearest scale of their own that is at least twice as large as needed.

    Args:
        image: A path, the bytes of a file, an open binary file, a `Frame` of either, a PIL image, or an array or tensor of
            NumPy, PyTorch, TensorFlow, JAX or another package: `(height, width)`, `(height, width, 3)` or `(height, width,
            4)`; of PyTorch also `(3, height, width)`. uint8, uint16 from 0 to 65,535, or floats: from 0 to 1 where none is
            larger, else from 0 to 255.
        size: `(height, width)` in pixels; None for the image's own.
        resize: How an image of another shape is brought to that size: `"squash"` scales the whole image whatever its shape was
            (the assignment's way), `"crop"` takes its centre, `"pad"` adds black margins.

    Returns:
        A uint8 array `(height, width, 3)`, RGB, 0 to 255.

    Raises:
        ImageError: The image is missing, empty, truncated, not an image, of more than 200 million pixels, or an array of
            another kind.
        SeveralFramesError: It is a DICOM file of several frames, of which none is named; an ImageError too.

    Examples:
        >>> read_pixels(np.zeros((600, 450, 3), np.uint8), size=(180, 180)).shape
        (180, 180, 3)
    """
    check_resize(resize)
    return resize_image(load_rgb(image, min_decode_size(size, resize) if size else None), size, resize)


def read_batch(images: Sequence[ImageLike], size: Size, resize: Resize = "squash") -> Pixels:
    """Read several images into one array.

    Args:
        images: What `read_pixels` takes, at least one.
        size: `(height, width)` in pixels.
        resize: `"squash"`, `"crop"` or `"pad"`.

    Returns:
        A uint8 array `(n, height, width, 3)`.

    Raises:
        ImageError: One of them cannot be read; the message names it.

    Examples:
        >>> read_batch([np.zeros((9, 9), np.uint8)] * 2, size=(4, 4)).shape
        (2, 4, 4, 3)
    """
    batch = np.empty((len(images), *size, 3), np.uint8)
    for index, image in enumerate(images):
        batch[index] = read_pixels(image, size, resize)
    return batch


def read_size(path: Path) -> Size:
    """Return `(height, width)` from a file's header, without decoding the image.

    Args:
        path: An image file.

    Returns:
        Height and width in pixels, as stored.

    Raises:
        ImageError: The file is missing, empty or not an image.

    Examples:
        >>> read_size(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
        (64, 64)
    """
    with open_image(path) as image:
        return image.height, image.width


def load_rgb(
    image: ImageLike, min_size: Size | None = None, *, inspect: Callable[[Image.Image], None] | None = None
) -> Image.Image:
    """Load an image, upright and in RGB, before it is resized.

    Args:
        image: What `read_pixels` takes.
        min_size: `(height, width)` in pixels: a JPEG is decoded at its smallest scale that is not below; None for full scale.
        inspect: Called with a file's image before it is decoded, when only the header has been read.

    Returns:
        A PIL image in mode RGB.

    Raises:
        ImageError: The image cannot be read.

    Examples:
        >>> load_rgb(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").size
        (64, 64)
    """
    if (array := as_array(image)) is not None:
        return to_rgb(from_array(array))
    if isinstance(image, Image.Image):
        return _load_pil(image)
    if isinstance(image, (str, os.PathLike)):
        check_path(image)
    if isinstance(image, (str, os.PathLike, bytes, bytearray, memoryview, Frame)):
        upright = without_warning_errors(lambda: _load_file(image, min_size, inspect))
    elif hasattr(image, "read"):
        upright = _load_open_file(image, min_size, inspect)
    else:
        raise ImageError(
            f"a {type(image).__name__} is not an image; expected a path, bytes, a file, a PIL image, an array or a tensor"
        )
    return stretch(upright, image.aspect) if isinstance(image, StretchedImage) else upright


def stretch(image: Image.Image, aspect: float) -> Image.Image:
    """Stretch a square image along its longer side, which loses no detail as shrinking the other side would.

    Args:
        image: An image; one that is not square stays as it is.
        aspect: Width over height of the result.

    Returns:
        The image.

    Examples:
        >>> stretch(Image.new("RGB", (60, 60)), 4 / 3).size
        (80, 60)
    """
    if image.width != image.height:
        return image
    size = (round(image.width * max(aspect, 1)), round(image.height * max(1 / aspect, 1)))
    return image.resize(size, Image.Resampling.BILINEAR)


def resize_image(image: Image.Image, size: Size | None, resize: Resize = "squash") -> Pixels:
    """Resize a loaded image.

    Args:
        image: In mode RGB.
        size: `(height, width)` in pixels; None for the image's own.
        resize: `"squash"`, `"crop"` or `"pad"`.

    Returns:
        A uint8 array `(height, width, 3)`.

    Examples:
        >>> resize_image(Image.new("RGB", (40, 20), "white"), (10, 10), "pad")[0, 0]
        array([0, 0, 0], dtype=uint8)
    """
    if size is None or (image.height, image.width) == size:
        return to_array(image)
    height, width = size
    if resize == "crop":
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=_centre_box(image.size, size)))
    if resize == "pad":
        return np.asarray(ImageOps.pad(image, (width, height), Image.Resampling.BILINEAR, color="black"))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def min_decode_size(size: Size, resize: Resize = "squash") -> Size:
    """Return the smallest `(height, width)` to decode an image at before it is resized.

    It is twice the size: the bilinear filter then averages over enough pixels that the result hardly differs from that of the
    full image.

    Args:
        size: `(height, width)` in pixels to resize to.
        resize: `"squash"`, `"crop"` or `"pad"`. The last two keep the image's shape, so that either side may become the longer.

    Returns:
        `(height, width)` in pixels.

    Examples:
        >>> min_decode_size((180, 180))
        (360, 360)
    """
    height, width = (max(size),) * 2 if resize != "squash" else size
    return 2 * height, 2 * width


def check_resize(resize: str) -> None:
    """Raise ImageError unless this is the name of a way to resize.

    Args:
        resize: The name.

    Raises:
        ImageError: It is not one of `"squash"`, `"crop"` and `"pad"`.

    Examples:
        >>> check_resize("crop")
    """
    if resize not in RESIZES:
        raise ImageError(f"resize={resize!r}; expected one of {', '.join(map(repr, RESIZES))}")


def _reduce_jpeg(image: Image.Image, min_size: Size) -> None:
    """Let the JPEG decoder itself scale down, by 2, 4 or 8, which takes a fraction of the time."""
    height, width = min_size
    if orientation(image) >= _SIDEWAYS:
        height, width = width, height
    image.draft(None, (width, height))


def _load_file(source: Any, min_size: Size | None, inspect: Callable[[Image.Image], None] | None = None) -> Image.Image:
    with open_image(source, check_data=True) as image:
        if inspect:
            inspect(image)
        if min_size and image.format == "JPEG":
            _reduce_jpeg(image, min_size)
        checked = check_while_decoding(image) if image.format in ("JPEG", "MPO") else None
        upright = _upright_rgb(image, source_name(source), full=min_size is None)
        if checked:
            checked.check()
        if image.format in ("JPEG", "MPO"):
            check_seams(image)
        return upright


def _load_open_file(
    file: Any, min_size: Size | None, inspect: Callable[[Image.Image], None] | None = None
) -> Image.Image:
    try:
        content = (
            file if hasattr(file, "seekable") and file.seekable() else io.BytesIO(file.read())
        )  # may be read twice
    except Exception as error:  # a closed file, a text file, a lost connection
        raise image_error(file, error) from error
    return without_warning_errors(lambda: _load_file(content, min_size, inspect))


def _load_pil(image: Image.Image) -> Image.Image:
    check_size(image.size, source_name(image))
    try:
        check_tiff(image)
        silence_libtiff()
        with quiet_decoders():
            return without_warning_errors(lambda: _upright_rgb(image, source_name(image), full=False))
    except Exception as error:  # the decoders of an image that was opened and not yet read
        raise image_error(image, error) from error


def _upright_rgb(image: Image.Image, name: str, *, full: bool) -> Image.Image:
    check_memory(image, name, turned=False, at_full_size=full)
    image.load()  # before the orientation, which a PNG may hold after its pixels
    if (turned := orientation(image)) != 1:
        check_memory(image, name, turned=True, at_full_size=full)
    return to_rgb(turn_upright(correct_values(image)) if turned != 1 else correct_values(image))


def _centre_box(image_size: tuple[int, int], size: Size) -> tuple[float, float, float, float]:
    """Return the box of the largest centre part that has the shape of a size."""
    width, height = image_size
    scale = min(width / size[1], height / size[0])
    inner_width, inner_height = size[1] * scale, size[0] * scale
    # Rounding may put the box outside the image by 1e-14, which Pillow rejects.
    left, top = max(0.0, (width - inner_width) / 2), max(0.0, (height - inner_height) / 2)
    return (left, top, min(width, left + inner_width), min(height, top + inner_height))
