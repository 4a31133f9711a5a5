"""Weights for a backbone: ImageNet's from Keras, or a file's; and which of them training may change."""

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

import h5py
import keras
import numpy as np

from melanoma_detect.errors import ModelError

Weights: TypeAlias = str | os.PathLike[str] | None
Trainable: TypeAlias = Literal["head", "top", "all"]

IMAGENET = "imagenet"


def with_weights(make: Callable[..., keras.Model], weights: Weights, until: str | None, name: str) -> keras.Model:
    """Make a backbone, cut it, and load its weights.

    Args:
        make: Makes the whole backbone; takes `weights=` as `keras.applications` does.
        weights: `"imagenet"` (Keras downloads the file once), a `.weights.h5` or `.h5` file, or None for random ones.
        until: The name of the backbone's last layer, or None for all of it.
        name: What the backbone is called.

    Returns:
        The backbone, a functional model from scaled pixels to maps.

    Raises:
        ModelError: The file cannot be downloaded, found or read, does not fit, or no layer has this name.

    Examples:
        >>> def make(weights):
        ...     return keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, include_top=False, weights=weights)
        >>> with_weights(make, weights=None, until="block_3_expand_relu", name="body").output_shape
        (None, 24, 24, 48)
    """
    if weights is None or weights == IMAGENET:
        return _cut(_downloaded(make, weights), until, name)
    path = Path(weights).expanduser()
    if not path.is_file():
        raise ModelError(f"weights={os.fspath(weights)!r}: no such file; expected 'imagenet', None, or a weights file")
    with warnings.catch_warnings():
        _ignore_size_advice()
        whole = make(weights=None)
    backbone = _cut(whole, until, name)
    # A file of the whole backbone serves the cut one too; it is loaded before the cut then.
    target = whole if until and _tensors(path) == len(whole.weights) else backbone
    _load(target, path, whole)
    return backbone


def set_trainable(backbone: keras.Model, trainable: Trainable) -> None:
    """Say which of a backbone's layers fine-tuning may change; its batch normalisation never does.

    A batch normalisation that may not be trained answers by its moving statistics in training too; that is how ImageNet's are
    kept. (A call with `training=False` does not do it: a functional model's `fit` overrides that.)

    Args:
        backbone: From `with_weights`.
        trainable: `"head"` for none of them, `"top"` for those at its last resolution, `"all"` for all.

    Raises:
        ModelError: It is none of the three.

    Examples:
        >>> backbone = keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, include_top=False, weights=None)
        >>> set_trainable(backbone, "top")
        >>> next(layer.name for layer in backbone.layers if layer.trainable and layer.weights)
        'block_13_depthwise'
    """
    if trainable not in ("head", "top", "all"):
        raise ModelError(f"trainable={trainable!r}; expected 'head', 'top' or 'all'")
    last = _sides(backbone)
    for layer in backbone.layers:
        chosen = trainable == "all" or (trainable == "top" and _sides(layer) == last)
        layer.trainable = chosen and not isinstance(layer, keras.layers.BatchNormalization)


def _sides(layer: Any) -> tuple[int, ...]:
    """Return the height and width of a layer's maps; of pooled features, none."""
    return tuple(layer.output.shape[1:3]) if len(layer.output.shape) == 4 else ()


def _downloaded(make: Callable[..., keras.Model], weights: Weights) -> keras.Model:
    with warnings.catch_warnings():
        _ignore_size_advice()
        try:
            return make(weights=weights)
        except Exception as error:
            if weights is None:
                raise
            raise ModelError(
                f"weights='imagenet': Keras cannot download or read them ({error}); check the connection, or pass a file "
                "(weights='path') or weights=None to start at random"
            ) from error


def _ignore_size_advice() -> None:
    # MobileNets speak up where images are of another size than ImageNet's; convolutions do not mind.
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


def _load(target: keras.Model, path: Path, whole: keras.Model) -> None:
    found = _tensors(path)
    try:
        with warnings.catch_warnings():
            # Files by earlier versions of Keras say less about containers; a backbone has none that holds weights.
            warnings.filterwarnings("ignore", message="Skipping nested container", category=UserWarning)
            target.load_weights(path)
    except Exception as error:
        cause = str(error).partition("\n")[0]
        raise ModelError(
            f"{path}: these weights do not fit: the file holds {found} tensors, the backbone {len(target.weights)}"
            f"{_advice(found, whole)} ({cause[:200]})"
        ) from error


def _advice(tensors: int, whole: keras.Model) -> str:
    """Say up to which layer a file with so many tensors could fit: the last one before more weights come."""
    counts = np.cumsum([len(layer.weights) for layer in whole.layers])
    fitting = np.flatnonzero(counts == tensors)
    if not len(fitting) or tensors == counts[-1]:
        return "; check the family and its variant"
    last = whole.layers[int(fitting[-1])].name
    return f"; as many as the backbone has up to {last!r}: pass until={last!r} if it was cut there"


def _tensors(path: Path) -> int:
    try:
        with h5py.File(path) as file:
            return sum(1 for _ in _datasets(file))
    except OSError as error:
        raise ModelError(f"{path}: not a weights file ({error}); expected HDF5, as Keras saves it") from error


def _datasets(group: Any) -> Iterator[Any]:
    for member in group.values():
        if isinstance(member, h5py.Dataset):
            yield member
        else:
            yield from _datasets(member)
