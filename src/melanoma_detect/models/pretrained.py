"""Pretrained backbones: weights from ImageNet or a file, preprocessing, and which layers are trainable."""

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

import h5py
import keras
import numpy as np
from keras import layers, ops

from melanoma_detect.errors import ModelError
from melanoma_detect.models import pytorch_weights
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import check_regular, open_regular

Weights: TypeAlias = str | os.PathLike[str] | None
Trainable: TypeAlias = Literal["head", "top", "all"]

IMAGENET = "imagenet"

# ImageNet's mean and standard deviation of red, green and blue, 0 to 1, and the mean of blue, green and red, 0 to 255.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MEAN_BGR = (103.939, 116.779, 123.68)


def load_backbone(make: Callable[..., keras.Model], weights: Weights, until: str | None, name: str) -> keras.Model:
    """Make a backbone, optionally cut it at a layer, and load its weights.

    Args:
        make: A function that returns the complete backbone; it takes `weights=` as `keras.applications` does.
        weights: `"imagenet"` (Keras downloads the file once), a `.weights.h5` or `.h5` file that Keras saved, a `.npz` file
            with the arrays of a PyTorch network in their order, or None for random weights.
        until: The name of the layer to cut the backbone after, or None for the complete backbone.
        name: The backbone's name.

    Returns:
        The backbone, a functional model from preprocessed pixels to feature maps.

    Raises:
        ModelError: The file cannot be downloaded, found or read, or does not fit; or no layer has this name.

    Examples:
        >>> def make(weights):
        ...     return keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, include_top=False, weights=weights)
        >>> load_backbone(make, weights=None, until="block_3_expand_relu", name="body").output_shape
        (None, 24, 24, 48)
    """
    if weights is None or weights == IMAGENET:
        return _cut(_make_from_keras(make, weights), until, name)
    path = expand_path(weights, ModelError)
    with contextlib.suppress(OSError):
        check_regular(path, ModelError)
    if not path.is_file():
        raise ModelError(f"weights={os.fspath(weights)!r}: no such file; expected 'imagenet', None, or a weights file")
    with warnings.catch_warnings():
        _ignore_size_warning()
        complete = make(weights=None)
    backbone = _cut(complete, until, name)
    if path.suffix == pytorch_weights.SUFFIX:
        _load_arrays(backbone, path, complete)
        return backbone
    # A file of the complete backbone can also be used for a cut one, which shares its layers.
    target = complete if until and _count_tensors(path) == len(complete.weights) else backbone
    _load(target, path, complete)
    return backbone


def set_trainable(backbone: keras.Model, trainable: Trainable) -> None:
    """Set which of a backbone's layers are trainable; its batch normalisation never is.

    A batch normalisation layer that is not trainable uses its moving statistics during training too, which keeps those of
    ImageNet: a few hundred lesions are too few for new ones. (A call with `training=False` would not do: a functional model's
    `fit` overrides it.)

    Args:
        backbone: From `load_backbone`.
        trainable: `"head"` for none of the layers, `"top"` for those at the last resolution, `"all"` for all.

    Raises:
        ModelError: `trainable` has another value.

    Examples:
        >>> backbone = keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, include_top=False, weights=None)
        >>> set_trainable(backbone, "top")
        >>> next(layer.name for layer in backbone.layers if layer.trainable and layer.weights)
        'block_13_depthwise'
    """
    if trainable not in ("head", "top", "all"):
        raise ModelError(f"trainable={trainable!r}; expected 'head', 'top' or 'all'")
    last = _map_size(backbone)
    for layer in backbone.layers:
        chosen = trainable == "all" or (trainable == "top" and _map_size(layer) == last)
        layer.trainable = chosen and not isinstance(layer, keras.layers.BatchNormalization)


def scale_to_one(pixels: Any) -> Any:
    """Scale pixels to -1 to 1, as for MobileNet.

    Args:
        pixels: A Keras tensor of RGB, 0 to 255.

    Returns:
        The scaled pixels.
    """
    return layers.Rescaling(1 / 127.5, offset=-1)(pixels)


def standardize(pixels: Any) -> Any:
    """Subtract ImageNet's mean and divide by its standard deviation, as for DenseNet, EfficientNetV2-B and ConvNeXt.

    Args:
        pixels: A Keras tensor of RGB, 0 to 255.

    Returns:
        The standardised pixels.
    """
    scale = [1 / (255 * std) for std in _STD]
    offset = [-mean / std for mean, std in zip(_MEAN, _STD, strict=True)]
    return layers.Rescaling(scale, offset=offset)(pixels)


def subtract_mean(pixels: Any) -> Any:
    """Reverse the channels to BGR and subtract ImageNet's mean, as for ResNet.

    Args:
        pixels: A Keras tensor of RGB, 0 to 255.

    Returns:
        The centred pixels in BGR.
    """
    bgr = ops.take(pixels, [2, 1, 0], axis=-1)
    return layers.Rescaling(1.0, offset=[-mean for mean in _MEAN_BGR])(bgr)


def _map_size(layer: Any) -> tuple[int, ...]:
    """Return the height and width of a layer's feature maps; an empty tuple for pooled features."""
    return tuple(layer.output.shape[1:3]) if len(layer.output.shape) == 4 else ()


def _make_from_keras(make: Callable[..., keras.Model], weights: Weights) -> keras.Model:
    with warnings.catch_warnings():
        _ignore_size_warning()
        try:
            return make(weights=weights)
        except Exception as error:
            if weights is None:
                raise
            raise ModelError(
                f"weights='imagenet': Keras cannot download or read the weights ({error}); check the connection, or pass a "
                "file (weights='path') or weights=None for random weights"
            ) from error


def _ignore_size_warning() -> None:
    # MobileNets warn of images of another size than ImageNet's, which convolutions take as well.
    warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square", category=UserWarning)


def _cut(backbone: keras.Model, until: str | None, name: str) -> keras.Model:
    if until is None:
        last = backbone.output
    else:
        names = [layer.name for layer in backbone.layers]
        if until not in names:
            raise ModelError(
                f"until={until!r}: the backbone has no such layer; its last ones are {', '.join(names[-8:])}"
            )
        last = backbone.get_layer(until).output
    return keras.Model(backbone.input, last, name=name)


def _load(target: keras.Model, path: Path, complete: keras.Model) -> None:
    count = _count_tensors(path)
    try:
        with warnings.catch_warnings():
            # Files of earlier versions of Keras have no entry for containers; those of a backbone hold no weights.
            warnings.filterwarnings("ignore", message="Skipping nested container", category=UserWarning)
            target.load_weights(path)
    except Exception as error:
        cause = str(error).partition("\n")[0]
        raise ModelError(
            f"{path}: these weights do not fit: the file holds {count} tensors, the backbone {len(target.weights)}"
            f"{_suggest_cut(count, complete)} ({cause[:200]})"
        ) from error


def _load_arrays(backbone: keras.Model, path: Path, complete: keras.Model) -> None:
    """Load arrays of a PyTorch network: of the backbone, of the complete one, or of that with its classifier."""
    arrays = {name: array for name, array in pytorch_weights.read_arrays(path).items() if array.ndim}
    count = len(complete.weights)
    if len(arrays) == count + 2:  # the classifier's weight and bias come last
        arrays = dict(list(arrays.items())[:count])
    target = complete if len(arrays) == count else backbone
    pytorch_weights.assign_arrays(target, arrays, source=str(path))


def _suggest_cut(tensors: int, complete: keras.Model) -> str:
    """Return a hint: the layer up to which the backbone has as many tensors as the file, if there is one."""
    counts = np.cumsum([len(layer.weights) for layer in complete.layers])
    matches = np.flatnonzero(counts == tensors)
    if not len(matches) or tensors == counts[-1]:
        return "; check the family and its variant"
    last = complete.layers[int(matches[-1])].name
    return f"; the backbone has as many up to {last!r}: pass until={last!r} if it was cut there"


def _count_tensors(path: Path) -> int:
    try:
        with open_regular(path, ModelError) as opened, h5py.File(opened, "r") as file:
            return sum(1 for _ in _datasets(file))
    except OSError as error:
        raise ModelError(f"{path}: not a weights file ({error}); expected an HDF5 file that Keras saved") from error


def _datasets(group: Any) -> Iterator[Any]:
    for member in group.values():
        if isinstance(member, h5py.Dataset):
            yield member
        else:
            yield from _datasets(member)
