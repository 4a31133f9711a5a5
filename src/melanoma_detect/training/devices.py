"""One training on several devices: each takes a part of every batch, and all take the same step.

On one machine under TensorFlow this is `tf.distribute.MirroredStrategy`; under JAX, on one machine or on several, it is
`keras.distribution.DataParallel`. Keras's `fit` does not run under TensorFlow's strategy for several machines.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras

from melanoma_detect.errors import DetectorError


class Share(NamedTuple):
    """What this process does of a training.

    Attributes:
        devices: How many devices there are, over all processes.
        process: The number of this process, from 0; process 0 writes.
        processes: How many processes there are.
        multiple: What the size of a batch has to be a multiple of.
    """

    devices: int = 1
    process: int = 0
    processes: int = 1
    multiple: int = 1


@contextlib.contextmanager
def several_devices(devices: str | int | None) -> Iterator[Share]:
    """Build and train on several devices what is built and trained within.

    Args:
        devices: None for one device; `"auto"` for every accelerator there is, over all processes, and for one device where
            there is none; or how many.

    Yields:
        What this process does of it.

    Raises:
        DetectorError: There are not so many devices, or this backend trains on one.

    Examples:
        >>> with several_devices(None) as share:
        ...     share.devices
        1
    """
    backend = keras.backend.backend()
    if devices is None or (devices == 1 and devices is not True):
        yield Share()
    elif backend == "tensorflow":
        with _mirrored(devices) as share:
            yield share
    elif backend == "jax":
        with _data_parallel(devices) as share:
            yield share
    else:
        if devices != "auto":
            raise DetectorError(f"devices={devices!r}: Keras's {backend} backend trains on one; use tensorflow or jax")
        yield Share()


@contextlib.contextmanager
def _mirrored(devices: str | int) -> Iterator[Share]:
    import tensorflow as tf  # noqa: PLC0415 - Keras may run on another backend

    accelerators = [device.name for device in tf.config.list_logical_devices("GPU")]
    processors = [device.name for device in tf.config.list_logical_devices("CPU")]
    names = _chosen(devices, accelerators, accelerators if len(accelerators) > 1 else processors)
    if len(names) < 2:
        yield Share()
        return
    with tf.distribute.MirroredStrategy(names).scope():
        yield Share(devices=len(names), multiple=len(names))


@contextlib.contextmanager
def _data_parallel(devices: str | int) -> Iterator[Share]:
    import jax  # noqa: PLC0415 - Keras may run on another backend

    # Processors take part where there are several processes or where a number asks for them.
    found = keras.distribution.list_devices()
    many = jax.process_count() > 1 or jax.default_backend() != "cpu"
    names = _chosen(devices, found if many else [], found)
    if len(names) < 2:
        yield Share()
        return
    before = keras.distribution.distribution()
    # Batches come to each process in its own part already.
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=names, auto_shard_dataset=False))
    try:
        yield Share(len(names), jax.process_index(), jax.process_count(), multiple=len(names))
    finally:
        keras.distribution.set_distribution(before)


def _chosen(devices: str | int, automatic: list[Any], there: list[Any]) -> list[Any]:
    if devices == "auto":
        return automatic
    if isinstance(devices, bool) or not isinstance(devices, int) or devices < 1:
        raise DetectorError(f"devices={devices!r}; expected 'auto', a number of devices, or None for one")
    if devices > len(there):
        raise DetectorError(f"devices={devices}: there are {len(there)} here ({', '.join(map(str, there))})")
    return there[:devices]
