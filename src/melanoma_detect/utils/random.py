"""Global random generators, seeded for a while and put back."""

import contextlib
import random
from collections.abc import Iterator

import numpy as np


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators, which Augmentor and Keras draw from, and put them back as they were.

    Args:
        seed: 0 to 2³² - 1.

    Examples:
        >>> with seeded(1):
        ...     first = random.random()
        >>> with seeded(1):
        ...     random.random() == first
        True
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the libraries' own generators
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
