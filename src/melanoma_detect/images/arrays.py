"""Arrays and tensors as images: NumPy's, PyTorch's, TensorFlow's, JAX's, and whatever else NumPy understands.

Nothing here imports those packages: a tensor is recognised by the methods that they agreed on.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_detect.errors import ImageError
from melanoma_detect.images.colour import scale_float, scale_uint16
from melanoma_detect.images.memory import check_size

_PROTOCOLS = ("__array__", "__array_interface__", "__dlpack__")
_CHANNELS = (1, 3, 4)
_IMAGE, _BATCH = 3, 4  # the numbers of dimensions


class SupportsArray(Protocol):
    """An array or tensor of any package: what `numpy.asarray` understands."""

    def __array__(self, *args: Any, **options: Any) -> Any:
        """Return the values as a NumPy array."""
        ...


def as_array(image: Any) -> NDArray[Any] | None:
    """Return what an array or tensor holds, on the CPU and in a type that NumPy calculates with.

    A PyTorch tensor with its channels first, as that package has them, gets them last.

    Args:
        image: Anything.

    Returns:
        The array; None for what is no array of numbers: a path, a file, a PIL image, a list, a column of names.

    Raises:
        ImageError: It is an array that cannot be read (masked, sparse, ...), or whose order of channels is not sure.

    Examples:
        >>> as_array("photo.jpg") is None
        True
        >>> as_array(memoryview(np.zeros((2, 2), np.uint8))).shape
        (2, 2)
    """
    if isinstance(image, memoryview) and image.ndim > 1:
        return np.asarray(image)
    if hasattr(image, "convert") or not any(hasattr(image, name) for name in _PROTOCOLS):
        return None  # a PIL image offers its pixels as an array too
    if isinstance(image, np.ma.MaskedArray):
        raise ImageError(f"{_describe(image)} has masked pixels; fill them first: image.filled(value)")
    try:
        array = _tensor_to_array(image)
    except Exception as error:
        raise ImageError(
            f"a {type(image).__name__} cannot be read as an array ({error}); convert it with numpy.asarray first"
        ) from error
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    if array.dtype.kind in "OUSTM" and not (isinstance(image, np.ndarray) and array.ndim in (_IMAGE, _BATCH)):
        return None
    return _channels_last(array) if _is_torch(image) else array


def is_batch(array: NDArray[Any]) -> bool:
    """Return whether an array holds several images.

    Args:
        array: From `as_array`.

    Returns:
        True for `(n, height, width, channels)`.

    Examples:
        >>> is_batch(np.zeros((5, 8, 8, 3)))
        True
    """
    return array.ndim == _BATCH


def split_batches(images: Any) -> Iterator[Any]:
    """Yield images one by one, those of a batch too.

    Floats of a batch are brought to 8 bits together: whether they go to 1 or to 255 must not depend on one dark image.

    Args:
        images: Images and batches `(n, height, width, channels)`.

    Yields:
        Images.

    Raises:
        ImageError: A batch holds values that are no pixels.

    Examples:
        >>> [image.shape for image in split_batches([np.zeros((2, 8, 8, 3)), np.zeros((4, 4, 3))])]
        [(8, 8, 3), (8, 8, 3), (4, 4, 3)]
    """
    for image in images:
        array = as_array(image)
        if array is not None and is_batch(array):
            yield from _to_uint8(array) if len(array) else ()
        else:
            yield image


def from_array(array: NDArray[Any]) -> Image.Image:
    """Return the image of an array.

    Args:
        array: `(height, width)`, `(height, width, 1)`, `(height, width, 3)` in RGB or `(height, width, 4)` in RGBA; uint8,
            bool, uint16 from 0 to 65,535, or floating-point from 0 to 1 or from 0 to 255: from 0 to 1 where no value is larger.

    Returns:
        The image.

    Raises:
        ImageError: Another shape, type or range, or too large.

    Examples:
        >>> from_array(np.ones((2, 2, 3), np.float32)).getpixel((0, 0))
        (255, 255, 255)
        >>> from_array(np.full((2, 2, 3), 99.0)).getpixel((0, 0))
        (99, 99, 99)
    """
    shaped = array[..., 0] if array.ndim == _IMAGE and array.shape[-1] == 1 else array
    is_image_shape = shaped.ndim == 2 or (shaped.ndim == _IMAGE and shaped.shape[-1] in (3, 4))
    if not is_image_shape or 0 in array.shape:
        raise _array_error(array, "")
    name = f"an array of shape {tuple(array.shape)}"
    check_size((shaped.shape[1], shaped.shape[0]), name)  # of few bytes, where they are repeated
    try:
        return Image.fromarray(np.ascontiguousarray(_to_uint8(shaped)))
    except MemoryError as error:
        raise ImageError(f"{name} takes more memory than there is; make it smaller") from error


def _tensor_to_array(image: Any) -> NDArray[Any]:
    if hasattr(image, "detach") and hasattr(image, "cpu"):  # PyTorch: without gradient, and off the GPU
        tensor = image.detach().cpu()
        if str(getattr(tensor, "dtype", "")) == "torch.bfloat16":
            tensor = tensor.float()
        return np.asarray(
            tensor.resolve_conj().resolve_neg().numpy() if hasattr(tensor, "resolve_neg") else tensor.numpy()
        )
    if hasattr(image, "__array__") or hasattr(image, "__array_interface__"):
        return np.asarray(image)
    return np.from_dlpack(image)


def _is_torch(image: Any) -> bool:
    return any(base.__module__.partition(".")[0] == "torch" for base in type(image).__mro__)


def _channels_last(array: NDArray[Any]) -> NDArray[Any]:
    """Return PyTorch's `(..., channels, height, width)` as `(..., height, width, channels)`; what has them last stays."""
    if array.ndim not in (_IMAGE, _BATCH):
        return array
    first, last = array.shape[-3] in _CHANNELS, array.shape[-1] in _CHANNELS
    if first and last:
        raise ImageError(
            f"{_describe(array)}: its channels may be in the first or in the last dimension; give a NumPy array that has them "
            "last: tensor.permute(..., 1, 2, 0).numpy()"
        )
    return np.moveaxis(array, -3, -1) if first else array


def _to_uint8(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        # Of 65,535, such values are black; somebody who converted 8-bit pixels did not mean that.
        if 1 < array.max() < 256:
            raise _array_error(array, f" from {array.min()} to {array.max()}")
        return scale_uint16(array)
    if array.dtype.kind != "f":
        raise _array_error(array, "")
    try:
        return scale_float(array)
    except ValueError:
        raise _array_error(array, f" from {float(array.min()):.4g} to {float(array.max()):.4g}") from None


def _describe(array: Any) -> str:
    return f"an array of shape {tuple(array.shape)} and type {array.dtype}"


def _array_error(array: NDArray[Any], value_range: str) -> ImageError:
    first = array.ndim in (_IMAGE, _BATCH) and array.shape[-1] not in _CHANNELS and array.shape[-3] in (3, 4)
    advice = "move its channels last: numpy.moveaxis(array, -3, -1)" if first else "convert it first"
    return ImageError(
        f"{_describe(array)}{value_range} is not an image: expected (height, width, 3) in RGB, (height, width, 4) or (height, "
        "width), as uint8 from 0 to 255, uint16 from 0 to 65,535 or floats from 0 to 1 or 0 to 255; " + advice
    )
