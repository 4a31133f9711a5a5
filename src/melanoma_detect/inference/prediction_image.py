"""The image that a prediction is about, for notebooks: its file, or the pixels that the model saw.

A file is read again when somebody looks. Of images without a file (arrays, PIL images, bytes) the pixels are kept, but only
those of the latest ones: a loop over a million frames must not keep them all alive.
"""

import os
import threading
import weakref
from pathlib import Path
from typing import Any

from PIL import Image

from melanoma_detect.errors import ImageError
from melanoma_detect.images.frame_names import file_of
from melanoma_detect.images.reader import ImageLike, Pixels, load_rgb
from melanoma_detect.inference.preprocessing import ModelInput

KEPT = 200  # images without a file: 20 MB at 180×180


class ImageSource:
    """Where the image of a prediction is found again.

    Args:
        image: What was predicted.
        seen: The image as the model saw it.
        squashed: Whether the model saw it squashed into another shape.
        config: The configuration of the detector that judged it.
    """

    __slots__ = ("__weakref__", "_file", "_pixels", "_shape", "_stamp", "config")

    def __init__(self, image: ImageLike, seen: ModelInput, *, squashed: bool, config: Any = None) -> None:
        self.config = config
        self._file: Any = None
        self._pixels: Pixels | None = None
        self._shape = (seen.height, seen.width) if squashed else seen.pixels.shape[:2]
        self._stamp: tuple[int, int] | None = None
        if isinstance(image, (str, os.PathLike)):
            # Absolute: the working folder may change before somebody looks.
            self._file = os.path.abspath(image) if isinstance(image, (str, Path)) else image  # noqa: PTH100 - a tenth of Path's time
            self._stamp = _stamp(image)
        else:
            self._pixels = seen.pixels.copy()  # the caller may write the next frame into the array
            _keep(self)

    def load(self) -> Image.Image:
        """Return the image in its own shape.

        Returns:
            A PIL image in mode RGB: the file's, or the pixels that the model saw, stretched back to the shape they had.

        Raises:
            ImageError: The file is gone or has changed, or the pixels are no longer kept.
        """
        if self._file is not None:
            return _load_file(self._file, self._stamp)
        if self._pixels is None:
            raise ImageError(
                f"its pixels are no longer kept: only those of the latest {KEPT} images are; predict it again"
            )
        image = Image.fromarray(self._pixels)
        scale = max(image.size) / max(self._shape)
        return image.resize((max(1, round(self._shape[1] * scale)), max(1, round(self._shape[0] * scale))))

    @property
    def path(self) -> str:
        """The absolute path of its file; empty for an image without one."""
        return "" if self._file is None else os.fspath(self._file)

    def drop(self) -> None:
        """Forget the pixels."""
        self._pixels = None


class HasImage:
    """A value that knows the image it is about, outside its fields: they are compared, copied and printed, the image is not."""

    __slots__ = ("_image",)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the fields, without the image."""
        return vars(self)


def remember(value: HasImage, image: ImageLike, seen: ModelInput, *, squashed: bool, config: Any = None) -> None:
    """Tell a value which image it is about.

    Args:
        value: The value, which may be frozen.
        image: What was predicted.
        seen: The image as the model saw it.
        squashed: Whether the model saw it squashed into another shape.
        config: The configuration of the detector that judged it.

    Examples:
        >>> value = HasImage()
        >>> seen = ModelInput(np.zeros((32, 32, 3), np.uint8), height=30, width=40)
        >>> remember(value, b"the bytes of a file", seen, squashed=True)
        >>> load_image(value, "bytes").size
        (32, 24)
    """
    object.__setattr__(value, "_image", ImageSource(image, seen, squashed=squashed, config=config))


def image_source(value: HasImage) -> ImageSource | None:
    """Return where the image of a value is found again.

    Args:
        value: The value.

    Returns:
        The source; None where the value was not told of its image.

    Examples:
        >>> image_source(HasImage()) is None
        True
    """
    return getattr(value, "_image", None)


def load_image(value: HasImage, source: str) -> Image.Image:
    """Return the image that a value is about.

    Args:
        value: The value.
        source: The name of its image, which is a file's path where the value was not told of its image.

    Returns:
        A PIL image in mode RGB.

    Raises:
        ImageError: The image cannot be had any more; the message says why.

    Examples:
        >>> load_image(HasImage(), str(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")).size
        (64, 64)
    """
    kept = image_source(value)
    return kept.load() if kept else _load_file(source, None)


def _load_file(path: Any, stamp: tuple[int, int] | None) -> Image.Image:
    found = _stamp(path)
    if found is None:
        raise ImageError(f"{os.fspath(path)}: the file is no longer there")
    if stamp not in (None, found):
        raise ImageError(f"{os.fspath(path)}: the file has changed since the prediction")
    return load_rgb(path)


def _stamp(path: Any) -> tuple[int, int] | None:
    """Return a file's size and time of its last change; None where there is no file."""
    try:
        found = os.stat(file_of(path))  # noqa: PTH116 - a path may be a StretchedImage
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


_lock = threading.Lock()
_kept: weakref.WeakValueDictionary[int, ImageSource] = weakref.WeakValueDictionary()  # the oldest first
_count = iter(range(2**62))


def _keep(source: ImageSource) -> None:
    """Keep the pixels of a source, and drop those of the oldest one where there are too many."""
    with _lock:
        _kept[next(_count)] = source
        while len(_kept) > KEPT:
            dropped = _kept.pop(next(iter(_kept.keys())), None)
            if dropped is not None:
                dropped.drop()
