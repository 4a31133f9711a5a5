"""Entries of an index."""

import numpy as np
import pytest

from melanoma_detect.data.known_images.index import Facts, KnownImage, Membership


@pytest.fixture
def entry():
    """Return a function that makes an entry with a random hash."""

    def make(number, *, digest=bytes(8), archive="", name="ours", label="nevus", use=""):
        code = np.random.default_rng(number).integers(0, 256, 32, dtype=np.uint8).tobytes()
        return KnownImage(code, digest, archive, Facts((Membership(name, label),), use))

    return make
