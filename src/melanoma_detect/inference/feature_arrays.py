"""`features.npz` of a detector's file: the feature space and the classifier of image types, checked before they are used.

Both decide which images the detector refers. An array that is no number compares as false, and an image would be judged that
must not be: so damaged and hostile arrays are refused when a file is loaded. NumPy only.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.inference.image_types import ImageTypeClassifier
from melanoma_detect.inference.out_of_distribution import FeatureSpace

MAX_SIZE = 256 * 2**20  # of all arrays when unpacked, in bytes: far over any real ones

_HEADER = 1024  # bytes, of which the header of an array of few axes takes 128
_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\0(..)"  # longer headers have another version
    rb"\{'descr': '[<>|=]?[A-Za-z]\d*', 'fortran_order': (?:True|False), 'shape': \((?:\d+,|\d+(?:, \d+)+)?\), \} *\n",
    re.DOTALL,
)

_RESIDUALS = (1e-12, 10.0)  # features have length 1, and what the components leave of them is shorter
_TYPE_WEIGHTS, _TYPE_BIAS = "image_type_weights", "image_type_bias"


class FeatureParts(NamedTuple):
    """What a detector knows of its model's features.

    Attributes:
        feature_space: Where the features of training images lie; None where that was not measured.
        image_types: Tells clinical photographs from dermoscopy; None where the training images were of one type.
    """

    feature_space: FeatureSpace | None = None
    image_types: ImageTypeClassifier | None = None

    @property
    def width(self) -> int | None:
        """How many features they are made for; None where there is neither."""
        if self.feature_space is not None:
            return len(self.feature_space.mean)
        return None if self.image_types is None else len(self.image_types.weights)


def features_to_bytes(parts: FeatureParts) -> bytes:
    """Return the content of `features.npz`.

    Args:
        parts: One of them at least.

    Returns:
        An `.npz` file.

    Examples:
        >>> content = features_to_bytes(FeatureParts(predictor.files.feature_space))
        >>> features_from_bytes(content).width
        128
    """
    arrays: dict[str, Any] = {}
    if parts.feature_space is not None:
        arrays |= parts.feature_space.to_arrays()
    if parts.image_types is not None:
        arrays |= {_TYPE_WEIGHTS: parts.image_types.weights, _TYPE_BIAS: np.float64(parts.image_types.bias)}
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def features_from_bytes(content: bytes) -> FeatureParts:
    """Return what `features_to_bytes` described.

    Args:
        content: The content of `features.npz`, as any file may hold it.

    Returns:
        The parts; either may be absent.

    Raises:
        ValueError: It is damaged: no `.npz` file, larger than any real one, or with arrays that no detector has.

    Examples:
        >>> features_from_bytes(b"")
        Traceback (most recent call last):
        ValueError: features.npz is damaged (File is not a zip file)
    """
    try:
        _check_members(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return _features_from_arrays({name: arrays[name] for name in arrays.files})
    except Exception as error:  # NumPy, zipfile and zlib raise exceptions of many kinds on damaged bytes
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"features.npz is damaged ({reason})") from error


def _check_members(content: bytes) -> None:
    """Raise ValueError if the arrays are larger than any real ones, or not written as this library does.

    They are a zip of their own, which unpacks too. NumPy takes a header for an expression of Python, and warns of some.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if size > MAX_SIZE:
            raise ValueError(f"it would unpack to {size:,} bytes, over {MAX_SIZE:,}; do not trust it")
        for name in archive.namelist():
            with archive.open(name) as array:
                header = array.read(_HEADER)
            written = _NPY_HEADER.match(header)
            # The length that stands before the header must be its own: NumPy goes by it.
            if not written or int.from_bytes(written[1], "little") != written.end() - written.end(1):
                raise ValueError(f"{name} has another header than NumPy writes")


def _features_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> FeatureParts:
    types = space = None
    if _TYPE_WEIGHTS in arrays:
        _check_array(arrays, _TYPE_WEIGHTS, ("d",))
        _check_array(arrays, _TYPE_BIAS, ())
        types = ImageTypeClassifier(arrays[_TYPE_WEIGHTS], float(arrays[_TYPE_BIAS]))
    if "mean" in arrays or types is None:
        _check_feature_space(arrays)
        space = FeatureSpace.from_arrays(arrays)
    if space is not None and types is not None and len(types.weights) != len(space.mean):
        raise ValueError(f"{_TYPE_WEIGHTS} is for {len(types.weights)} features, mean for {len(space.mean)}")
    return FeatureParts(space, types)


def _check_feature_space(arrays: Mapping[str, NDArray[Any]]) -> None:
    _check_array(arrays, "mean", ("d",))
    _check_array(arrays, "directions", ("d", "k"))
    _check_array(arrays, "residual", ())
    if len(arrays["mean"]) != len(arrays["directions"]):
        raise ValueError(f"directions is for {len(arrays['directions'])} features, mean for {len(arrays['mean'])}")
    low, high = _RESIDUALS
    if not low < arrays["residual"] < high:
        raise ValueError(f"residual is {arrays['residual']}, expected over {low:g} and below {high:g}")
    if "outlier_weights" in arrays:
        _check_array(arrays, "outlier_weights", ("d",))
        _check_array(arrays, "outlier_bias", ())
        if len(arrays["outlier_weights"]) != len(arrays["mean"]):
            raise ValueError(
                f"outlier_weights is for {len(arrays['outlier_weights'])} features, mean for {len(arrays['mean'])}"
            )


def _check_array(arrays: Mapping[str, NDArray[Any]], name: str, axes: tuple[str, ...]) -> None:
    """Raise ValueError unless an array has as many axes as named, none of length 0, and holds finite floats."""
    array = arrays[name]
    if array.dtype.kind != "f" or array.ndim != len(axes) or not array.size:
        raise ValueError(f"{name} is {array.dtype} {array.shape}, expected floats ({', '.join(axes)})")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite")
