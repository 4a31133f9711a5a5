"""Seeds for libraries that draw from the global random generators."""

import contextlib
import random
from collections.abc import Iterator

import numpy as np


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators of Python and NumPy during a block, and restore their states after it.

    Augmentor and Keras draw from them.

    Args:
        seed: From 0 to 2³² - 1.

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
