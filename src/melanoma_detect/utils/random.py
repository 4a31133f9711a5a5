"""Seeds for libraries that draw from the global random generators."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from melanoma_detect.utils.number_arguments import whole_number

SEEDS = 2**32  # NumPy's old generator, which Augmentor draws from, and Keras take no larger seed


def check_seed(seed: Any, error: type[Exception]) -> int:
    """Return a seed as an int.

    Every public function that takes a seed calls it before its work starts.

    Args:
        seed: What the user gave: a whole number of Python or NumPy.
        error: The exception to raise.

    Returns:
        The seed, from 0 to 2³² - 1.

    Raises:
        Exception: It is out of range, or no whole number.

    Examples:
        >>> check_seed(np.int64(7), ValueError)
        7
    """
    return whole_number(seed, "seed", error, below=SEEDS)


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
