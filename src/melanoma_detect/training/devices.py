"""Training on several devices: each device takes a part of every batch, and all apply the same update.

On one machine under TensorFlow this is `tf.distribute.MirroredStrategy`; under JAX, on one machine or on several, it is
`keras.distribution.DataParallel`. Keras's `fit` does not support TensorFlow's strategy for several machines.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras

from melanoma_detect.errors import DetectorError
from melanoma_detect.utils.number_arguments import plain_number


class DeviceSetup(NamedTuple):
    """The devices of a training, and this process's part in it.

    Attributes:
        devices: The number of devices over all processes.
        process: The number of this process, from 0; process 0 writes the checkpoints.
        processes: The number of processes.
        batch_multiple: The size of a batch must be a multiple of this number.
    """

    devices: int = 1
    process: int = 0
    processes: int = 1
    batch_multiple: int = 1


@contextlib.contextmanager
def distribute(devices: str | int | None) -> Iterator[DeviceSetup]:
    """Build and train the models of a `with` block on several devices.

    Args:
        devices: None for one device; `"auto"` for all accelerators over all processes, or one device if there are none; or
            the number of devices.

    Yields:
        The devices and this process's part.

    Raises:
        DetectorError: There are fewer devices, or Keras's backend trains on one only.

    Examples:
        >>> with distribute(None) as setup:
        ...     setup.devices
        1
    """
    backend = keras.backend.backend()
    if devices is None or (devices == 1 and devices is not True):
        yield DeviceSetup()
    elif backend == "tensorflow":
        with _mirrored_strategy(devices) as setup:
            yield setup
    elif backend == "jax":
        with _data_parallel(devices) as setup:
            yield setup
    else:
        if devices != "auto":
            raise DetectorError(
                f"devices={devices!r}: Keras's {backend} backend trains on one device; use tensorflow or jax"
            )
        yield DeviceSetup()


@contextlib.contextmanager
def _mirrored_strategy(devices: str | int) -> Iterator[DeviceSetup]:
    import tensorflow as tf  # noqa: PLC0415 - Keras may run on another backend

    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    cpus = [device.name for device in tf.config.list_logical_devices("CPU")]
    names = _select_devices(devices, gpus, gpus if len(gpus) > 1 else cpus)
    if len(names) < 2:
        yield DeviceSetup()
        return
    with tf.distribute.MirroredStrategy(names).scope():
        yield DeviceSetup(devices=len(names), batch_multiple=len(names))


@contextlib.contextmanager
def _data_parallel(devices: str | int) -> Iterator[DeviceSetup]:
    import jax  # noqa: PLC0415 - Keras may run on another backend

    # "auto" includes CPUs only if there are several processes; a number of devices includes them always.
    available = keras.distribution.list_devices()
    use_all = jax.process_count() > 1 or jax.default_backend() != "cpu"
    names = _select_devices(devices, available if use_all else [], available)
    if len(names) < 2:
        yield DeviceSetup()
        return
    before = keras.distribution.distribution()
    # Our batches are divided between the processes already; Keras must not divide them again.
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=names, auto_shard_dataset=False))
    try:
        yield DeviceSetup(len(names), jax.process_index(), jax.process_count(), batch_multiple=len(names))
    finally:
        keras.distribution.set_distribution(before)


def _select_devices(devices: str | int, automatic: list[Any], available: list[Any]) -> list[Any]:
    if devices == "auto":
        return automatic
    devices = plain_number(devices)
    # True is an int in Python, and a slip here.
    if isinstance(devices, bool) or not isinstance(devices, int) or devices < 1:
        raise DetectorError(f"devices={devices!r}; expected 'auto', a number of devices, or None for one")
    if devices > len(available):
        raise DetectorError(
            f"devices={devices}: there are {len(available)} on this machine ({', '.join(map(str, available))})"
        )
    return available[:devices]
